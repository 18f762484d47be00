"""One look at every image of a Dataset: decoded once to a few kilobytes that all checks share.

Decoding dominates the time of a health check, so it is done once, in threads, to 64 x 64 luma and 16 x 16 colour
(5 KB an image, whatever the size of the files). Larger pictures would show finer flaws and cost as many times more;
thumbnails for people are read again, for the few images that are shown.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from objectif.data import pixels as data_pixels
from objectif.data.dataset import Dataset
from objectif.errors import DataError, ImageError
from objectif.images import photo
from objectif.images.photo import PhotoInfo

SIDE = 64
"""Pixels a side of the luma that checks compare."""
COLOUR_SIDE = 16
"""Pixels a side of the colour that checks compare."""
DECODED_SIDE = 2 * SIDE
"""The decoder may shrink no further: a JPEG decoded straight to 64 pixels is sharper than the same picture stored at
another size and averaged, and the two would no longer look the same."""

Bytes = NDArray[np.uint8]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Looks:
    """What the checks know of the images.

    luma: (N, 64, 64) uint8, stretched to a square by area. colour: (N, 16, 16, 3) uint8 Lab, the same way.
    infos: the header of each file (made up from the array's shape for items of array containers), None where
    unreadable. readable: (N,) bool; unreadable images are all zero. failures: path -> why.
    """

    luma: Bytes
    colour: Bytes
    infos: tuple[PhotoInfo | None, ...]
    readable: NDArray[np.bool_]
    failures: Mapping[str, str]

    def __len__(self) -> int:
        return len(self.luma)

    def take(self, rows: NDArray[np.int64]) -> Looks:
        """The looks of these rows, in this order."""
        infos = tuple(self.infos[int(i)] for i in rows)
        return Looks(self.luma[rows], self.colour[rows], infos, self.readable[rows], self.failures)


def look(dataset: Dataset, *, workers: int | None = None, progress: Progress | None = None) -> Looks:
    """Decode every sample once; images that cannot be read are listed, not raised.

    workers: threads, all processors unless said. progress: called with (done, of) now and then.
    Raises DataError where not one image can be read.
    """
    n = len(dataset)
    luma = np.zeros((n, SIDE, SIDE), np.uint8)
    colour = np.zeros((n, COLOUR_SIDE, COLOUR_SIDE, 3), np.uint8)
    infos: list[PhotoInfo | None] = [None] * n
    failures: dict[str, str] = {}

    def one(row: int) -> None:
        try:
            pixels, infos[row] = _decode(dataset, row)
        except ImageError as error:
            failures[dataset.samples[row].path] = str(error)
            return
        luma[row], colour[row] = _small(pixels)

    with ThreadPoolExecutor(workers or os.cpu_count() or 2) as pool:
        for done, _ in enumerate(pool.map(one, range(n)), start=1):
            if progress is not None and (done % 50 == 0 or done == n):
                progress(done, n)
    ordered = {s.path: failures[s.path] for s in dataset.samples if s.path in failures}
    readable = np.array([info is not None for info in infos], bool)
    if not readable.any():
        why = next(iter(ordered.values()), "the dataset is empty")
        raise DataError(
            f"{dataset.root}: none of the {n} images can be read; expected labelled images. First: {why}"
        )
    return Looks(luma, colour, tuple(infos), readable, ordered)


def _decode(dataset: Dataset, row: int) -> tuple[NDArray[Any], PhotoInfo]:
    """Pixels (H, W, C), at least DECODED_SIDE on the short side where the file has them, and what the header says."""
    sample = dataset.samples[row]
    if sample.item is None:
        try:
            data = sample.file.read_bytes()
        except OSError:
            data = b""
        source = data or sample.file  # photo says why there are no bytes, in its own words
        pixels = photo.read(source, name=sample.path, min_side=DECODED_SIDE)
        return pixels, photo.probe(source, name=sample.path)
    pixels = data_pixels.read(dataset, row)
    height, width, bands = pixels.shape
    mode = {1: "L", 3: "RGB"}.get(bands, f"{bands} bands")
    bits = 8 * pixels.dtype.itemsize
    return pixels, PhotoInfo(width, height, mode, bits, dataset.layout.upper(), 1, pixels.nbytes, {}, None)


def _small(pixels: NDArray[Any]) -> tuple[Bytes, Bytes]:
    """(64, 64) luma and (16, 16, 3) Lab of pixels (H, W, C)."""
    rgb = eight_bit_rgb(pixels)
    height, width = rgb.shape[:2]
    shrinks = min(height, width) >= SIDE
    square = cv2.resize(rgb, (SIDE, SIDE), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    gray = cv2.cvtColor(square, cv2.COLOR_RGB2GRAY)
    lab = cv2.cvtColor(square, cv2.COLOR_RGB2LAB)
    small = cv2.resize(lab, (COLOUR_SIDE, COLOUR_SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(gray, np.uint8), np.asarray(small, np.uint8)


def eight_bit_rgb(pixels: NDArray[Any]) -> Bytes:
    """(H, W, 3) uint8 to look at, of pixels (H, W, C) of any depth and number of bands.

    Deeper pixels are scaled by the whole bits they use: a 12-bit X-ray in a 16-bit file is not black.
    Of more than three bands the first three are shown.
    """
    if pixels.dtype != np.uint8:
        top = float(pixels.max()) if pixels.size else 0.0
        full = 2.0 ** max(8, int(np.ceil(np.log2(top + 1.0)))) - 1.0 if top > 0 else 255.0
        pixels = np.clip(pixels.astype(np.float32) * (255.0 / full), 0, 255).astype(np.uint8)
    if pixels.shape[2] < 3:
        pixels = np.repeat(pixels[:, :, :1], 3, axis=2)
    return np.ascontiguousarray(pixels[:, :, :3])
