"""Polygons as pixels: a pixel is inside where its centre is, by the even-odd rule.

Rejected: cv2.fillPoly, which also fills every pixel that the outline touches: a box of 3 pixels becomes one of 4, and
neighbours grow into each other. Rejected too: an array as large as the picture for each polygon: ten thousand cells of a
picture of a hundred megapixels are then a terabyte.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def filled(polygon: Sequence[float], height: int, width: int) -> tuple[int, int, NDArray[np.bool_]]:
    """Top, left and (h, w) True inside: a polygon's own box within a picture of height x width; (0, 0) where it has none.

    polygon: x1 y1 x2 y2 ... in pixels, the first pixel from 0 to 1.
    """
    points = np.asarray(polygon, np.float64).reshape(-1, 2)
    if len(points) < 3:
        return 0, 0, np.zeros((0, 0), np.bool_)
    left, top = np.clip(np.floor(points.min(axis=0)), 0, (width, height)).astype(int).tolist()
    right, bottom = np.clip(np.ceil(points.max(axis=0)), 0, (width, height)).astype(int).tolist()
    if bottom <= top or right <= left:
        return 0, 0, np.zeros((0, 0), np.bool_)
    return top, left, _between(points, top, bottom, left, right)


def _between(points: NDArray[np.float64], top: int, bottom: int, left: int, right: int) -> NDArray[np.bool_]:
    """The pixels of a box: each crossing of an outline turns outside into inside for all pixels to its right.

    Crossings are where they are in the picture, not in the box: the same to the last bit however the box lies.
    """
    x1, y1 = points.T[:, None, :]
    x2, y2 = np.roll(points, -1, axis=0).T[:, None, :]
    centre = np.arange(top, bottom)[:, None] + 0.5
    row, edge = np.nonzero((y1 <= centre) != (y2 <= centre))
    x1, y1, x2, y2 = (v[0, edge] for v in (x1, y1, x2, y2))
    cross = x1 + (centre[row, 0] - y1) / (y2 - y1) * (x2 - x1)
    column = np.clip(np.ceil(cross - 0.5), left, right).astype(np.int64) - left
    turns = np.zeros((bottom - top, right - left + 1), np.int32)
    np.add.at(turns, (row, column), 1)
    return np.asarray(np.cumsum(turns[:, :-1], axis=1) % 2 == 1)
