"""Which identities train and which are held out: an open set, where nobody who is searched was learned from.

Folds of images would put every person on both sides, and measure how well people are recognised whose photos were
trained on. Here an identity is a group, never cut, and there are as many folds as leave enough people in each: a network
is judged by a gallery of those that it has not seen. Splits that come with the data are kept where no identity stands on
both sides; most do not, as they were made for classification.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from objectif.data.apart import CALIBRATION, PORTIONS
from objectif.data.dataset import Dataset
from objectif.data.folds import assign
from objectif.data.splits import LOCK_FROM, SplitPlan, components
from objectif.errors import DataError
from objectif.metrics.identity import divisions

Ints = NDArray[np.int64]
PEOPLE = 8
"""Identities that a fold should have at least, where there are enough: a gallery of six and two strangers."""
LOCK_PEOPLE = 40
"""With so many identities, and images as in data.splits, a fifth is locked away for the final estimate."""


def grouped(dataset: Dataset) -> Dataset:
    """The same with each identity as a group, which no fold cuts and which is drawn as a whole; given splits are gone.

    DataError where an image has more than one identity or none, or there are fewer than two.
    """
    for sample in dataset.samples:
        if len(sample.labels) != 1:
            raise DataError(
                f"{sample.path} has {len(sample.labels)} identities; expected one. Cut out each of them first, into a "
                "folder of its own."
            )
    used = {s.labels[0] for s in dataset.samples}
    if len(used) < 2:
        raise DataError(
            f"{dataset.root}: {len(used)} identity; expected at least two, one to be known and one to be a stranger. Add a "
            "folder of images of another."
        )
    samples = tuple(replace(s, group=dataset.classes[s.labels[0]], split=None) for s in dataset.samples)
    return replace(dataset, samples=samples)


def plan_identities(
    dataset: Dataset,
    *,
    folds: int = 5,
    seed: int = 0,
    together: Ints | None = None,
    calibration: float = 0.0,
) -> tuple[Dataset, SplitPlan]:
    """The Dataset with its folds as splits ('fold0', ..., 'test') and identities as groups; and the plan.

    together: (N,) cluster of each image; identities that share a picture share a fold. DataError where too few identities
    are there for two folds with somebody to enrol and a stranger in each. calibration: the share of the identities that is
    kept apart to prove promises by.
    """
    known = grouped(dataset)
    identity = np.array([s.labels[0] for s in known.samples], np.int64)
    unit = components(known.groups(), together, len(known))
    given, notes = _given(dataset, identity)
    apart = np.zeros(len(known), np.bool_)
    if given is not None:
        fold, test, origin = given
    else:
        apart = _aside(identity, unit, calibration, seed)
        fold, test, origin = _dealt(identity, unit, folds, seed, apart)
        if not _enough(identity, fold):
            raise DataError(_too_few(dataset, identity))
    count = int(fold.max()) + 1
    named = tuple(
        replace(s, split=_named(int(fold[k]), bool(test[k]), bool(apart[k])))
        for k, s in enumerate(known.samples)
    )
    singles = int((np.unique(identity, return_counts=True)[1] == 1).sum())
    if singles:
        notes.append(
            f"{singles} identities have one image: they are strangers, as nothing is left to search with"
        )
    if apart.any():
        origin += f"; {int(apart.sum())} images of other identities kept apart to prove promises by"
    return replace(known, samples=named), SplitPlan(fold, test, origin, seed, count, tuple(notes), apart)


def _named(fold: int, test: bool, apart: bool) -> str | None:
    """The split that an image is given."""
    if test or apart:
        return "test" if test else CALIBRATION
    return f"fold{fold}" if fold >= 0 else None


def _aside(identity: Ints, unit: Ints, share: float, seed: int) -> NDArray[np.bool_]:
    """(N,) images of the identities that are kept apart for promises."""
    if share <= 0:
        return np.zeros(len(identity), np.bool_)
    _, inverse = np.unique(unit, return_inverse=True)
    counts, sizes = _counted(identity, inverse)
    dealt = assign(counts, sizes, min(PORTIONS, len(sizes)), seed)
    return np.asarray(dealt < round(share * min(PORTIONS, len(sizes))))[inverse]


def _counted(identity: Ints, inverse: Ints) -> tuple[Ints, Ints]:
    """(units, 2) identities, and those with several images, of each unit; (units,) its images."""
    units = int(inverse.max()) + 1
    counts = np.zeros((units, 2), np.int64)
    for one in np.unique(identity):
        rows = np.flatnonzero(identity == one)
        counts[inverse[rows[0]]] += 1, len(rows) > 1
    return counts, np.bincount(inverse, minlength=units)


def _given(dataset: Dataset, identity: Ints) -> tuple[tuple[Ints, NDArray[np.bool_], str] | None, list[str]]:
    """(fold, test, origin) of splits that come with the data; None, with a note, where they cut an identity."""
    names = np.array([s.split or "train" for s in dataset.samples])
    kinds = set(names.tolist())
    if kinds == {"train"}:
        return None, []
    if any(len(np.unique(names[identity == one])) > 1 for one in np.unique(identity)):
        said = (
            "the splits that come with the data are not used: the same identities stand on both sides, and who was learned "
            "from cannot be a stranger"
        )
        return None, [said]
    test = names == "test"
    order = {name: k for k, name in enumerate(sorted(kinds - {"train", "test"}))}
    fold = np.array([order.get(name, -1) for name in names.tolist()], np.int64)
    if not order or not _enough(identity, fold):
        return None, ["the splits that come with the data leave too few identities to choose by; not used"]
    return (fold, test, f"given splits ({', '.join(sorted(kinds))})"), []


def _dealt(
    identity: Ints, unit: Ints, folds: int, seed: int, apart: NDArray[np.bool_]
) -> tuple[Ints, NDArray[np.bool_], str]:
    """(fold, test, origin) by units of identities."""
    _, inverse = np.unique(unit, return_inverse=True)
    counts, sizes = _counted(identity, inverse)
    images, units = len(identity), len(sizes)
    test = np.zeros(len(identity), np.bool_)
    origin = ""
    if images >= LOCK_FROM and units >= LOCK_PEOPLE:
        test = (assign(counts, sizes, 5, seed) == 0)[inverse] & ~apart
        origin = f"a fifth of the identities ({int(test.sum())} images) locked away as test split; "
    free = np.unique(inverse[~test & ~apart])
    count = max(2, min(folds, len(free) // PEOPLE))
    dealt = np.full(units, -1, np.int64)
    dealt[free] = assign(counts[free], sizes[free], count, seed)
    fold = np.where(test | apart, -1, dealt[inverse])
    return fold, test, f"{origin}{count} folds by identity"


def _enough(identity: Ints, fold: Ints) -> bool:
    """Whether in each fold somebody can be enrolled and somebody be a stranger."""
    return fold.max() >= 0 and all(bool(divisions(identity[fold == k])) for k in range(int(fold.max()) + 1))


def _too_few(dataset: Dataset, identity: Ints) -> str:
    counts = np.unique(identity, return_counts=True)[1]
    return (
        f"{dataset.root}: {len(counts)} identities, {int((counts > 1).sum())} of them with two images or more; expected at "
        "least four, two of them with two images: in each of two folds somebody is to be enrolled and another be a stranger. "
        "Add identities, or images of those that have one."
    )
