"""Hand-made features of an image: edges, colour and texture, torch-free, in numpy.

Enough to tell whether two photos show the same scene and whether a label is plausible; far from what a network sees,
and every sentence that rests on them says so. Parts: HOG (Dalal & Triggs 2005; 8 x 8 cells, 9 unsigned
orientations, square root, contrast-normalised over 3 x 3 cells), a 64-bin histogram of Lab a and b, an 8-bin histogram
of lightness, Lab means on a 4 x 4 grid, and rotation-invariant uniform local binary patterns at radius 1 and 2
(Ojala 2002; 10 bins each). Rejected: raw pixels (alignment), SIFT and its kin (variable length, a matching step).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from numpy.typing import NDArray

from objectif.health.looks import COLOUR_SIDE, SIDE, Looks

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

_CHUNK = 128
_CELLS_AT_ONCE = 10_000_000  # similarities held at a time: 40 MB, whatever the number of images
_CELLS, _BINS = 8, 9
_NEIGHBOURS = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))


def blocks(n: int, start: int = 0) -> Iterator[slice]:
    """Slices of n rows from `start` on, such that a block times n similarities stays within memory."""
    size = max(1, min(n, _CELLS_AT_ONCE // max(1, n)))
    return (slice(at, min(n, at + size)) for at in range(start, n, size))


def features(looks: Looks, *, workers: int | None = None) -> Floats:
    """(N, D) float32, D about 700; unreadable images give a row of a black picture. Columns are not standardised."""
    starts = range(0, len(looks), _CHUNK)

    def part(start: int) -> Floats:
        luma, colour = looks.luma[start : start + _CHUNK], looks.colour[start : start + _CHUNK]
        return np.concatenate([hog(luma), *_colour(luma, colour), lbp(luma, 1), lbp(luma, 2)], axis=1)

    with ThreadPoolExecutor(workers or os.cpu_count() or 2) as pool:
        return np.concatenate(list(pool.map(part, starts)))


def hog(luma: NDArray[np.uint8]) -> Floats:
    """(n, 576) histograms of gradient orientation of (n, 64, 64) luma."""
    n = len(luma)
    gray = np.sqrt(luma.astype(np.float32) / 255.0)
    across, down = np.zeros_like(gray), np.zeros_like(gray)
    across[:, :, 1:-1] = gray[:, :, 2:] - gray[:, :, :-2]
    down[:, 1:-1] = gray[:, 2:] - gray[:, :-2]
    size = np.hypot(across, down)
    angle = np.mod(np.arctan2(down, across), np.pi) * (_BINS / np.pi)
    low = np.minimum(angle.astype(np.int64), _BINS - 1)
    share = angle - low  # each gradient goes to two neighbouring bins
    cell = np.arange(SIDE) // (SIDE // _CELLS)
    place = (np.arange(n)[:, None, None] * _CELLS + cell[:, None]) * _CELLS + cell[None]
    base = place * _BINS
    total = n * _CELLS * _CELLS * _BINS
    flat = np.bincount((base + low).ravel(), (size * (1 - share)).ravel(), total)
    flat += np.bincount((base + (low + 1) % _BINS).ravel(), (size * share).ravel(), total)
    cells = flat.reshape(n, _CELLS, _CELLS, _BINS).astype(np.float32)
    energy = np.pad((cells**2).sum(-1), ((0, 0), (1, 1), (1, 1)), mode="edge")
    around = sum(energy[:, i : i + _CELLS, j : j + _CELLS] for i in range(3) for j in range(3)) / 9.0
    return np.asarray(np.sqrt(cells / np.sqrt(around + 1e-3)[..., None]).reshape(n, -1), np.float32)


def _colour(luma: NDArray[np.uint8], lab: NDArray[np.uint8]) -> tuple[Floats, Floats, Floats]:
    """Square roots of the a-b histogram (n, 64) and the lightness histogram (n, 8), and the grid (n, 48)."""
    n = len(lab)
    # Photos seldom leave +-48 of Lab's +-128: the eight steps are spent where colours are.
    step = np.clip((lab[..., 1:].astype(np.int64) - 128 + 48) * 8 // 96, 0, 7)
    hues = _histogram(step[..., 0] * 8 + step[..., 1], 64)
    lights = _histogram(luma.astype(np.int64) // 32, 8)
    side = COLOUR_SIDE // 4
    grid = lab.reshape(n, 4, side, 4, side, 3).astype(np.float32).mean((2, 4)).reshape(n, -1) / 64.0
    return hues, lights, grid


def lbp(luma: NDArray[np.uint8], radius: int) -> Floats:
    """(n, 10) square roots of the histogram of rotation-invariant uniform patterns of (n, 64, 64) luma."""
    inner = SIDE - 2 * radius
    centre = luma[:, radius:-radius, radius:-radius].astype(np.int16) + 2  # flat areas: noise is no pattern
    code = np.zeros(centre.shape, np.uint8)
    for bit, (dy, dx) in enumerate(_NEIGHBOURS):
        top, left = radius * (1 + dy), radius * (1 + dx)
        code |= (luma[:, top : top + inner, left : left + inner] > centre).astype(np.uint8) << np.uint8(bit)
    return _histogram(_PATTERN[code], 10)


def _patterns() -> Ints:
    """(256,) bin of each code: the number of ones where the ring changes at most twice, otherwise 9."""
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    changes = (bits != np.roll(bits, 1, axis=1)).sum(1)
    return np.where(changes <= 2, bits.sum(1), 9).astype(np.int64)


_PATTERN = _patterns()


def _histogram(codes: Ints, bins: int) -> Floats:
    """(n, bins) square roots of the share of each code in codes (n, ...)."""
    n = len(codes)
    flat = codes.reshape(n, -1)
    counts = np.bincount((np.arange(n)[:, None] * bins + flat).ravel(), minlength=n * bins).reshape(n, bins)
    return np.sqrt(counts / flat.shape[1]).astype(np.float32)


def standardised(table: Floats) -> Floats:
    """Columns with mean 0 and deviation 1; constant columns are dropped."""
    spread = table.std(0)
    kept = table[:, spread > 1e-5]
    return np.asarray((kept - kept.mean(0)) / kept.std(0), np.float32)


def directions(table: Floats) -> Floats:
    """Standardised rows scaled to length 1, so that a product of two rows is their cosine."""
    rows = standardised(table)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(length, 1e-6), np.float32)


def fine_detail(luma: NDArray[np.uint8], side: int = 24) -> Floats:
    """(n, side * side) of length below 1: luma without its coarse shading, for telling copies from look-alikes.

    Aligned subjects (chests, brains, faces) share coarse shading; copies share the detail too. The constant in the
    length keeps flat pictures, whose detail is noise, from matching.
    """
    out = np.empty((len(luma), side * side), np.float32)
    for row, picture in enumerate(luma):
        gray = picture.astype(np.float32)
        detail = cv2.GaussianBlur(gray - cv2.GaussianBlur(gray, (0, 0), 4.0), (0, 0), 1.0)
        small = cv2.resize(detail, (side, side), interpolation=cv2.INTER_AREA).ravel()
        small -= small.mean()
        out[row] = small / (np.linalg.norm(small) + 0.25 * side)
    return out
