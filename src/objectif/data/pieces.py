"""The objects of a mask one after the other, each as the pixels of its own box.

Where objects are told apart, each number is one object, and pixels without a number are of none: what was too small to be
an object does not come back. Elsewhere an object is a connected component of its class, over edges and corners (8
neighbours), so that a thin slanting crack stays one.

No two objects have the same number, in any form: where a number covers pixels of two classes, the first class keeps it and
the others get numbers after the last. A picture of numbers would make them one object again.

A box of pixels, and never an array as large as the picture for each object: ten thousand cells of a slide of a hundred
megapixels would otherwise be a terabyte. What is as large as the picture is one map of components (four bytes a pixel).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from objectif.answers import Masks
from objectif.metrics.masks import VOID

_CELLS = 4_000_000  # pixels looked at once
_OBJECT = 256  # values from here on have an object

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Piece:
    """One object. number: its own or a new one, no other's. label: index of its class.

    left, top: of its box in the picture. mask: (h, w) bool, its pixels within that box.
    """

    number: int
    label: int
    left: int
    top: int
    mask: Bools


def pieces(answer: Masks) -> Iterator[Piece]:
    """The objects of all classes but the background: by their numbers, or components class by class."""
    mask = answer.mask
    values, boxes = _boxes(mask)
    if mask.dtype != np.uint8:
        yield from _numbered(answer, values, boxes)
        return
    last = 0
    for value in values.tolist():
        if _shown(answer, value):
            for piece in _components(mask, value, last):
                last = piece.number
                yield piece


def _numbered(answer: Masks, values: NDArray[Any], boxes: NDArray[np.int64]) -> Iterator[Piece]:
    """The objects that have numbers, in their order; at the end those whose number another class has."""
    mask = answer.mask
    shown = [k for k, v in enumerate(values.tolist()) if v >= _OBJECT and _shown(answer, v % _OBJECT)]
    numbers = values[shown] // _OBJECT
    again = np.zeros(len(shown), np.bool_)
    again[1:] = numbers[1:] == numbers[:-1]
    last = int(numbers.max(initial=0))
    own = [*zip(numbers[~again].tolist(), np.flatnonzero(~again).tolist(), strict=True)]
    new = [(last + k, place) for k, place in enumerate(np.flatnonzero(again).tolist(), 1)]
    for number, place in own + new:
        value = int(values[shown[place]])
        left, top, right, bottom = boxes[shown[place]].tolist()
        inside = mask[top:bottom, left:right] == mask.dtype.type(value)
        yield Piece(number, value % _OBJECT, left, top, inside)


def _shown(answer: Masks, label: int) -> bool:
    return label != VOID and not (answer.background and label == 0)


def _components(mask: NDArray[Any], value: int, last: int) -> Iterator[Piece]:
    """The components of the pixels with this value, numbered on from `last`."""
    inside = np.asarray(mask == mask.dtype.type(value)).view(np.uint8)
    count, where, stats, _ = cv2.connectedComponentsWithStats(inside, connectivity=8, ltype=cv2.CV_32S)
    del inside
    for k in range(1, count):
        left, top, wide, high = (int(v) for v in stats[k, :4])
        yield Piece(last + k, value, left, top, where[top : top + high, left : left + wide] == k)


def _boxes(mask: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Values that occur, class after class within objects after objects, and the box x1 y1 x2 y2 of each."""
    height, width = mask.shape
    found: list[tuple[NDArray[Any], NDArray[np.int64]]] = []
    step = max(1, _CELLS // max(1, width))
    for top in range(0, height if width else 0, step):
        rows = mask[top : top + step]
        first = np.ones(rows.shape, np.bool_)  # where a run of one value begins
        np.not_equal(rows[:, 1:], rows[:, :-1], out=first[:, 1:])
        y, x = np.nonzero(first)
        after = np.append(x[1:], 0)
        after[after == 0] = width
        found.append(_joined(rows[y, x], np.column_stack([x, y + top, after, y + top + 1])))
    if not found:
        return np.zeros(0, mask.dtype), np.zeros((0, 4), np.int64)
    return _joined(np.concatenate([v for v, _ in found]), np.concatenate([b for _, b in found]))


def _joined(values: NDArray[Any], boxes: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Each value once, in order, with the box around all of its boxes."""
    order = np.argsort(values, kind="stable")
    values, boxes = values[order], boxes[order]
    starts = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))
    low, high = np.minimum.reduceat(boxes[:, :2], starts), np.maximum.reduceat(boxes[:, 2:], starts)
    return values[starts], np.concatenate([low, high], axis=1)
