"""JPEG files to measure with where a user gives none: as large and as dear to decode as photos."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

SIDES = {"320 px": (320, 240), "12 megapixels": (4000, 3000)}


def photos(folder: Path, size: tuple[int, int], count: int, *, seed: int = 0) -> list[str]:
    """Write `count` JPEGs of size (width, height), quality 90, to the folder; returns their names.

    Detail at every scale falls off as in photos (1/f), because a decoder's time depends on it: white noise would cost
    too much, a plain surface nearly nothing.
    """
    random = np.random.default_rng(seed)
    width, height = size
    repeats = max(
        1, width // 1000
    )  # a large photo is a mosaic of a smaller one: as dear to decode, quick to make
    names = []
    for number in range(count):
        part = _picture(random, -(-width // repeats), -(-height // repeats))
        pixels = np.ascontiguousarray(np.tile(part, (repeats, repeats, 1))[:height, :width])
        path = folder / f"{width}x{height}-{number:03d}.jpg"
        path.write_bytes(simplejpeg.encode_jpeg(pixels, quality=90, colorspace="RGB", colorsubsampling="420"))
        names.append(str(path))
    return names


def _picture(random: np.random.Generator, width: int, height: int) -> NDArray[np.uint8]:
    """(height, width, 3) of detail at scales from a quarter of the width down, and a sensor's noise."""
    picture = 128 + 3 * random.standard_normal((height, width, 3), np.float32)
    cells = 4
    while cells <= width:
        grid = random.standard_normal((max(1, cells * height // width), cells, 3), np.float32)
        picture += cv2.resize(grid, (width, height), interpolation=cv2.INTER_LINEAR) * (160 / cells**0.5)
        cells *= 4
    return np.clip(picture, 0, 255).astype(np.uint8)
