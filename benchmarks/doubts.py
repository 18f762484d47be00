"""Labels made wrong on purpose, and how many of them stand at the head of the list of doubts.

One label in twenty of fruit_quality is changed to another class, evenly and anew for each seed. The race gets copies that
lie in the folders of the changed labels, under names that tell nothing; which were changed is kept beside that folder,
and read again after `objectif doubts` has written its list.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Row = dict[str, Any]
Solve = Callable[..., dict[str, Any]]

SHARE, HEAD, SEEDS = 0.05, 0.10, 5
BIN = Path(sys.executable).parent / "objectif"


def flipped(data: Path, to: Path, seed: int) -> set[str]:
    """Copies with wrong labels in `to`/data; returns the paths of those, relative to that folder."""
    table = to / "changed.json"
    if table.exists():
        return set(json.loads(table.read_text()))
    files = sorted(f for f in data.glob("*/*") if f.suffix.lower() in (".jpg", ".png"))
    classes = sorted({f.parent.name for f in files})
    rng = np.random.default_rng(seed)
    label = np.array([classes.index(f.parent.name) for f in files])
    rows = rng.permutation(len(files))[: round(SHARE * len(files))]
    label[rows] = (label[rows] + rng.integers(1, len(classes), len(rows))) % len(classes)
    numbers = rng.permutation(len(files))
    shutil.rmtree(to / "data", ignore_errors=True)
    names = [f"{classes[k]}/{n:05d}{f.suffix.lower()}" for f, k, n in zip(files, label, numbers, strict=True)]
    for file, name in zip(files, names, strict=True):
        target = to / "data" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    changed = {names[row] for row in rows.tolist()}
    table.write_text(json.dumps(sorted(changed)))
    return changed


def found(run: Path, head: int) -> list[str]:
    """The paths of the first `head` labels of the list that a user gets."""
    command = [str(BIN), "doubts", str(run), "--json", "-n", str(head)]
    child = subprocess.run(command, capture_output=True, text=True, check=True)
    return [label["path"] for label in json.loads(child.stdout)["labels"]]


def row(solve: Solve, runs: Path, data: Path, budget: str = "90s") -> Row:
    """The share of changed labels in the first tenth, mean over seeds."""
    shares, winners = [], []
    for seed in range(SEEDS):
        place = runs / "doubts" / f"changed-{seed}"
        changed = flipped(data / "fruit_quality", place, seed)
        name = f"doubts/run-{seed}"
        winners.append(solve(name, place / "data", "--budget", budget)["winner"])
        images = len(list((place / "data").glob("*/*")))
        shares.append(len(changed & set(found(runs / name, round(HEAD * images)))) / len(changed))
    return {
        "what": f"fruit_quality, {SHARE:.0%} of labels changed, {SEEDS} seeds, {budget}: share of them in the first tenth",
        "asked": "0.80",
        "measured": f"{np.mean(shares):.3f} ({', '.join(f'{share:.2f}' for share in shares)})",
        "reached": bool(np.mean(shares) >= 0.8),
        "notes": "objectif doubts on each run; " + ", ".join(dict.fromkeys(winners)),
        "command": "python benchmarks/run.py doubts",
    }
