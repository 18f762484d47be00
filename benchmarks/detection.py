"""Figures of detection: races on fixed splits, speed from files, and a picture that is answered in tiles."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

Row = dict[str, Any]
SHARED = Path(os.environ.get("OBJECTIF_SHARED", Path(__file__).resolve().parents[2] / "shared"))
os.environ.setdefault("OBJECTIF_WEIGHTS", str(SHARED / "weights"))  # where yolox_nano.onnx lies


def also(run: Path, names: tuple[str, ...]) -> dict[str, str]:
    """Other metrics of the same answers that the race was judged on: the test split, or out of fold."""
    from objectif.metrics.catalog import metric
    from objectif.metrics.intervals import interval
    from objectif.runs.answers import read
    from objectif.runs.folder import RunFolder

    folder = RunFolder.open(run)
    answers, classes = read(folder), folder.result().classes
    found = {}
    for name in names:
        value = interval(metric(name, classes), answers.truth, answers.scores, answers.units)
        span = "no interval" if value.low is None else f"[{value.low:.3f}, {value.high:.3f}]"
        found[name] = f"{value.estimate:.3f} {span}"
    return found


def frames(data: Path, out: Path) -> Path:
    """Lists for frames of one crossing: the last third by number is the test, the fourth before it chooses."""
    names = sorted(
        (p.name for p in (data / "images").glob("*.jpg")), key=lambda n: int(re.search(r"\((\d+)\)", n)[1])
    )
    last = len(names) - len(names) // 3
    chosen = last - last // 4
    parts = {"train": names[:chosen], "val": names[chosen:last], "test": names[last:]}
    out.mkdir(parents=True, exist_ok=True)
    for part, some in parts.items():
        (out / f"{part}.txt").write_text("".join(f"images/{name}\n" for name in some))
    return out


def speed(solution: Path, images: Path) -> Row:
    """Images a second from files against the bare network, by `objectif benchmark`."""
    command = [sys.executable, "-m", "objectif", "benchmark", solution, images, "--json"]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    rows = found["speeds"]
    best = max(rows, key=lambda row: row["files"])
    said = "; ".join(
        f"{row['precision']}: {row['files']:.0f} of {row['bare']:.0f} images/s, ratio {row['ratio']:.2f}, "
        f"memory {row['memory_mb']:.0f} MB"
        for row in rows
    )
    return {
        "what": "detector from files of 640 x 480, two cores: images/s and share of the bare network's rate",
        "asked": "45 images/s, 0.8",
        "measured": f"{best['files']:.0f} images/s, {best['ratio']:.2f} ({best['precision']})",
        "reached": best["files"] >= 45 and best["ratio"] >= 0.8,
        "notes": said,
        "command": "python benchmarks/run.py detect_speed",
    }


def tiles(solution: Path, images: Path) -> Row:
    """Memory for a picture of 12,000 x 9,000, and whether shifted tiles answer the same."""
    import detect_tiles as script

    from objectif.images.photo import is_image_name
    from objectif.images.tiles import tile_size
    from objectif.solution.file import read

    found = read(solution)
    size = tile_size(9000, 12000, found.preparation, found.reference, "auto")
    assert size is not None
    down, right = script.shift_of(found, size)
    with tempfile.TemporaryDirectory(prefix="objectif-") as folder:
        pictures = sorted(p for p in images.rglob("*") if is_image_name(p))
        file = script.written(script.mosaic(pictures, 9000, 12000), Path(folder, "large.jpg"))
        plain = script.answered(solution, file)
        shifted = script.answered(solution, file, down, right)
        same = script.compared(plain, shifted, down, right, size)
    return {
        "what": "a 12,000 x 9,000 JPEG in tiles: peak memory; matched boxes that agree with shifted tiles to IoU 0.9",
        "asked": "under 1,500 MB; IoU 0.9 or more",
        "measured": f"{plain['peak']:.0f} MB; {same['of_matched_0.9']:.3f} of the matched boxes",
        "reached": plain["peak"] < 1500 and same["of_matched_0.9"] >= 0.999,
        "notes": f"median IoU of matched boxes {same['median_of_matched']:.3f}; {same['boxes']} boxes, {same['matched']:.3f} of them matched at IoU 0.5, {same['of_all_0.9']:.3f} of "
        f"all at 0.9; tiles of {size[1]} x {size[0]} shifted by {right} x {down} px; {plain['seconds']:.0f} s",
        "command": "python benchmarks/run.py detect_tiles",
    }


def seconds_of(result: dict[str, Any]) -> str:
    """'21.3 min'."""
    return f"{float(np.round(result['elapsed_s'] / 60, 1))} min"
