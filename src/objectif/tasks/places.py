"""What a network says of the cells of its grid, for the pixels of the picture: interpolated, and the likeliest class taken.

A class at a time, so that a picture of a hundred classes needs two maps and not a hundred, and some rows at a time, so that
maps of numbers stay small however large the picture is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from objectif.images.prepare import Placement

Reals = NDArray[np.float32]
_STRIP = 4_000_000  # pixels of the picture that are interpolated at once


def likeliest(scores: Reals, bias: NDArray[np.float32], place: Placement) -> NDArray[np.uint8]:
    """(H, W) class of each pixel of the picture: the greatest of scores (h, w, C) interpolated, each with its bias (C,)."""
    back = affine(scores.shape[0], scores.shape[1], place)
    maps = [np.ascontiguousarray(scores[:, :, label], np.float32) for label in range(scores.shape[2])]
    found = np.zeros((place.height, place.width), np.uint8)
    for rows in _strips(place):
        best = _seen(maps[0], back, place, rows) + bias[0]
        for label in range(1, len(maps)):
            value = _seen(maps[label], back, place, rows) + bias[label]
            found[rows][value > best] = label
            np.maximum(best, value, out=best)
    return found


def levels(values: NDArray[Any], most: int, place: Placement) -> NDArray[np.uint8]:
    """(H, W) a map (h, w) of 0..1 interpolated at the pixels of the picture, as whole numbers 0..most."""
    back, values = affine(values.shape[0], values.shape[1], place), np.ascontiguousarray(values, np.float32)
    found = np.zeros((place.height, place.width), np.uint8)
    for rows in _strips(place):
        found[rows] = np.rint(np.clip(_seen(values, back, place, rows), 0.0, 1.0) * most)
    return found


def interpolated(values: NDArray[Any], place: Placement) -> Reals:
    """(H, W) a map (h, w) interpolated at the pixels of the picture."""
    back, values = affine(values.shape[0], values.shape[1], place), np.ascontiguousarray(values, np.float32)
    return _seen(values, back, place, slice(0, place.height))


def _strips(place: Placement) -> Iterator[slice]:
    step = max(1, _STRIP // place.width)
    return (slice(top, min(top + step, place.height)) for top in range(0, place.height, step))


def _seen(values: Reals, back: NDArray[np.float64], place: Placement, rows: slice) -> Reals:
    """(rows, W) one map (h, w) interpolated at some rows of the picture."""
    here = back.copy()
    here[1, 2] += here[1, 1] * rows.start
    return np.asarray(
        cv2.warpAffine(
            values,
            here,
            (place.width, rows.stop - rows.start),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
    )


def affine(height: int, width: int, place: Placement) -> NDArray[np.float64]:
    """(2, 3) from indices of the picture's pixels to indices of the cells of a grid of height x width."""
    step = stride(height, width, place)
    x = place.scale_x / step, (0.5 * place.scale_x + place.left) / step - 0.5
    y = place.scale_y / step, (0.5 * place.scale_y + place.top) / step - 0.5
    return np.array([[x[0], 0.0, x[1]], [0.0, y[0], y[1]]], np.float64)


def stride(height: int, width: int, place: Placement) -> int:
    """Pixels of the prepared image along a cell of a grid of height x width; a picture lies in the middle of it."""
    wide = (2 * place.left + place.width * place.scale_x) / width
    high = (2 * place.top + place.height * place.scale_y) / height
    return max(1, round(min(wide, high)))


def there(mask: NDArray[Any], height: int, width: int, place: Placement, outside: int) -> NDArray[Any]:
    """(height, width) a mask (H, W) of the picture, at the middle of each pixel of its prepared image; `outside` beyond."""
    x = np.floor((np.arange(width) + 0.5 - place.left) / place.scale_x).astype(np.int64)
    y = np.floor((np.arange(height) + 0.5 - place.top) / place.scale_y).astype(np.int64)
    inside = ((y >= 0) & (y < place.height))[:, None] & ((x >= 0) & (x < place.width))[None]
    picked = mask[np.clip(y, 0, place.height - 1)[:, None], np.clip(x, 0, place.width - 1)[None]]
    return np.asarray(np.where(inside, picked, outside), mask.dtype)
