"""Images that are kept apart to prove promises by: they train nothing, choose nothing, and the winner alone meets them, once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from objectif.data.dataset import Dataset
from objectif.data.splits import Ints, SplitPlan, components, deal, objects, one_hot, plan
from objectif.errors import DataError

CALIBRATION = "calibration"
"""The split of images that are given for this."""
PORTIONS, LEAST_APART = 20, 4
"""Parts of which calibration takes some, and the groups that there must be before any is taken."""


def plan_beside(
    dataset: Dataset,
    share: float,
    *,
    folds: int = 5,
    seed: int = 0,
    together: Ints | None = None,
    part: bool = False,
) -> SplitPlan:
    """data.splits.plan() of all images but a share that is kept apart: whole groups of them, unless some are given for that."""
    apart = aside(dataset, share, seed, together)
    if not apart.any():
        return plan(dataset, folds=folds, seed=seed, together=together, part=part)
    rest = np.flatnonzero(~apart)
    some = None if together is None else together[rest]
    return _beside(plan(dataset.take(rest), folds=folds, seed=seed, together=some, part=part), apart)


def aside(dataset: Dataset, share: float, seed: int, together: Ints | None = None) -> NDArray[np.bool_]:
    """(N,) which images are kept apart for promises: those given for that, else a share of all but the test images.

    Alike in classes and, where there are boxes, in objects. None where share is 0. DataError where fewer than two groups
    would be left to learn from.
    """
    given = np.array([s.split == CALIBRATION for s in dataset.samples], bool)
    if given.any() or share <= 0:
        return given
    rows = np.flatnonzero([s.split not in ("test", "val") for s in dataset.samples])
    unit = components(dataset.groups(), together, len(dataset))[rows]
    if len(np.unique(unit)) < LEAST_APART:
        raise DataError(
            f"{dataset.root}: {len(np.unique(unit))} groups of images; expected at least {LEAST_APART}, as some are kept apart to "
            "prove promises by. Add groups, or leave the promises out."
        )
    hot = one_hot(dataset)
    alike = np.hstack([hot, objects(dataset)]) if dataset.task == "detect" else hot
    dealt = deal(alike[rows], unit, PORTIONS, seed)
    apart = np.zeros(len(dataset), bool)
    apart[rows[dealt < round(share * PORTIONS)]] = True
    return apart


def _beside(inner: SplitPlan, apart: NDArray[np.bool_]) -> SplitPlan:
    """The plan of the other images, with those that are kept apart."""
    fold, test = np.full(len(apart), -1, np.int64), np.zeros(len(apart), bool)
    fold[~apart], test[~apart] = inner.fold, inner.test
    said = f"{int(apart.sum())} images kept apart to prove promises by"
    return replace(
        inner, fold=fold, test=test, calibration=apart, origin=f"{inner.origin}; {said}", notes=inner.notes
    )
