"""How well probabilities mean what they say, and which sets of classes hold the truth nine times in ten.

Told of every Solution that classifies, promised or not: expected calibration error and Brier score with bootstrap intervals
(groups are resampled whole), and the threshold of split conformal prediction sets (science: a set holds each class whose
probability is at least the threshold). Where the images are out of fold the sets' coverage is that of networks made in the
same way, not a promise; `coverage >= 0.9` in a statement is one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.metrics.calibration import ece
from objectif.metrics.intervals import interval
from objectif.metrics.means import BRIER

COVERAGE = 0.9
BINS = 10
DRAWS = 400
FEWEST = 10
"""Groups below which there is no interval."""

Reals = NDArray[np.float64]


def calibrated(
    truth: NDArray[np.int64],
    probabilities: NDArray[np.floating[Any]],
    groups: NDArray[np.int64] | None,
    of: str,
    seed: int = 0,
) -> dict[str, Any]:
    """JSON-ready: ece and brier (estimate, low, high), sets (coverage, threshold; None where labels are several), n, groups, of.

    truth (N,) or (N, C); probabilities (N, C) that a network gave which had not seen the images. of: which images they were.
    """
    brier = interval(BRIER, truth, probabilities, groups, seed=seed)
    units = np.arange(len(truth)) if groups is None else groups
    return {
        "ece": _ece(truth, probabilities, units, seed),
        "brier": {"estimate": brier.estimate, "low": brier.low, "high": brier.high},
        "sets": None if truth.ndim == 2 else _sets(truth, probabilities, units),
        "n": len(truth),
        "groups": len(np.unique(units)),
        "of": of,
    }


def members(probabilities: NDArray[np.floating[Any]], threshold: float) -> NDArray[np.int64]:
    """Classes of one image (C,) whose probability is at least the threshold, the likeliest first; never none."""
    order = np.argsort(-probabilities, kind="stable")
    return order[: max(1, int((probabilities >= np.float32(threshold)).sum()))]


def _ece(
    truth: NDArray[np.int64],
    probabilities: NDArray[np.floating[Any]],
    units: NDArray[np.int64],
    seed: int,
) -> dict[str, float | None]:
    """The error with its percentile interval, less the bias of resampling; groups are drawn whole."""
    estimate = ece(truth, probabilities, BINS)
    _, which = np.unique(units, return_inverse=True)
    count = int(which.max()) + 1
    if count < FEWEST:
        return {"estimate": estimate, "low": None, "high": None}
    order = np.argsort(which, kind="stable")
    starts = np.searchsorted(which[order], np.arange(count + 1))
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(DRAWS):
        drawn = rng.integers(0, count, count)
        rows = np.concatenate([order[starts[k] : starts[k + 1]] for k in drawn])
        values.append(ece(truth[rows], probabilities[rows], BINS))
    shift = (
        float(np.mean(values)) - estimate
    )  # resampling makes bins differ from their probabilities once more
    low, high = (max(0.0, float(end) - shift) for end in np.quantile(values, (0.025, 0.975)))
    return {"estimate": estimate, "low": min(low, estimate), "high": max(high, estimate)}


def _sets(
    truth: NDArray[np.int64], probabilities: NDArray[np.floating[Any]], units: NDArray[np.int64]
) -> dict[str, float]:
    """Each group counts the same: its images share its weight."""
    score = np.asarray(probabilities[np.arange(len(truth)), truth], np.float64)
    _, which, sizes = np.unique(units, return_inverse=True, return_counts=True)
    mass = 1.0 / ((len(sizes) + 1.0) * sizes[which])
    order = np.argsort(-score, kind="stable")
    enough = np.flatnonzero(np.cumsum(mass[order]) >= COVERAGE - 1e-9)
    return {"coverage": COVERAGE, "threshold": float(score[order[enough[0]]]) if len(enough) else 0.0}
