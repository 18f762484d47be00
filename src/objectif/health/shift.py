"""Whether a given split judges other images than it trains on: how well the split can be told from the facts.

A split drawn at random cannot be told from anything. Where it can, the test answers another question than folds do
("how does it do elsewhere?"), and figures of the two must not be compared. Told within classes, so that another mix
of classes is no shift, by the classifier and interval of health/confounds.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from objectif.health.confounds import Area, area, naive_bayes
from objectif.health.facts import Fact
from objectif.health.heldout import deal

Ints = NDArray[np.int64]

WORRY = 0.7
"""Lower bound of the AUROC of 'is it a test image?' from which the split counts as shifted."""


@dataclass(frozen=True)
class Shift:
    """How well images of split `judge` are told from those of `train`, within classes; by: class -> Area."""

    judge: str
    area: Area
    by: dict[str, Area]

    @property
    def worrying(self) -> bool:
        """Whether the lower bound says that the two differ."""
        return self.area.low > WORRY


def shifts(
    table: Sequence[Fact], truth: Ints, classes: tuple[str, ...], splits: Sequence[str | None], units: Ints
) -> tuple[Shift, ...]:
    """One Shift for each of test and val that is given beside train. truth: (N,) class, or (N, C): taken as one."""
    found = []
    given = np.array([s or "" for s in splits])
    for judge in ("test", "val"):
        rows = np.flatnonzero((given == judge) | (given == "train"))
        judged = given[rows] == judge
        if not table or min(judged.sum(), (~judged).sum()) < 20:
            continue
        label = truth[rows] if truth.ndim == 1 else np.zeros(len(rows), np.int64)
        shift = _shift(judge, [f.values[rows] for f in table], judged, label, classes, units[rows])
        if shift is not None:
            found.append(shift)
    return tuple(found)


def _shift(
    judge: str,
    values: list[NDArray[np.float64]],
    judged: NDArray[np.bool_],
    label: Ints,
    classes: tuple[str, ...],
    units: Ints,
) -> Shift | None:
    """Each class by itself; the whole is the mean over classes of comparisons made inside them."""
    by: dict[str, Area] = {}
    weights: list[int] = []
    for c in np.unique(label):
        rows = np.flatnonzero(label == c)
        mine = judged[rows]
        if min(mine.sum(), (~mine).sum()) < 10:
            continue
        hot = np.column_stack([~mine, mine]).astype(np.int64)
        _, unit = np.unique(units[rows], return_inverse=True)
        scores = naive_bayes([v[rows] for v in values], hot, deal(hot, unit.astype(np.int64)))
        name = classes[int(c)] if len(np.unique(label)) > 1 else "all"
        by[name] = area(mine, scores[:, 1], unit.astype(np.int64))
        weights.append(len(rows))
    if not by:
        return None
    share = np.array(weights) / sum(weights)
    estimate = float(share @ [a.estimate for a in by.values()])
    # Classes are separate images, so their errors add as squares.
    half = float(np.sqrt((share**2) @ [((a.high - a.low) / 2) ** 2 for a in by.values()]))
    return Shift(judge, Area(estimate, max(0.0, estimate - half), min(1.0, estimate + half)), by)
