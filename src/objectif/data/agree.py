"""Whether several readings of the same data say the same, and which of them knows most."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from objectif.data.dataset import Dataset, Sample

Key = tuple[str, int | None]

NEAR = 2.0
"""Pixels by which corners of two readings may differ: one counts from 0, the other from 1, and both round."""


def agree(readings: list[Dataset]) -> bool:
    """Whether all readings give the same images the same labels and boxes, and contradict each other in no split or group.

    Where one reading has names and another numbers for names, they agree if each number goes with one name.
    """
    named = max(readings, key=lambda r: not _numbered(r))
    tables = [_table(r) for r in readings]
    if any(table.keys() != tables[0].keys() for table in tables):
        return False
    for key in tables[0]:
        for part in ("split", "group"):
            if len({getattr(table[key], part) for table in tables} - {None}) > 1:
                return False
    return all(_same(named, reading) for reading in readings if reading is not named)


def knowledge(dataset: Dataset) -> int:
    """How many of splits, groups, weights, objects to be ignored and names of classes a reading has."""
    samples = dataset.samples
    return (
        any(s.split is not None for s in samples)
        + any(s.group is not None for s in samples)
        + any(s.weight != 1.0 for s in samples)
        + any(b.ignore for s in samples for b in s.boxes or ())
        + (dataset.task != "classify" and not _numbered(dataset))
        + dataset.instances
    )


def _numbered(dataset: Dataset) -> bool:
    """Whether the names of the classes are numbers."""
    return all(name.isdecimal() for name in dataset.classes)


def _table(dataset: Dataset) -> dict[Key, Sample]:
    return {(str(s.file.resolve()), s.item): s for s in dataset.samples}


def _same(a: Dataset, b: Dataset) -> bool:
    """Labels and boxes; the images are the same."""
    left, right = _table(a), _table(b)
    names = list(b.classes)
    if a.task == b.task == "detect":
        if not _numbered(a) and _numbered(b):
            names = _translated(a, b, left, right)
        return all(_same_boxes(a, left[key], names, right[key]) for key in left)
    if a.task == b.task == "segment" and not all(_same_masks(left[key], right[key]) for key in left):
        return False
    return all(
        {a.classes[k] for k in left[key].labels} == {names[k] for k in right[key].labels} for key in left
    )


def _same_masks(left: Sample, right: Sample) -> bool:
    """Whether both have their mask from the same file, or none from a file; what it means is told by the labels."""
    files = [None if s.mask is None or s.mask.file is None else s.mask.file.resolve() for s in (left, right)]
    return files[0] == files[1]


def _corners(sample: Sample) -> NDArray[np.float64]:
    return np.array([(b.x1, b.y1, b.x2, b.y2) for b in sample.boxes or ()], np.float64).reshape(-1, 4)


def _apart(a: Sample, b: Sample) -> NDArray[np.float64]:
    """(boxes of a, boxes of b) by how much their farthest corner differs."""
    return np.asarray(np.abs(_corners(a)[:, None] - _corners(b)[None]).max(2, initial=0.0))


def _same_boxes(a: Dataset, left: Sample, names: list[str], right: Sample) -> bool:
    """Whether each box has one of the same name within NEAR pixels, each used once."""
    one, other = left.boxes or (), right.boxes or ()
    if len(one) != len(other) or (left.boxes is None) != (right.boxes is None):
        return False
    apart = _apart(left, right)
    same = np.array([[a.classes[p.label] == names[q.label] for q in other] for p in one], bool)
    apart[~same.reshape(apart.shape)] = np.inf
    for row in np.argsort(apart.min(1, initial=np.inf), kind="stable"):
        best = int(np.argmin(apart[row]))
        if apart[row, best] > NEAR:
            return False
        apart[:, best] = np.inf
    return True


def _translated(a: Dataset, b: Dataset, left: dict[Key, Sample], right: dict[Key, Sample]) -> list[str]:
    """The names of b's numbers: those of a whose boxes are where theirs are; the number where that is not clear."""
    seen: Counter[tuple[int, str]] = Counter()
    for key, sample in left.items():
        apart = _apart(sample, right[key]) <= NEAR
        for p, q in np.argwhere(apart & (apart.sum(1) == 1)[:, None] & (apart.sum(0) == 1)[None]):
            seen[(right[key].boxes or ())[q].label, a.classes[(sample.boxes or ())[p].label]] += 1
    names = list(b.classes)
    for number in range(len(names)):
        met = {name for label, name in seen if label == number}
        if len(met) == 1:
            names[number] = met.pop()
    return names if len(set(names)) == len(names) else list(b.classes)
