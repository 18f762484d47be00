"""Measures of surfaces: how far the outline that is answered lies from the true one, in pixels or in the unit of a spacing.

The surface of a class in an image is its pixels of which one of the four neighbours is not of it; beyond the picture, and
where the truth is VOID, nothing is of any class (for both, so that what the edge cuts is no error). From each surface
pixel the distance to the nearest one of the other surface is taken, between centres: exact, by a distance transform of
the smallest rectangle that holds both.

hd95 is the larger of the two 95th percentiles (linear between ranks), one for each direction, as the toolkits of medical
imaging have it; the largest distance of all would hang on a single pixel. nsd is the share of both surfaces that lies
within a tolerance of the other (Nikolov et al. 2018, Deep learning to achieve clinically applicable segmentation of head
and neck anatomy for radiotherapy), counted in surface pixels; rejected: weights by length of a contour between pixels,
which move it by little and would make it another figure than that of most reports.

A spacing (down, across) says how much a pixel measures: distances are then measured in its unit, and not scaled afterwards, so
that pixels need not be square.

An image in which truth and answer both lack a class is left out for this class. Where one of them lacks it, hd95 is the
diagonal of the picture, and nsd is 0. Means are over images.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.metrics.base import Reals
from objectif.metrics.masks import Mask, classes_of
from objectif.metrics.regions import Kinds, Measure, mean_over_images

_CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)

Region = NDArray[np.uint8]
Outlines = tuple[Region, Region]
Spacing = tuple[float, float]
_CELLS = 4_000_000  # distances held at once
_ROUNDING = 1e-9  # twice 0.1 is within 0.2


def surface(region: Region) -> Region:
    """(h, w) 1 at the pixels of a region (0 and 1) of which a neighbour, of four, is not of it."""
    import cv2  # not above: metrics are listed by name where nothing may be slow to import

    inner = cv2.erode(region, _CROSS, borderType=cv2.BORDER_CONSTANT, borderValue=0.0)
    return np.asarray(region - inner, np.uint8)


def outlines(truth: Region, answer: Region) -> Outlines:
    """The surfaces of two regions (h, w) of 0 and 1, neither of them empty, in the rectangle that holds both."""
    import cv2

    x, y, wide, high = cv2.boundingRect(truth | answer)
    held = np.s_[y : y + high, x : x + wide]
    return surface(np.ascontiguousarray(truth[held])), surface(np.ascontiguousarray(answer[held]))


def distances(start: Region, target: Region, spacing: Spacing = (1.0, 1.0)) -> NDArray[np.float32]:
    """(P,) from each pixel of one outline to the nearest of another, in the unit of the spacing (down, across)."""
    import cv2

    if spacing[0] != spacing[1]:
        return _uneven(start, target, spacing)
    far = cv2.distanceTransform(1 - target, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(far[start > 0] * np.float32(spacing[0]), np.float32)


def _uneven(start: Region, target: Region, spacing: Spacing) -> NDArray[np.float32]:
    """The same where pixels are not square: exact, down each column first and then across all columns."""
    height, width = target.shape
    row = np.arange(height, dtype=np.float64)[:, None]
    above = np.maximum.accumulate(np.where(target > 0, row, -np.inf), axis=0)
    below = np.minimum.accumulate(np.where(target > 0, row, np.inf)[::-1], axis=0)[::-1]
    down = (np.minimum(row - above, below - row) * spacing[0]) ** 2
    y, x = np.nonzero(start)
    across = (np.arange(width) * spacing[1])[None]
    step = max(1, _CELLS // width)
    found = [
        (down[y[k : k + step]] + (across - x[k : k + step, None] * spacing[1]) ** 2).min(axis=1)
        for k in range(0, len(y), step)
    ]
    return np.asarray(np.sqrt(np.concatenate(found)), np.float32)


def _measured(value: Callable[[Outlines], float], lacking: Callable[[tuple[int, ...]], float]) -> Measure:
    """A mean over images of a value of both surfaces; lacking(shape): where one of them is not there."""

    def measure(truth: Mask, answer: Mask, kinds: Kinds) -> Reals:
        true, found = classes_of(truth), classes_of(answer)
        shown = [np.bincount(mask.ravel(), minlength=256)[kinds] > 0 for mask in (true, found)]
        values = np.where(shown[0] ^ shown[1], lacking(truth.shape), 0.0)
        for k in np.flatnonzero(shown[0] & shown[1]):
            values[k] = value(outlines(_of(true, kinds[k]), _of(found, kinds[k])))
        return mean_over_images(values, shown[1], shown[0])

    return measure


def _of(mask: Region, kind: Any) -> Region:
    return np.asarray(mask == kind).view(np.uint8)


def hausdorff(spacing: Spacing = (1.0, 1.0)) -> Measure:
    """hd95 in the unit of the spacing. One side empty: the picture's diagonal; both empty: left out."""

    def far(both: Outlines) -> float:
        return float(max(np.percentile(distances(*way, spacing), 95) for way in (both, both[::-1])))

    return _measured(far, lambda shape: math.hypot(shape[0] * spacing[0], shape[1] * spacing[1]))


def surface_dice(tolerance: float, spacing: Spacing = (1.0, 1.0)) -> Measure:
    """nsd at a tolerance in the unit of the spacing. One side empty: 0; both empty: left out.

    What lies within the tolerance of an outline is the outline widened by a disc (an ellipse of pixels): no distance is needed, in a tenth of
    the time.
    """
    high, wide = (int(tolerance / side + _ROUNDING) for side in spacing)
    y, x = np.arange(-high, high + 1)[:, None] * spacing[0], np.arange(-wide, wide + 1) * spacing[1]
    disc = (y**2 + x**2 <= (tolerance * (1 + _ROUNDING)) ** 2).astype(np.uint8)

    def near(both: Outlines) -> float:
        true, found = both
        close = sum(int((one & _widened(other, disc)).sum()) for one, other in ((true, found), (found, true)))
        return close / (int(true.sum()) + int(found.sum()))

    return _measured(near, lambda _: 0.0)


def _widened(outline: Region, disc: Region) -> Region:
    import cv2

    return np.asarray(cv2.dilate(outline, disc), np.uint8)
