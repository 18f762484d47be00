"""Polygons as pixels: a pixel is inside where its centre is, by the even-odd rule.

Rejected: cv2.fillPoly, which also fills every pixel that the outline touches: a box of 3 pixels becomes one of 4, and
neighbours grow into each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray


def filled(polygons: Iterable[Sequence[float]], height: int, width: int) -> NDArray[np.bool_]:
    """(height, width) True inside any of the polygons, each x1 y1 x2 y2 ... in pixels, the first pixel from 0 to 1."""
    inside = np.zeros((height, width), bool)
    for polygon in polygons:
        points = np.asarray(polygon, np.float64).reshape(-1, 2)
        if len(points) < 3:
            continue
        top = int(np.clip(np.floor(points[:, 1].min()), 0, height))
        bottom = int(np.clip(np.ceil(points[:, 1].max()), 0, height))
        if bottom > top:
            inside[top:bottom] |= _between(points, top, bottom, width)
    return inside


def _between(points: NDArray[np.float64], top: int, bottom: int, width: int) -> NDArray[np.bool_]:
    """Rows top to bottom: each crossing of an outline turns outside into inside for all pixels to its right."""
    x1, y1 = points.T[:, None, :]
    x2, y2 = np.roll(points, -1, axis=0).T[:, None, :]
    centre = np.arange(top, bottom)[:, None] + 0.5
    row, edge = np.nonzero((y1 <= centre) != (y2 <= centre))
    x1, y1, x2, y2 = (v[0, edge] for v in (x1, y1, x2, y2))
    cross = x1 + (centre[row, 0] - y1) / (y2 - y1) * (x2 - x1)
    column = np.clip(np.ceil(cross - 0.5), 0, width).astype(np.int64)
    turns = np.zeros((bottom - top, width + 1), np.int32)
    np.add.at(turns, (row, column), 1)
    return np.asarray(np.cumsum(turns[:, :-1], axis=1) % 2 == 1)
