"""Segmentations of COCO annotations: polygons, runs and COCO's text become shapes of a mask, beside the boxes.

Larger objects are drawn first, so that a cup on a table stays a cup. What nobody is to find (iscrowd, ignore) is void; so is
the box of an object without a segmentation, because what of it is the object is not known. Where fewer than half of the
objects have one, or each is just its box, there are no masks: nobody drew any.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from objectif.data import rle
from objectif.data.dataset import Dataset, MaskSource, Sample, Shape
from objectif.data.marks import Mark, finite
from objectif.data.shapes import of_runs
from objectif.errors import DataError
from objectif.metrics.masks import VOID


@dataclass(frozen=True, slots=True)
class Outline:
    """One object. name: of its class. area: in pixels. drawn: whether somebody drew more than a box. why: it cannot be
    read, '' where it can."""

    name: str
    void: bool
    polygons: tuple[tuple[float, ...], ...]
    runs: tuple[int, ...] | None
    area: float
    drawn: bool = True
    why: str = ""


def outline(item: Mapping[str, Any], mark: Mark, where: str) -> Outline:
    """One annotation's outline; that of its box, void, where nobody drew one or what was drawn cannot be read."""
    told = item.get("segmentation")
    try:
        if isinstance(told, Mapping):
            runs = rle.lengths(told.get("counts"), where)
            _check_size(told, runs, where)
            return Outline(mark.name, mark.ignore, (), runs, float(sum(runs[1::2])))
        if told:
            polygons = tuple(_ring(ring, where) for ring in _rings(told, where))
            drawn = not (len(polygons) == 1 and _is_box(polygons[0]))
            return Outline(mark.name, mark.ignore, polygons, None, sum(map(_area, polygons)), drawn)
        why = ""
    except DataError as error:  # boxes can be learned from all the same
        why = str(error)
    x1, y1, x2, y2 = mark.x1, mark.y1, mark.x2, mark.y2
    box = (x1, y1, x2, y1, x2, y2, x1, y2)
    return Outline(mark.name, True, (box,), None, (x2 - x1) * (y2 - y1), False, why)


def corners_of_runs(told: Mapping[str, Any], where: str) -> tuple[float, float, float, float]:
    """x1, y1, x2, y2 of the box around {"size", "counts"}; DataError where it is none or holds no pixel."""
    runs = rle.lengths(told.get("counts"), where)
    _check_size(told, runs, where)
    top, left, inside = of_runs(runs, told["size"][0])
    if not inside.size:
        raise DataError(f"{where}: the mask holds no pixel and there is no bbox. Remove the annotation.")
    return float(left), float(top), float(left + inside.shape[1]), float(top + inside.shape[0])


def with_masks(dataset: Dataset, outlines: Mapping[str, Sequence[Outline]]) -> Dataset:
    """The Dataset with a mask for each image, where most objects were drawn. outlines: Sample.path -> its objects."""
    objects = [o for several in outlines.values() for o in several if o.name in dataset.classes]
    drawn = sum(o.drawn for o in objects)
    wrong = [o.why for o in objects if o.why]
    notes = list(dataset.notes)
    if wrong:
        notes.append(f"{len(wrong)} segmentation(s) cannot be read, such as: {wrong[0].rstrip('.')}")
    if not drawn or 2 * drawn < len(objects):
        lost = (f"segmentation: of {drawn} object(s)",) if drawn else ()
        return replace(dataset, notes=tuple(notes), dropped=(*dataset.dropped, *lost))
    index = {name: k for k, name in enumerate(dataset.classes)}
    samples = tuple(_masked(s, outlines.get(s.path, ()), index) for s in dataset.samples)
    notes.append(f"{drawn} of {len(objects)} objects have a segmentation: --task segment learns from masks")
    if drawn < len(objects):
        notes.append("the boxes of objects without a segmentation are void in masks: not counted")
    return replace(dataset, samples=samples, notes=tuple(notes), instances=True)


def _masked(sample: Sample, outlines: Sequence[Outline], index: Mapping[str, int]) -> Sample:
    """A sample with its shapes: void first, then the largest."""
    shapes = tuple(
        Shape(VOID if o.void or o.name not in index else index[o.name], o.polygons, o.runs)
        for o in sorted(outlines, key=lambda o: (not o.void, -o.area))
    )
    return replace(sample, mask=MaskSource(shapes=shapes))


# --- one annotation -----------------------------------------------------------------------------------------------


def _check_size(told: Mapping[str, Any], runs: Sequence[int], where: str) -> None:
    size = told.get("size")
    if not isinstance(size, list) or len(size) != 2 or not all(type(v) is int and v >= 0 for v in size):
        raise DataError(f"{where}: size is {size!r:.60}; expected [height, width]. Correct it.")
    if sum(runs) != size[0] * size[1]:
        raise DataError(
            f"{where}: runs of {sum(runs)} pixels in all; expected {size[0] * size[1]} ({size[1]} x {size[0]}). Correct "
            "size or counts."
        )


def _rings(told: object, where: str) -> list[Any]:
    """[[x, y, ...], ...]; one ring alone, as some tools write it, is a list of one."""
    if not isinstance(told, list):
        raise DataError(
            f"{where}: segmentation is {told!r:.60}; expected polygons or size and counts. Correct it."
        )
    return told if isinstance(told[0], list) else [told]


def _ring(ring: object, where: str) -> tuple[float, ...]:
    if not isinstance(ring, list) or len(ring) < 6 or len(ring) % 2:
        raise DataError(
            f"{where}: the polygon {ring!r:.60}; expected x, y of at least three corners. Correct it or remove it."
        )
    return tuple(finite(v, where) for v in ring)


def _is_box(ring: Sequence[float]) -> bool:
    """Whether a polygon is an upright rectangle: what tools write that know boxes only."""
    return len(ring) in {8, 10} and len(set(ring[::2])) == 2 and len(set(ring[1::2])) == 2


def _area(ring: Sequence[float]) -> float:
    points = np.asarray(ring, np.float64).reshape(-1, 2)
    x, y = points[:, 0], points[:, 1]
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)
