"""Masks as COCO's annotations: an object each, as runs or as polygons along the edges of its pixels.

Void is a crowd, which the reader takes as void again. Polygons of COCO know no holes, and an upright rectangle is read as a
box that nobody drew: such objects are runs, whatever is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from objectif.answers import Masks
from objectif.data import rle
from objectif.data.dataset import Dataset
from objectif.data.masks import read_mask
from objectif.data.outlines import parts_of
from objectif.data.outlines import rle as runs_of
from objectif.data.pieces import Piece, pieces
from objectif.metrics.masks import VOID, classes_of, has_background, objects_of

FORMS = ("rle", "polygons")


def objects(dataset: Dataset, row: int, form: str) -> Iterator[dict[str, Any]]:
    """category_id (class + 1, as in categories()), bbox, area, iscrowd and segmentation of the objects of a sample."""
    mask = read_mask(dataset, row)
    height, width = mask.shape
    ground = has_background(dataset.classes)
    first = 2 if ground else 1
    answer = Masks(dataset.samples[row].path, dataset.classes, mask, background=ground)
    for piece in pieces(answer):
        high, wide = piece.mask.shape
        drawn = _polygons(piece) if form == "polygons" else None
        yield {
            "category_id": piece.label + 1,
            "bbox": [piece.left, piece.top, wide, high],
            "area": int(np.count_nonzero(piece.mask)),
            "iscrowd": 0,
            "segmentation": runs_of(piece, height, width) if drawn is None else drawn,
        }
    void = classes_of(mask) == VOID
    if void.any():
        y, x = np.flatnonzero(void.any(1)), np.flatnonzero(void.any(0))
        yield {
            "category_id": first,
            "bbox": [int(x[0]), int(y[0]), int(x[-1] - x[0] + 1), int(y[-1] - y[0] + 1)],
            "area": int(np.count_nonzero(void)),
            "iscrowd": 1,
            "segmentation": rle.encode(void),
        }


def categories(dataset: Dataset) -> list[dict[str, Any]]:
    """All classes but the background."""
    start = 1 if has_background(dataset.classes) else 0
    return [{"id": k + 1, "name": name} for k, name in enumerate(dataset.classes) if k >= start]


def lost(dataset: Dataset) -> list[str]:
    """Sentences about what COCO's annotations do not tell."""
    said = []
    if not has_background(dataset.classes):
        said.append("class 0 is no background: it is read as objects, on a background without a pixel")
    elif dataset.classes[0] != "background":
        said.append(f"name of class 0: {dataset.classes[0]!r} is read as 'background'")
    if not dataset.instances:
        said.append("regions: each connected region of a class is an object now")
        return said
    ground = int(has_background(dataset.classes))
    strays = 0
    for row in range(len(dataset)):
        mask = read_mask(dataset, row)
        classes = classes_of(mask)
        strays += int(np.count_nonzero((classes >= ground) & (classes != VOID) & (objects_of(mask) == 0)))
    return [*said, f"pixels of no object: {strays} left out"] if strays else said


def _polygons(piece: Piece) -> list[list[float]] | None:
    """[[x, y, x, y, ...], ...] without repeated ends; None where polygons cannot tell it."""
    found = []
    for left, top, rings in parts_of(piece.mask):
        if len(rings) > 1:
            return None
        found.append((rings[0] + [piece.left + left, piece.top + top]).ravel().astype(float).tolist())
    return None if len(found) == 1 and len(found[0]) == 8 else found
