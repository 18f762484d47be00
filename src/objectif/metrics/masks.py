"""Masks as arrays: a number for each pixel that tells its class and, where objects are told apart, which object it is.

    value = class + 256 * object        class 0..254; object 0 where objects are not told apart, else 1, 2, ...

VOID (class 255) is what nobody knows and nothing is counted of: pixels that the truth leaves open, and the padding by
which pictures of different sizes become one array (N, H, W). A mask of classes alone is uint8, one with objects uint32.

Rejected: two arrays, for classes and for objects (whatever is turned, cut, stored and compared has to be done twice), and
a list of one small mask for each object (overlaps then have to be settled whenever somebody asks what a pixel is).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

VOID = 255
"""The class of pixels that are not counted."""
MOST_CLASSES = 255
_SHIFT = 8
BACKGROUND = frozenset({"background", "_background_", "__background__", "bg"})
"""Names, lower case, that class 0 has where it is what is left when all objects are taken away."""

Mask = NDArray[Any]


def classes_of(mask: Mask) -> NDArray[np.uint8]:
    """(...) the class of each pixel, VOID where it is open."""
    return mask if mask.dtype == np.uint8 else (mask & 0xFF).astype(np.uint8)


def objects_of(mask: Mask) -> NDArray[np.uint32]:
    """(...) the object of each pixel, 0 where objects are not told apart or there is none."""
    if mask.dtype == np.uint8:
        return np.zeros(mask.shape, np.uint32)
    return np.asarray(mask >> _SHIFT, np.uint32)


def packed(classes: NDArray[Any], objects: NDArray[Any] | None = None) -> Mask:
    """One mask (...) of classes and objects; uint8 without objects."""
    if objects is None:
        return np.asarray(classes, np.uint8)
    return np.asarray(classes, np.uint32) | (np.asarray(objects, np.uint32) << _SHIFT)


def padded(masks: Sequence[Mask]) -> Mask:
    """(N, H, W) of N masks (h, w), at the top left, VOID beyond; uint32 where one of them is."""
    high, wide = (max([1, *(m.shape[axis] for m in masks)]) for axis in (0, 1))
    whole = any(m.dtype != np.uint8 for m in masks)
    out = np.full((len(masks), high, wide), VOID, np.uint32 if whole else np.uint8)
    for row, mask in zip(out, masks, strict=True):
        row[: mask.shape[0], : mask.shape[1]] = mask
    return out


def has_background(classes: Sequence[str]) -> bool:
    """Whether class 0 is background: what is not an object of any class."""
    return bool(classes) and classes[0].lower() in BACKGROUND
