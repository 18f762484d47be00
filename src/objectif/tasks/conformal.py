"""How far an interval must reach so that it holds for a new subject: split conformal prediction, subjects counting once.

Scores are of held-out images: how far beyond its interval a truth lies. The quantile of n of them at ceil((n + 1)(1 - a)) / n
makes the interval hold with probability 1 - a for one more that is exchangeable with them (Vovk et al. 2005; for bounds
that were learned as quantiles: Romano, Patterson & Candes 2019). Images of one subject are not exchangeable with those of
a new one, subjects are: each then has the same mass 1 / (G + 1), shared by its images, and the new one the same mass at
infinity (Lee, Barber & Willett 2023, hierarchical conformal prediction). With fewer than 1/a - 1 subjects no finite
interval keeps that promise: the widest score is taken, and G / (G + 1) is what can be claimed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

COVERAGE = 0.9
"""Of the intervals that every Solution of numbers and stages answers with."""

Reals = NDArray[np.float64]


def reach(scores: Reals, subjects: NDArray[np.generic] | None = None, coverage: float = COVERAGE) -> float:
    """The score that a share `coverage` of new images stays below; of new subjects where subjects (N,) are given."""
    ids = np.arange(len(scores)) if subjects is None else subjects
    _, which, counts = np.unique(ids, return_inverse=True, return_counts=True)
    mass = 1.0 / ((len(counts) + 1.0) * counts[which])
    order = np.argsort(scores, kind="stable")
    enough = np.flatnonzero(np.cumsum(mass[order]) >= coverage - 1e-9)
    return float(scores[order[enough[0]]]) if len(enough) else float(scores.max())


def claimed(subjects: int, coverage: float = COVERAGE) -> float:
    """The coverage for a new subject that so many subjects can vouch for."""
    return min(coverage, subjects / (subjects + 1.0))


def ranges(
    probabilities: Reals, middle: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], Reals]:
    """Ranges of stages that grow from a middle one (N,) to the likelier side: (N, S) lowest, highest, probability held.

    The k-th holds k + 1 stages.
    """
    n, count = probabilities.shape
    rows = np.arange(n)
    padded = np.pad(probabilities.astype(np.float64), ((0, 0), (1, 1)), constant_values=-1.0)
    low, high = middle.astype(np.int64).copy(), middle.astype(np.int64).copy()
    held = probabilities[rows, middle].astype(np.float64)
    lows, highs, masses = [low.copy()], [high.copy()], [held.copy()]
    for _ in range(count - 1):
        below, above = padded[rows, low], padded[rows, high + 2]
        down = below > above
        held = held + np.maximum(below, above)
        low, high = np.where(down, low - 1, low), np.where(down, high, high + 1)
        lows.append(low.copy())
        highs.append(high.copy())
        masses.append(held.copy())
    return np.stack(lows, 1), np.stack(highs, 1), np.stack(masses, 1)


def needed(probabilities: Reals, middle: NDArray[np.int64], truth: NDArray[np.int64]) -> Reals:
    """(N,) probability of the smallest of ranges() that holds the true stage: the conformal score of stages."""
    low, high, mass = ranges(probabilities, middle)
    holds = (low <= truth[:, None]) & (truth[:, None] <= high)
    return np.asarray(mass[np.arange(len(mass)), holds.argmax(1)], np.float64)


def within(
    probabilities: Reals, middle: NDArray[np.int64], most: NDArray[np.float64] | float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(N,) lowest and highest stage of the largest of ranges() whose probability is at most `most`; the middle at least."""
    low, high, mass = ranges(probabilities, middle)
    limit = np.broadcast_to(np.asarray(most, np.float64), (len(mass),))[:, None]
    place = np.maximum((mass <= limit + 1e-6).sum(1) - 1, 0)
    rows = np.arange(len(mass))
    return low[rows, place], high[rows, place]
