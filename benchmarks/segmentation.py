"""Figures of segmentation: races on fixed splits, and a picture that is answered in tiles."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

Row = dict[str, Any]

CAMVID = (
    "sky building pole road pavement tree sign fence car pedestrian bicyclist unlabelled"  # 11 is not counted
)


CHILD = """
import json, sys, time
from pathlib import Path
import numpy as np
from objectif.images.photo import read
from objectif.run.memory import own_peak
from objectif.run.predictor import load
solution, file, out, down, right = sys.argv[1:]
predictor = load(solution)
source = file
if int(down) or int(right):
    source = read(Path(file))[int(down):, int(right):]
start = time.perf_counter()
[answer] = predictor.predict([source])
told = {"seconds": time.perf_counter() - start, "peak": own_peak()}
np.save(out, answer.labels)
print(json.dumps(told))
"""


def answered(solution: Path, file: Path, folder: Path, down: int, right: int) -> dict[str, Any]:
    """The classes that a process of its own gives the picture without its first rows and columns, its peak and time."""
    out = folder / f"mask-{down}.npy"
    command = [sys.executable, "-c", CHILD, solution, file, out, down, right]
    child = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True)
    return {**json.loads(child.stdout), "mask": np.load(out, mmap_mode="r")}


def legend(out: Path) -> Path:
    """The names of the numbers in camvid's masks, as its source lists them."""
    out.parent.mkdir(parents=True, exist_ok=True)
    names = CAMVID.split()
    out.write_text("".join(f"{number} {name}\n" for number, name in enumerate(names)))
    return out


def each_class(run: Path) -> str:
    """'sky 0.91, building 0.75, ...': IoU of each class on the answers that the race was judged on."""
    from objectif.metrics.catalog import metric
    from objectif.runs.answers import read
    from objectif.runs.folder import RunFolder

    folder = RunFolder.open(run)
    answers, classes = read(folder), folder.result().classes
    found = metric("mIoU", classes).prepared(answers.truth, answers.scores)
    ones = np.ones((1, len(answers)))
    return ", ".join(
        f"{classes[label]} {float(one.replicates(ones)[0]):.2f}"
        for label, one in found.by_class()  # type: ignore[attr-defined]
    )


def tiles(solution: Path, images: Path) -> Row:
    """Memory for a picture of 12,000 x 9,000, and the share of its pixels that shifted tiles answer alike."""
    import detect_tiles as script

    from objectif.images.photo import is_image_name
    from objectif.images.tiles import tile_size
    from objectif.solution.file import read

    found = read(solution)
    size = tile_size(9000, 12000, found.preparation, found.reference, "auto")
    assert size is not None
    down, right = size[0] // 2, size[1] // 2
    with tempfile.TemporaryDirectory(prefix="objectif-") as folder:
        pictures = sorted(p for p in images.rglob("*") if is_image_name(p))
        file = script.written(script.mosaic(pictures, 9000, 12000), Path(folder, "large.jpg"))
        plain, shifted = (answered(solution, file, Path(folder), *by) for by in ((0, 0), (down, right)))
    # the first rows and columns of the shifted picture have lost what lay beside them
    same = float((plain["mask"][2 * down :, 2 * right :] == shifted["mask"][down:, right:]).mean())
    return {
        "what": "a 12,000 x 9,000 JPEG in tiles: peak memory; pixels of the same class from shifted tiles",
        "asked": "under 1,500 MB; 0.999",
        "measured": f"{plain['peak']:.0f} MB; {same:.4f}",
        "reached": plain["peak"] < 1500 and same >= 0.999,
        "notes": f"tiles of {size[1]} x {size[0]} shifted by half a tile; {plain['seconds']:.0f} s",
        "command": "python benchmarks/run.py segment_tiles",
    }
