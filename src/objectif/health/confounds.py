"""How well the class can be told from what is not content, by facts alone and together.

A network takes the easiest way to the label. Where one class came from another hospital, camera or web site, that way
is the size of the file, and the figure on paper says nothing about patients. So each fact is given to a simple
classifier (naive Bayes on bins, out of fold) and the AUROC of each class against the rest is compared with chance.

The interval is DeLong's, with the structural components summed by group where there are groups (Obuchowski 1997), on
the logit scale, at a level corrected for the number of classes and facts (Bonferroni). A worry needs a *lower bound*: of
all file facts together above 0.7, of border facts above 0.8. Tone is listed and never a worry by itself: it may be
content. Rejected: accuracy (hides a small class), one deep network on borders (needs torch, says not which fact).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from objectif.health.facts import Fact, Kind
from objectif.metrics.distributions import clopper_pearson, normal_quantile, student_from_normal
from objectif.metrics.ranking import placements

Ints = NDArray[np.int64]
Reals = NDArray[np.float64]

WORRY: dict[Kind, float] = {"file": 0.7, "border": 0.8}
"""Lower bound of the AUROC from which facts of a kind are a worry."""

_BINS = 8
_FEWEST = 10  # images of a class below which nothing is said about it


@dataclass(frozen=True)
class Area:
    """AUROC of one class against the rest with its interval; 0.5 is chance."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class Confound:
    """What one fact, or all of a kind, says about the class.

    areas: class -> Area; classes of fewer than ten images, or of one group, are left out.
    balanced_accuracy: share right, mean over classes. chance: one over the number of classes.
    """

    name: str
    kind: Kind
    facts: tuple[str, ...]
    areas: dict[str, Area]
    balanced_accuracy: float
    chance: float

    def worst(self) -> tuple[str, Area] | None:
        """The class told best."""
        return max(self.areas.items(), key=lambda item: item[1].low, default=None)


@dataclass(frozen=True)
class Worrying:
    """A class that facts of a kind give away: the kind's Area, the fact that says most, and what it looks like."""

    label: str
    kind: Kind
    area: Area
    fact: str
    fact_area: Area
    inside: str
    outside: str


def confounds(
    table: Sequence[Fact], hot: Ints, classes: tuple[str, ...], units: Ints, fold: Ints
) -> tuple[Confound, ...]:
    """Each kind together, then each fact. hot: (N, C). units: (N,) groups to resample. fold: (N,)."""
    kinds: list[tuple[str, Kind, list[Fact]]] = []
    for name, kind in (("the file", "file"), ("the borders", "border"), ("the tone", "tone")):
        kinds.append((name, kind, [f for f in table if f.kind == kind]))  # type: ignore[arg-type]
    asked = [(n, k, fs) for n, k, fs in kinds if fs] + [(f.name, f.kind, [f]) for f in table]
    level = 1.0 - 0.05 / max(1, len(asked) * hot.shape[1])
    found = []
    for name, kind, group in asked:
        scores = naive_bayes([f.values for f in group], hot, fold)
        areas = _areas(scores, hot, classes, units, fold, level)
        right = _balanced(scores, hot)
        found.append(Confound(name, kind, tuple(f.name for f in group), areas, right, 1.0 / hot.shape[1]))
    return tuple(found)


def worrying(
    found: Sequence[Confound], table: Sequence[Fact], hot: Ints, classes: tuple[str, ...]
) -> list[Worrying]:
    """The classes that are given away, worst first."""
    out = []
    for kind, least in WORRY.items():
        together = next(
            (c for c in found if c.kind == kind and len(c.areas) and c.name.startswith("the ")), None
        )
        for label, area in together.areas.items() if together else ():
            if area.low <= least:
                continue
            alone = [
                c for c in found if c.kind == kind and not c.name.startswith("the ") and label in c.areas
            ]
            best = max(alone, key=lambda c: c.areas[label].estimate)
            fact = next(f for f in table if f.name == best.name)
            rows = hot[:, classes.index(label)] > 0
            words = fact.range_of(np.flatnonzero(rows)), fact.range_of(np.flatnonzero(~rows))
            out.append(Worrying(label, kind, area, best.name, best.areas[label], *words))
    return sorted(out, key=lambda w: -w.area.low)


# --- the classifier -----------------------------------------------------------------------------------------------


def naive_bayes(values: Sequence[Reals], hot: Ints, fold: Ints) -> Reals:
    """(N, C) out-of-fold log odds of each class against the rest, from binned values (N,) each."""
    out = np.zeros(hot.shape)
    positive = hot.astype(np.float64)
    for k in np.unique(fold):
        held = fold == k
        train = ~held
        for column in values:
            bins, count = _binned(column, train)
            yes = np.zeros((count, hot.shape[1]))
            np.add.at(yes, bins[train], positive[train])
            no = np.bincount(bins[train], minlength=count)[:, None] - yes
            # Two imaginary images spread over the bins: a bin not met in training says nothing.
            odds = np.log((yes + 2.0 / count) / (yes.sum(0) + 2.0)) - np.log(
                (no + 2.0 / count) / (no.sum(0) + 2.0)
            )
            out[held] += odds[bins[held]]
    return out


def _binned(values: Reals, train: NDArray[np.bool_]) -> tuple[Ints, int]:
    """(N,) bin of each value: eighths of the training values; a value that a tenth of them share has its own bin."""
    known = values[train]
    edges = np.quantile(known, np.linspace(0, 1, _BINS + 1)[1:-1])
    kinds, counts = np.unique(known, return_counts=True)
    common = kinds[counts >= 0.1 * len(known)]
    edges = np.unique(np.concatenate([edges, np.nextafter(common, -np.inf), common]))
    return np.searchsorted(edges, values, side="left").astype(np.int64), len(edges) + 1


def _balanced(scores: Reals, hot: Ints) -> float:
    """Mean over classes of the share of their images for which they score highest."""
    best = scores.argmax(1)
    shares = [float((best[hot[:, c] > 0] == c).mean()) for c in range(hot.shape[1]) if hot[:, c].any()]
    return float(np.mean(shares))


# --- the interval -------------------------------------------------------------------------------------------------


def _areas(
    scores: Reals, hot: Ints, classes: tuple[str, ...], units: Ints, fold: Ints, level: float
) -> dict[str, Area]:
    """The Area of each class that is large enough and lies in more than one fold."""
    out = {}
    for c, name in enumerate(classes):
        positive = hot[:, c] > 0
        few = min(positive.sum(), (~positive).sum()) < _FEWEST
        alone = len(np.unique(fold[positive])) < 2 or len(np.unique(units[positive])) < 3
        if not few and not alone:
            out[name] = area(positive, scores[:, c], units, level)
    return out


def area(positive: NDArray[np.bool_], score: Reals, units: Ints, level: float = 0.95) -> Area:
    """AUROC of score (N,) for positive (N,) with its interval over units (N,)."""
    parts = placements(positive.astype(np.float64), score)
    plus, minus = int(positive.sum()), int((~positive).sum())
    estimate = float(parts[positive].mean())
    slope = np.where(positive, (parts - estimate) / plus, (parts - estimate) / minus)
    sums = np.bincount(units, slope)
    count = len(np.unique(units))
    spread = math.sqrt(float((sums**2).sum()) * count / max(1, count - 1))
    side = min(len(np.unique(units[positive])), len(np.unique(units[~positive])))
    if not 0.0 < estimate < 1.0:
        # No pair is wrong, so the spread is unknown. Disjoint pairs, one for each unit of the smaller side, are
        # independent: an exact binomial bound for them holds for the whole.
        low, high = clopper_pearson(side * round(estimate), side, level)
        return Area(estimate, low, high)
    # A spread estimated from few units of the smaller side is itself uncertain: Student's tails.
    z = student_from_normal(normal_quantile(0.5 + level / 2.0), max(1, side - 1))
    half = z * spread / (estimate * (1.0 - estimate))
    centre = math.log(estimate / (1.0 - estimate))
    low, high = (1.0 / (1.0 + math.exp(-(centre + sign * half))) for sign in (-1.0, 1.0))
    return Area(estimate, low, high)
