"""Boxes as arrays: areas and overlaps; x1 y1 x2 y2, x2 and y2 exclusive.

Truth of detection is (N, G, 6) float64: x1 y1 x2 y2 class ignore. Answers are (N, M, 6) float32: x1 y1 x2 y2
score class. Rows of padding have class -1. Padding and not lists: a batch of images is then one array that
can be stacked, resampled and stored like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]
TRUTH_CLASS, IGNORE = 4, 5  # columns of truth
SCORE, ANSWER_CLASS = 4, 5  # columns of answers


def area(boxes: NDArray[Any]) -> Reals:
    """(...) areas of boxes (..., 4), 0 for inverted ones."""
    sides = np.maximum(np.asarray(boxes[..., 2:4], np.float64) - boxes[..., 0:2], 0.0)
    return np.asarray(sides[..., 0] * sides[..., 1], np.float64)


def overlap(first: NDArray[Any], second: NDArray[Any]) -> Reals:
    """(..., A, B) areas of the intersections of boxes (..., A, 4) and (..., B, 4)."""
    one, two = np.asarray(first, np.float64)[..., :, None, :], np.asarray(second, np.float64)[..., None, :, :]
    wide = np.minimum(one[..., 2], two[..., 2]) - np.maximum(one[..., 0], two[..., 0])
    high = np.minimum(one[..., 3], two[..., 3]) - np.maximum(one[..., 1], two[..., 1])
    return np.asarray(np.maximum(wide, 0.0) * np.maximum(high, 0.0), np.float64)


def iou(first: NDArray[Any], second: NDArray[Any]) -> Reals:
    """(..., A, B) intersection over union of boxes (..., A, 4) and (..., B, 4); 0 where both are empty."""
    both = overlap(first, second)
    union = area(first)[..., :, None] + area(second)[..., None, :] - both
    return np.asarray(both / np.maximum(union, 1e-300), np.float64)


def covered(first: NDArray[Any], second: NDArray[Any]) -> Reals:
    """(..., A, B) share of each first box that lies within each second one; 0 for empty first boxes."""
    return np.asarray(overlap(first, second) / np.maximum(area(first)[..., :, None], 1e-300), np.float64)


def packed(
    tables: Sequence[NDArray[Any]], column: int, width: int | None = None, dtype: Any = np.float64
) -> NDArray[Any]:
    """(N, width, 6) of N tables (k, 6); the rest is padding, of class -1 in `column`.

    width: default the length of the longest table, at least 1; longer tables are cut.
    """
    wide = max([1, *map(len, tables)]) if width is None else width
    out = np.zeros((len(tables), wide, 6), dtype)
    out[:, :, column] = -1
    for n, table in enumerate(tables):
        out[n, : len(table)] = table[:wide]
    return out
