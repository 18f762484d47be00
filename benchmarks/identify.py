"""Figures of identification: a face network given as a file, and galleries of signs and of small photos.

No picture of a face is kept: reports of identification show none, and runs are folders of figures.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

Row = dict[str, Any]
ALIGNED = "?align=centerface.onnx"


def statement(out: Path, data: Path, models: list[str], budget: str) -> Path:
    """A problem.toml, written; its path."""
    out.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        f"data = {json.dumps(str(data))}",
        'task = "identify"',
        "[search]",
        f"budget = {json.dumps(budget)}",
        *([f"models = {json.dumps(models)}"] if models else []),
    ]
    out.write_text("\n".join(lines) + "\n")
    return out


def sorted_into(out: Path, files: list[Path], identity: Callable[[Path], str]) -> Path:
    """A folder with a folder for each identity, made of copies."""
    if out.exists():
        shutil.rmtree(out)
    for file in files:
        place = out / identity(file)
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, place / f"{file.parent.name}-{file.name}")
    return out


def by_track(file: Path) -> str:
    """The very sign: its class and the number of the track, which is one sign filmed from a car."""
    return f"{file.parent.name}-{file.stem.split('_')[0]}"


def by_class(file: Path) -> str:
    """The class in the name of an image of cifar10h."""
    return file.stem.split("_")[1]


def evaluated(binary: Path, solution: Path, data: Path) -> dict[str, Any]:
    """Metrics of a Solution on all of the data, a quarter of the identities strangers, divided again and again."""
    command = [binary, "evaluate", solution, data, "--json"]
    child = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(child.stdout)["metrics"]
    return found


def told(found: dict[str, Any]) -> str:
    """'TAR at FAR 0.1 % 0.99, ...' of all metrics but the first."""
    words = {"tar": "TAR at FAR 0.1 %", "rank1": "rank-1", "open_auroc": "open-set AUROC"}
    return ", ".join(
        f"{title} {found[name]['estimate']:.3f}" for name, title in words.items() if name in found
    )
