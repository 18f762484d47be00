"""What a network says of the cells of its grid, for the pixels of the picture: interpolated, and the likeliest class taken.

A class at a time, so that a picture of a hundred classes or of twelve megapixels needs two maps and not a hundred.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from objectif.images.prepare import Placement

Reals = NDArray[np.float32]


def likeliest(scores: Reals, bias: NDArray[np.float32], place: Placement) -> NDArray[np.uint8]:
    """(H, W) class of each pixel of the picture: the greatest of scores (h, w, C) interpolated, each with its bias (C,)."""
    back = affine(scores.shape[0], scores.shape[1], place)
    best: Reals | None = None
    found = np.zeros((place.height, place.width), np.uint8)
    for label in range(scores.shape[2]):
        value = seen(scores[:, :, label], back, place) + bias[label]
        if best is None:
            best = value
            continue
        better = value > best
        found[better] = label
        np.maximum(best, value, out=best)
    return found


def seen(values: NDArray[Any], back: NDArray[np.float64], place: Placement) -> Reals:
    """(H, W) one map (h, w) interpolated at the pixels of the picture."""
    return np.asarray(
        cv2.warpAffine(
            np.ascontiguousarray(values, np.float32),
            back,
            (place.width, place.height),
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
