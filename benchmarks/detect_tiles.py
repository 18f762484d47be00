"""A 12,000 x 9,000 picture in tiles: peak memory, time, and whether the answer depends on where the tiles lie.

    python benchmarks/detect_tiles.py SOLUTION IMAGES [--width 12000 --height 9000 --kind jpg,png,tif]

The picture is a mosaic of the images given, in their own size, turned over at random. Each answer is found in a process
of its own, whose peak counts everything: interpreter, network, pixels. Then all tiles are shifted by about half a tile and the
two answers are compared: the boxes of one that the other has too (the same class, best IoU at least one half), and how
many of those agree to an IoU of 0.9.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MATCHED, AGREE = 0.5, 0.9
CHILD = """
import json, sys, time
from pathlib import Path
from objectif.images.photo import read
from objectif.run.memory import own_peak
from objectif.run.predictor import load
solution, file, down, right, tile = sys.argv[1:]
predictor = load(solution)
source = file
if int(down) or int(right):
    source = read(Path(file))[int(down):, int(right):]
start = time.perf_counter()
[answer] = predictor.predict([source], tile=int(tile) if tile.isdigit() else tile)
told = {"seconds": time.perf_counter() - start, "peak": own_peak(), "labels": answer.labels}
print(json.dumps({**told, "boxes": answer.boxes.tolist(), "scores": answer.scores.tolist()}))
"""


def mosaic(images: list[Path], height: int, width: int, *, seed: int = 0) -> NDArray[np.uint8]:
    """(height, width, 3) covered with the images in rows, each mirrored or not, in random order."""
    from objectif.images.photo import read

    random = np.random.default_rng(seed)
    out = np.zeros((height, width, 3), np.uint8)
    top = 0
    while top < height:
        left, high = 0, height - top
        while left < width:
            pixels = read(images[int(random.integers(len(images)))])[:, :, :3]
            pixels = pixels[:: random.choice([1, -1]), :: random.choice([1, -1])]
            part = pixels[: height - top, : width - left]
            out[top : top + part.shape[0], left : left + part.shape[1]] = part
            left, high = left + pixels.shape[1], min(high, pixels.shape[0])
        top += high
    return out


def written(pixels: NDArray[np.uint8], path: Path) -> Path:
    """The picture as a file: JPEG at quality 90, PNG, or TIFF."""
    import cv2

    quality = {".jpg": [cv2.IMWRITE_JPEG_QUALITY, 90], ".png": [cv2.IMWRITE_PNG_COMPRESSION, 1]}
    cv2.imwrite(str(path), pixels[:, :, ::-1], quality.get(path.suffix, []))
    return path


def answered(solution: Path, file: Path, down: int = 0, right: int = 0, tile: str = "auto") -> dict[str, Any]:
    """The answer of a process of its own, for the picture without its first rows and columns, in its own coordinates."""
    command = [sys.executable, "-c", CHILD, str(solution), str(file), str(down), str(right), tile]
    child = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(child.stdout)
    found["boxes"] = np.array(found["boxes"]).reshape(-1, 4) + np.array([right, down, right, down])
    return found


def overlap(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, m) intersection over union."""
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (one, other)]
    return np.asarray(shared / np.maximum(areas[0][:, None] + areas[1][None] - shared, 1e-9))


def compared(
    one: dict[str, Any], other: dict[str, Any], down: int, right: int, size: tuple[int, int]
) -> dict[str, float]:
    """Shares of the boxes of `one`, in what both saw, that `other` has too; a rim of a shift's width is left out."""
    boxes = one["boxes"]
    inside = (boxes[:, 0] > 2 * right) & (boxes[:, 1] > 2 * down)
    best = []
    for k in np.flatnonzero(inside):
        near = np.abs(other["boxes"][:, :2] - boxes[k, :2]).max(axis=1) < max(size)
        same = near & (np.array(other["labels"]) == one["labels"][k])
        found = overlap(boxes[k : k + 1], other["boxes"][same])
        best.append(float(found.max(initial=0.0)))
    values = np.array(best)
    matched = values >= MATCHED
    return {
        "boxes": len(values),
        "matched": float(matched.mean()) if len(values) else 0.0,
        "of_matched_0.9": float((values[matched] >= AGREE).mean()) if matched.any() else 0.0,
        "median_of_matched": float(np.median(values[matched])) if matched.any() else 0.0,
        "of_all_0.9": float((values >= AGREE).mean()) if len(values) else 0.0,
    }


def shift_of(solution: Any, size: tuple[int, int]) -> tuple[int, int]:
    """About half a tile down and right, in whole cells of the network's coarsest grid, on which tiles begin."""
    from objectif.images.prepare import placement
    from objectif.images.windows import steps

    down, right = steps(placement(*size, solution.preparation))
    return size[0] // 2 // down * down or down, size[1] // 2 // right * right or right


def main() -> None:
    from objectif.images.photo import is_image_name
    from objectif.images.tiles import tile_size
    from objectif.solution.file import read

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("solution", type=Path)
    parser.add_argument("images", type=Path, help="a folder of images like those it was fitted on")
    parser.add_argument("--width", type=int, default=12_000)
    parser.add_argument("--height", type=int, default=9_000)
    parser.add_argument("--kinds", default="jpg,png,tif")
    parser.add_argument("--tile", default="auto")
    chosen = parser.parse_args()
    solution = read(chosen.solution)
    rule: Any = int(chosen.tile) if chosen.tile.isdigit() else chosen.tile
    size = tile_size(chosen.height, chosen.width, solution.preparation, solution.reference, rule)
    if size is None:
        sys.exit(f"{chosen.width} x {chosen.height} is not cut (reference {solution.reference}): give --tile")
    images = sorted(p for p in chosen.images.rglob("*") if is_image_name(p))
    print(f"tiles of {size[1]} x {size[0]} in {chosen.width} x {chosen.height}")
    with tempfile.TemporaryDirectory(prefix="objectif-") as folder:
        pixels = mosaic(images, chosen.height, chosen.width)
        files = [written(pixels, Path(folder, f"large.{kind}")) for kind in chosen.kinds.split(",")]
        del pixels
        for file in files:
            plain = answered(chosen.solution, file, tile=chosen.tile)
            weight = file.stat().st_size / 1e6
            print(
                f"{file.suffix[1:]} of {weight:.0f} MB: peak {plain['peak']:.0f} MB, {plain['seconds']:.1f} s, "
                f"{len(plain['labels'])} boxes"
            )
        down, right = shift_of(solution, size)
        plain = answered(chosen.solution, files[0], tile=chosen.tile)
        shifted = answered(chosen.solution, files[0], down, right, chosen.tile)
        for title, one, other in (("plain in shifted", plain, shifted), ("shifted in plain", shifted, plain)):
            found = compared(one, other, down, right, size)
            shown = ", ".join(f"{name} {value:.4g}" for name, value in found.items())
            print(f"{title}: {shown}")


if __name__ == "__main__":
    main()
