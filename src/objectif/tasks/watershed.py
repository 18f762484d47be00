"""From the class and the depth of each pixel to objects: seeds where pixels lie deep, grown until they meet.

The depth of a pixel is how far it is from its object's border, 0 at the border and 254 at the deepest place. A network
tells it, or the shape of the foreground does (its distance transform: the classical way). Bytes, so that a picture in
tiles needs no more memory than its classes do, and answers the same as one that was looked at whole.

Rejected: growing by the nearest seed alone (it cuts through bays that the flooding follows), and a network that names the
object of each pixel (it has to be trained for a number of objects, and cannot be stitched from tiles).
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

DEEPEST = 254
_WHOLE = 4_000_000  # pixels up to which a picture is flooded at once; above, one island of foreground after the other

Classes = NDArray[np.uint8]
Depth = NDArray[np.uint8]


def depth_of_shape(inside: NDArray[np.uint8]) -> Depth:
    """(H, W) the depth that the shape of each island of `inside` (H, W) of 0 and 1 tells; islands are 8-connected."""
    far = cv2.distanceTransform(inside, cv2.DIST_L2, 5)
    count, islands = cv2.connectedComponents(inside, connectivity=8)
    most = np.zeros(count, np.float32)
    np.maximum.at(most, np.asarray(islands, np.intp).ravel(), np.asarray(far, np.float32).ravel())
    scaled = far * (DEEPEST / np.maximum(most, 1e-6))[islands]
    return np.where(inside > 0, np.rint(scaled), 0).astype(np.uint8)


def objects(
    classes: Classes, depth: Depth | None, seed: int, smallest: int, background: int = 0
) -> NDArray[np.uint32]:
    """(H, W) the number of each pixel's object, from 1; 0 in the background and for objects of fewer pixels than `smallest`.

    classes, depth: (H, W); depth None: that of the shape. seed: pixels at least so deep are seeds; an island of one class
    without any is one object.
    """
    found: NDArray[np.int32] | None = None
    last = 0
    counts = np.sum([np.bincount(strip.ravel(), minlength=256) for strip in _strips(classes)], axis=0)
    for label in np.flatnonzero(counts):
        if label != background:
            numbers, last = _of_class(classes == label, depth, seed, last)
            found = numbers if found is None else np.add(found, numbers, out=found)
    if found is None:
        return np.zeros(classes.shape, np.uint32)
    return _counted(found.view(np.uint32), smallest)


def _of_class(
    here: NDArray[np.bool_], depth: Depth | None, seed: int, last: int
) -> tuple[NDArray[np.int32], int]:
    """(H, W) the objects of one class, numbered after `last`, 0 elsewhere; and the last number.

    Of a large picture, islands are counted below zero once their objects are known: two maps of numbers are too many.
    """
    inside = here.view(np.uint8)
    if inside.size <= _WHOLE:
        grown = _flood(inside, depth_of_shape(inside) if depth is None else depth, seed)
        grown[here] += last
        return grown, int(grown.max())
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(inside, connectivity=8)
    islands = np.asarray(labels, np.int32)
    for number in range(1, count):
        x, y, wide, high = (int(v) for v in boxes[number, :4])
        spot = np.s_[
            max(0, y - 1) : y + high + 1, max(0, x - 1) : x + wide + 1
        ]  # with the background around it
        own = (islands[spot] == number).astype(np.uint8)
        part = _flood(own, depth_of_shape(own) if depth is None else depth[spot], seed)
        islands[spot][own > 0] = -(part[own > 0] + last)
        last += int(part.max())
    return np.negative(islands, out=islands), last


def _flood(inside: NDArray[np.uint8], depth: Depth, seed: int) -> NDArray[np.int32]:
    """(h, w) int32 the object of each pixel, 0 outside."""
    deep = ((depth >= seed) & (inside > 0)).astype(np.uint8)
    islands, where = cv2.connectedComponents(inside, connectivity=8)
    seeded = np.zeros(islands, np.bool_)
    seeded[np.unique(where[deep > 0])] = True
    deep |= (~seeded[where] & (inside > 0)).astype(np.uint8)  # an island without a seed is one
    count, marks = cv2.connectedComponents(deep, connectivity=8)
    if count <= 2 or np.array_equal(deep, inside):
        return np.asarray(marks if count > 2 else inside, np.int32)
    outside = count
    marks[inside == 0] = outside
    slope = cv2.cvtColor(DEEPEST - np.minimum(depth, DEEPEST), cv2.COLOR_GRAY2BGR)
    grown = cv2.watershed(slope, marks)
    open_ = ((grown <= 0) | (grown == outside)).astype(
        np.uint8
    )  # lines between objects go to whoever is nearest
    _, nearest = cv2.distanceTransformWithLabels(open_, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    number = np.zeros(int(nearest.max()) + 1, np.int32)
    number[nearest[open_ == 0]] = grown[open_ == 0]
    return np.where(inside > 0, number[nearest], 0).astype(np.int32)


def _counted(found: NDArray[np.uint32], smallest: int) -> NDArray[np.uint32]:
    """Objects numbered 1, 2, ... without those that are too small; in place, some rows at a time."""
    sizes = np.zeros(int(found.max(initial=0)) + 1, np.int64)
    for strip in _strips(found):
        sizes += np.bincount(strip.ravel(), minlength=len(sizes))
    kept = sizes >= max(1, smallest)
    kept[0] = False
    numbers = np.where(kept, np.cumsum(kept), 0).astype(np.uint32)
    for strip in _strips(found):
        strip[:] = numbers[strip]
    return found


def _strips(array: NDArray[Any]) -> list[NDArray[Any]]:
    """Views of some rows at a time: counting copies what it counts to 64 bits."""
    step = max(1, _WHOLE // max(1, array.shape[1]))
    return [array[top : top + step] for top in range(0, len(array), step)]
