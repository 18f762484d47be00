"""A map laid on its picture: cells interpolated at the picture's pixels, and where most of it is.

Interpolation is written out as two products of matrices, because OpenCV's warps know places to a thirty-second of a cell
only: over seven cells a photo would get steps.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from objectif.images.prepare import Placement

_COARSE = (
    128  # pixels of a map's longer side on which shares are counted: sorting all of a photo takes a second
)


def on_picture(cells: NDArray[np.float32], place: Placement, size: tuple[int, int]) -> NDArray[np.float32]:
    """(H, W) of the picture: cells (h, w) over a prepared image of this size interpolated; 0 where it was cut off."""
    down = _axis(place.height, place.scale_y, place.top, size[0], cells.shape[0])
    across = _axis(place.width, place.scale_x, place.left, size[1], cells.shape[1])
    return np.asarray(down @ cells.astype(np.float32) @ across.T, np.float32)


def _axis(length: int, scale: float, shift: float, prepared: int, cells: int) -> NDArray[np.float32]:
    """(length, cells) by which cells are interpolated at the pixels of the picture; rows of 0 beyond the prepared image."""
    there = (np.arange(length) + 0.5) * scale + shift
    at = np.clip(there * cells / prepared - 0.5, 0, cells - 1)
    weight = np.clip(1 - np.abs(at[:, None] - np.arange(cells)[None]), 0, 1)
    return np.asarray(weight * ((there >= 0) & (there <= prepared))[:, None], np.float32)


def gathered(whole: NDArray[np.float32]) -> tuple[float, tuple[float, float]] | None:
    """The least share of the picture that holds half of what is above 0 in a map (H, W), and its middle (x, y) in pixels.

    None where nothing is above 0.
    """
    scale = max(1.0, max(whole.shape) / _COARSE)
    size = max(1, round(whole.shape[1] / scale)), max(1, round(whole.shape[0] / scale))
    above = np.maximum(cv2.resize(whole, size, interpolation=cv2.INTER_AREA), 0.0).astype(np.float64)
    total = float(above.sum())
    if total <= 0:
        return None
    order = np.argsort(-above, axis=None, kind="stable")
    count = int(np.searchsorted(np.cumsum(above.ravel()[order]), total / 2)) + 1
    rows, columns = np.unravel_index(order[:count], above.shape)
    weight = above[rows, columns]
    x, y = (
        (float(np.average(v, weights=weight)) + 0.5) * full / coarse
        for v, full, coarse in zip((columns, rows), whole.shape[::-1], size, strict=True)
    )
    return count / above.size, (x, y)
