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
np.save(out, answer.labels if answer.objects is None else answer.objects)
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


def shift_of(solution: Path) -> tuple[int, int]:
    """Rows and columns by which a picture is cut so that its tiles lie elsewhere: about half of what a tile answers for.

    Whole cells of the network's own grid, as tiles are shifted over a picture: a network that halves its maps five times
    answers differently for a picture moved by a pixel, tiles or not.
    """
    from objectif.images.prepare import placement
    from objectif.images.windows import LONGEST, MARGIN, step
    from objectif.solution.file import read

    found = read(solution)
    assert found.reference is not None
    place = placement(*found.reference, found.preparation)
    cells = [step(scale) for scale in (place.scale_y, place.scale_x)]
    down, right = (pixels * round((LONGEST / 2 - MARGIN) / prepared) for pixels, prepared in cells)
    return down, right


def tiles(solution: Path, images: Path) -> Row:
    """Memory for a picture of 12,000 x 9,000, and the share of its pixels that shifted tiles answer alike."""
    import detect_tiles as script

    from objectif.images.photo import is_image_name

    down, right = shift_of(solution)
    with tempfile.TemporaryDirectory(prefix="objectif-") as folder:
        pictures = sorted(p for p in images.rglob("*") if is_image_name(p))
        file = script.written(script.mosaic(pictures, 9000, 12000), Path(folder, "large.jpg"))
        shifts = (0, 0), (down, right), (down + 17, right + 29)
        plain, *shifted = (answered(solution, file, Path(folder), *by) for by in shifts)
    # the first rows and columns of the shifted picture have lost what lay beside them
    same, free = (
        float((plain["mask"][2 * y :, 2 * x :] == one["mask"][y:, x:]).mean())
        for one, (y, x) in zip(shifted, shifts[1:], strict=True)
    )
    return {
        "what": "a 12,000 x 9,000 JPEG in tiles: peak memory; pixels of the same class from shifted tiles",
        "asked": "under 1,500 MB; 0.999",
        "measured": f"{plain['peak']:.0f} MB; {same:.4f}",
        "reached": plain["peak"] < 1500 and same >= 0.999,
        "notes": f"tiles shifted by {right} x {down} px, whole cells of the network's grid; a picture moved against that "
        f"grid, by {right + 29} x {down + 17} px: {free:.4f}; {plain['seconds']:.0f} s",
        "command": "python benchmarks/run.py segment_tiles",
    }


def object_tiles(solution: Path, images: Path) -> Row:
    """The same for objects: memory, and the share of the objects that shifted tiles find with an IoU of 0.9 or more."""
    import detect_tiles as script

    from objectif.images.photo import is_image_name

    down, right = shift_of(solution)
    with tempfile.TemporaryDirectory(prefix="objectif-") as folder:
        pictures = sorted(p for p in images.rglob("*") if is_image_name(p))
        file = script.written(script.mosaic(pictures, 9000, 12000), Path(folder, "large.jpg"))
        plain, shifted = (answered(solution, file, Path(folder), *by) for by in ((0, 0), (down, right)))
    part = np.s_[3000:6000, 4000:8000]  # over several seams of each
    alike = found_again(
        plain["mask"][part], shifted["mask"][3000 - down : 6000 - down, 4000 - right : 8000 - right]
    )
    return {
        "what": "a 12,000 x 9,000 JPEG in tiles, objects told apart: peak memory; objects found again by shifted tiles",
        "asked": "under 1,500 MB",
        "measured": f"{plain['peak']:.0f} MB; {alike:.4f} at IoU 0.9",
        "reached": plain["peak"] < 1500,
        "notes": f"{int(plain['mask'].max())} objects; those in the middle 4,000 x 3,000 px are compared; tiles shifted by "
        f"{right} x {down} px; {plain['seconds']:.0f} s",
        "command": "python benchmarks/run.py segment_tiles_objects",
    }


def found_again(one: Any, other: Any, least: float = 0.9) -> float:
    """The share of the objects in one (H, W) that are an object in the other, too, by IoU."""
    most = int(other.max()) + 1
    pairs, shared = np.unique(one.astype(np.int64) * most + other, return_counts=True)
    sizes, others = np.bincount(one.ravel()), np.bincount(other.ravel(), minlength=most)
    a, b = pairs // most, pairs % most
    both = (a > 0) & (b > 0)
    iou = shared[both] / (sizes[a[both]] + others[b[both]] - shared[both])
    return float((iou >= least).sum() / max(1, np.count_nonzero(sizes[1:])))
