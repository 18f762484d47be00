"""Which images train, which are held out, and when: the plan that all candidates of a race share.

A given test split is used once, for the final estimate. A given val split chooses. Without one, stratified folds
choose, and images of one group (patient, track, near duplicates) always share a fold, because a network that has
seen one picture of a patient recognises the patient in the next. Where there are boxes, folds are alike in the number
of objects too: an image of eighty cells tells more than one of three.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.data.dataset import Dataset
from objectif.data.folds import assign
from objectif.errors import DataError
from objectif.metrics.masks import has_background

PARTS = 4
"""One in so many images is held out where there are no folds."""
LEVELS = 4
LOCK_FROM = 1000
"""With this many images and no given test split, a fifth is locked away for the final estimate."""

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class SplitPlan:
    """fold (N,): the fold in which an image is held out, -1 where never (test images; train images beside a val split).

    test (N,): used once, for the final estimate. calibration (N,): met by the winner alone, once, for its promises.
    origin: where the split comes from, in words. notes: to show.
    """

    fold: Ints
    test: NDArray[np.bool_]
    origin: str
    seed: int
    folds: int
    notes: tuple[str, ...] = ()
    calibration: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))

    def __post_init__(self) -> None:
        if not len(self.calibration):
            object.__setattr__(self, "calibration", np.zeros(len(self.fold), np.bool_))

    def train(self, k: int) -> Ints:
        """Rows that train while fold k is held out."""
        return np.flatnonzero(~self.test & ~self.calibration & (self.fold != k))

    def held(self, k: int) -> Ints:
        """Rows held out in fold k."""
        return np.flatnonzero(self.fold == k)

    def scored(self) -> Ints:
        """Rows that are held out in some fold, in row order."""
        return np.flatnonzero(self.fold >= 0)

    def development(self) -> Ints:
        """All rows but the test and calibration images."""
        return np.flatnonzero(~self.test & ~self.calibration)


def plan(
    dataset: Dataset,
    *,
    folds: int = 5,
    seed: int = 0,
    together: Ints | None = None,
    part: bool = False,
) -> SplitPlan:
    """The plan for a Dataset.

    together: (N,) cluster of each image; images of one cluster (near duplicates) always share a fold. part: beside a test
    split hold out one part of PARTS and not all folds in turn: enough to choose by where every training is dear, since
    the estimate comes from the test images.
    Raises DataError: fewer than two classes, a class with one image, a class without images outside the test split,
    folds < 2.
    """
    if folds < 2:
        raise DataError(f"folds = {folds}; expected at least 2.")
    hot = one_hot(dataset)
    unit = components(dataset.groups(), together, len(dataset))
    test = np.array([s.split == "test" for s in dataset.samples], bool)
    _check_objects(dataset, hot)
    if dataset.task == "regress":
        _check_subjects(dataset)
    if len(dataset.classes) > 1 or dataset.task != "regress":
        _check_classes(dataset, hot, ~test, given_test=bool(test.any()))
    alike = np.hstack([hot, objects(dataset)]) if dataset.task == "detect" else hot
    numbers = _given_folds(dataset)
    if numbers is not None:
        count = int(numbers.max()) + 1
        return SplitPlan(numbers, test, f"{count} given folds", seed, count)
    val = np.array([s.split == "val" for s in dataset.samples], bool)
    if val.any():
        return _given_val(dataset, hot, val, test, seed)
    notes: list[str] = []
    origin = ""
    if test.any():
        origin = f"given test split ({int(test.sum())} images); "
    elif len(dataset) >= LOCK_FROM:
        test, note = _lock(dataset, hot, alike, unit, seed)
        origin = f"a fifth ({int(test.sum())} images) locked away as test split; " if test.any() else ""
        notes.append(note)
    rows = np.flatnonzero(~test)
    part = part and bool(test.any())
    count = _fold_count(dataset, hot[rows], unit[rows], PARTS if part else folds, notes)
    fold = np.full(len(dataset), -1, np.int64)
    fold[rows] = dealt = deal(alike[rows], unit[rows], count, seed)
    if part:
        held = dealt == _judging(hot[rows], dealt, count)
        fold[rows] = np.where(held, 0, -1)
        said = f"{origin}{int(held.sum())} of the other {len(rows)} images held out to choose by"
        return SplitPlan(fold, test, said, seed, 1, tuple(notes))
    grouped = "grouped and stratified" if len(np.unique(unit)) < len(unit) else "stratified"
    return SplitPlan(fold, test, f"{origin}{count} {grouped} folds", seed, count, tuple(notes))


def components(groups: Ints | None, together: Ints | None, n: int) -> Ints:
    """(n,) unit of each image, numbered by first appearance: images that share a group or a cluster, transitively."""
    parent = list(range(n))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for ids in (groups, together):
        if ids is None:
            continue
        if len(ids) != n:
            raise ValueError(f"{len(ids)} cluster numbers for {n} images")
        first: dict[int, int] = {}
        for i, key in enumerate(ids.tolist()):
            a, b = root(first.setdefault(key, i)), root(i)
            parent[max(a, b)] = min(a, b)
    order: dict[int, int] = {}
    return np.array([order.setdefault(root(i), len(order)) for i in range(n)], np.int64)


def one_hot(dataset: Dataset) -> Ints:
    """(N, C) of 0 and 1."""
    truth = dataset.truth()
    if dataset.multilabel:
        return truth
    if dataset.task == "regress" and len(dataset.classes) == 1:
        return _levels(dataset)
    hot = np.zeros((len(dataset), len(dataset.classes)), np.int64)
    hot[np.arange(len(dataset)), truth] = 1
    return hot


def _levels(dataset: Dataset) -> Ints:
    """(N, LEVELS) of 0 and 1: in which quarter of all numbers an image's lies; folds are made alike in them."""
    values = np.array([s.value for s in dataset.samples], np.float64)
    edges = np.quantile(values, np.arange(1, LEVELS) / LEVELS)
    return np.eye(LEVELS, dtype=np.int64)[np.searchsorted(edges, values, side="left")]


def _check_subjects(dataset: Dataset) -> None:
    """DataError where there is one subject only: nothing could be held out to judge by."""
    groups = dataset.groups()
    if groups is not None and len(np.unique(groups)) < 2:
        raise DataError(
            f"{dataset.root}: all {len(dataset)} images are of one subject ({dataset.samples[0].group!r}); expected at "
            "least two, one to learn from and one to judge by. Add subjects, or leave the column out where images "
            "are independent."
        )


def objects(dataset: Dataset) -> Ints:
    """(N, C) how many objects of each class an image has, without those that are ignored."""
    counts = np.zeros((len(dataset), len(dataset.classes)), np.int64)
    for row, sample in enumerate(dataset.samples):
        for box in sample.boxes or ():
            counts[row, box.label] += not box.ignore
    return counts


def _check_objects(dataset: Dataset, hot: Ints) -> None:
    """DataError where a given part holds images but no object: nothing could be learned, or nothing judged."""
    if dataset.task == "classify":
        return
    ground = dataset.task == "segment" and has_background(dataset.classes)
    counted = hot[:, 1:] if ground else hot
    what = "object" if dataset.task == "detect" else "pixel of a class"
    names = [s.split or "train" for s in dataset.samples]
    for part in sorted(set(names)):
        rows = [k for k, name in enumerate(names) if name == part]
        if not counted[rows].any():
            use = "learned from" if part == "train" else "judged by"
            raise DataError(
                f"{dataset.root}: no {what}{' but background' * ground} in the {len(rows)} image(s) of {part}; expected at least one to be {use}. "
                "Check that its labels were found, or draw the splits anew."
            )


def _check_classes(dataset: Dataset, hot: Ints, development: NDArray[np.bool_], *, given_test: bool) -> None:
    """DataError where no race is possible."""
    if not len(dataset):
        raise DataError(f"{dataset.root}: no usable images. Expected labelled images.")
    if len(dataset.classes) < 2 and not dataset.multilabel:
        name = dataset.classes[0] if dataset.classes else "none"
        raise DataError(
            f"{dataset.root}: one class only ({name!r}); expected at least two. Add images of what it is to be told "
            "apart from."
        )
    counts = hot[development].sum(0)
    where = " outside the test split" if given_test else ""
    for name, count in zip(dataset.classes, counts.tolist(), strict=True):
        if count < 2 and dataset.task == "segment":
            raise DataError(
                f"class {name!r} has pixels in {['no image', 'one image'][count]}{where}; expected at least two, one to "
                f"learn from and one to judge by. Add images that show it, draw the splits anew, or let the legend call it "
                "'void' or as another class (--legend)."
            )
        if count < 2:
            raise DataError(
                f"class {name!r} has {['no image', 'one image'][count]}{where}; expected at least two, one to learn "
                f"from and one to judge by. Add images of {name!r} or drop the class."
            )


def _given_folds(dataset: Dataset) -> Ints | None:
    """Fold numbers where images carry a given 'fold3', in order of the numbers; None where none does."""
    names = [s.split or "no split" for s in dataset.samples]
    given = {name for name in names if name.startswith("fold")}
    if not given:
        return None
    others = set(names) - given - {"test"}
    if others:
        raise DataError(
            f"{dataset.root}: some images have given folds, others {', '.join(sorted(others))}. Expected folds for "
            "all (but test images)."
        )
    if len(given) < 2:
        raise DataError(f"{dataset.root}: one given fold only ({min(given)!r}); expected at least two.")
    order = {name: k for k, name in enumerate(sorted(given, key=lambda x: (len(x), x)))}
    return np.array([order.get(name, -1) for name in names], np.int64)


def _given_val(
    dataset: Dataset, hot: Ints, val: NDArray[np.bool_], test: NDArray[np.bool_], seed: int
) -> SplitPlan:
    """One fold: the given val split."""
    train = ~val & ~test
    for name, count in zip(dataset.classes, hot[train].sum(0).tolist(), strict=True):
        if not count:
            what = "pixel" if dataset.task == "segment" else "image"
            raise DataError(
                f"class {name!r} has no {what} in the train split; expected at least one. Add some or drop the class."
            )
    absent = [n for n, c in zip(dataset.classes, hot[val].sum(0).tolist(), strict=True) if not c]
    notes = [f"the val split has no image of {', '.join(absent)}: it cannot judge them"] if absent else []
    origin = f"given val split ({int(val.sum())} images)"
    if test.any():
        origin += f" and test split ({int(test.sum())} images)"
    fold = np.where(val, 0, -1).astype(np.int64)
    return SplitPlan(fold, test, origin, seed, 1, tuple(notes))


def deal(alike: Ints, unit: Ints, folds: int, seed: int) -> Ints:
    """The fold of each row, by units; the sums of each column of `alike` (N, K) shall be alike in all folds."""
    names, inverse = np.unique(unit, return_inverse=True)
    counts = np.zeros((len(names), alike.shape[1]), np.int64)
    np.add.at(counts, inverse, alike)
    return assign(counts, np.bincount(inverse, minlength=len(names)), folds, seed)[inverse]


def _lock(dataset: Dataset, hot: Ints, alike: Ints, unit: Ints, seed: int) -> tuple[NDArray[np.bool_], str]:
    """A fifth as test split, and the sentence about it; none where any fifth would starve a class."""
    dealt = deal(alike, unit, 5, seed)
    best = _judging(hot, dealt, 5, least=2)
    if best < 0:
        none = np.zeros(len(dataset), bool)
        return none, "no test split was locked away: a class is too small, or lies in one group"
    test = dealt == best
    note = f"{int(test.sum())} of {len(dataset)} images are locked away for the final estimate"
    absent = [name for name, n in zip(dataset.classes, hot[test].sum(0), strict=True) if not n]
    return test, note + (f"; none of them is of {', '.join(absent)}" if absent else "")


def _judging(hot: Ints, dealt: Ints, count: int, least: int = 1) -> int:
    """The fold whose images judge the most classes while each class keeps `least` others; -1 where none can.

    With least = 1 the best of what there is.
    """
    judged = [
        int((hot[dealt == k].sum(0) > 0).sum()) if (hot[dealt != k].sum(0) >= least).all() else -1
        for k in range(count)
    ]
    best = int(np.argmax(judged))
    return best if judged[best] > 0 or least == 1 else -1


def _fold_count(dataset: Dataset, hot: Ints, unit: Ints, folds: int, notes: list[str]) -> int:
    """As many folds as asked for, or as the class of most units has units; smaller classes are noted.

    A class of two plants needs no halving of all others: it is held out in two folds and trains in the rest.
    """
    if len(np.unique(unit)) < 2:
        raise DataError(
            f"{dataset.root}: all images are in one group, so nothing can be held out. Expected at least two groups; "
            "correct the groups."
        )
    units = np.array([len(np.unique(unit[hot[:, c] > 0])) for c in range(hot.shape[1])])
    kind = "groups" if len(np.unique(unit)) < len(unit) else "images"
    quarters = tuple(f"quarter {k + 1} of the numbers" for k in range(hot.shape[1]))
    names = dataset.classes if len(dataset.classes) == hot.shape[1] else quarters
    for name, n in zip(names, units.tolist(), strict=True):
        if n == 1:
            notes.append(
                f"all images of {name!r} are in one group: while they are held out nothing is left to learn the class "
                "from, so its figures say nothing"
            )
    most = max(2, int(units.max()))
    if most < folds:
        notes.append(f"{most} folds instead of {folds}: no class has more than {most} {kind}")
        folds = most
    few = [f"{name!r} ({n})" for name, n in zip(names, units.tolist(), strict=True) if 1 < n < folds]
    if few:
        notes.append(f"fewer {kind} than folds, so held out in some folds only: {', '.join(few)}")
    return folds


# --- as written into a run folder ---------------------------------------------------------------------------------


def to_json(plan: SplitPlan, dataset: Dataset) -> dict[str, Any]:
    """JSON-ready; keyed by path, so that it can be read by people and matched again."""
    return {
        "origin": plan.origin,
        "seed": plan.seed,
        "folds": plan.folds,
        "notes": list(plan.notes),
        "classes": list(dataset.classes),
        "paths": [s.path for s in dataset.samples],
        "labels": [[dataset.classes[k] for k in s.labels] for s in dataset.samples],
        "groups": [s.group for s in dataset.samples],
        "fold": plan.fold.tolist(),
        "test": plan.test.astype(int).tolist(),
        "calibration": plan.calibration.astype(int).tolist(),
    }


def from_json(values: Mapping[str, Any], dataset: Dataset) -> SplitPlan:
    """The plan for the same images in whatever order they now are; DataError where they are not the same."""
    try:
        places = {path: k for k, path in enumerate(values["paths"])}
        fold, test = np.asarray(values["fold"], np.int64), np.asarray(values["test"], bool)
        apart = np.asarray(values.get("calibration", np.zeros(len(fold))), bool)
        head = str(values["origin"]), int(values["seed"]), int(values["folds"])
        notes = tuple(str(n) for n in values.get("notes", ()))
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"splits.json is damaged ({error!r}). Start a new run folder.") from None
    here = [s.path for s in dataset.samples]
    if len(here) != len(places) or any(len(column) != len(places) for column in (fold, test, apart)):
        raise DataError(_changed(f"{len(places)} images then, {len(here)} now"))
    lost = next((p for p in here if p not in places), None)
    if lost is not None:
        raise DataError(_changed(f"{lost!r} is new"))
    order = np.array([places[p] for p in here], np.int64)
    return SplitPlan(fold[order], test[order], *head, notes, apart[order])


def _changed(what: str) -> str:
    return f"the data are not those of this run ({what}). Use the same data, or another --out for a new run."
