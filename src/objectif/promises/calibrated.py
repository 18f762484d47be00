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
from objectif.metrics.means import squared
from objectif.tasks.conformal import claimed, reach

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
    units = np.arange(len(truth)) if groups is None else groups
    squares = _squares(truth, probabilities)
    return {
        **_intervals(truth, probabilities, squares, units, seed),
        "sets": None if truth.ndim == 2 else _sets(truth, probabilities, units),
        "n": len(truth),
        "groups": len(np.unique(units)),
        "of": of,
    }


def members(probabilities: NDArray[np.floating[Any]], threshold: float) -> NDArray[np.int64]:
    """Classes of one image (C,) whose probability is at least the threshold, the likeliest first; never none."""
    order = np.argsort(-probabilities, kind="stable")
    return order[: max(1, int((probabilities >= np.float32(threshold)).sum()))]


def _squares(truth: NDArray[np.int64], probabilities: NDArray[np.floating[Any]]) -> Reals:
    """(N,) Brier score of each image: squared errors summed over classes, or, where labels are several, their mean."""
    if truth.ndim == 1:
        return squared(truth, probabilities)
    return np.asarray(((probabilities.astype(np.float64) - truth) ** 2).mean(1), np.float64)


def _intervals(
    truth: NDArray[np.int64],
    probabilities: NDArray[np.floating[Any]],
    squares: Reals,
    units: NDArray[np.int64],
    seed: int,
) -> dict[str, dict[str, float | None]]:
    """ece and brier with percentile intervals, less the bias of resampling; groups are drawn whole."""
    _, which = np.unique(units, return_inverse=True)
    count = int(which.max()) + 1
    order = np.argsort(which, kind="stable")
    starts = np.searchsorted(which[order], np.arange(count + 1))
    rng = np.random.default_rng(seed)
    drawn: list[tuple[float, float]] = []
    for _ in range(DRAWS if count >= FEWEST else 0):
        rows = np.concatenate([order[starts[k] : starts[k + 1]] for k in rng.integers(0, count, count)])
        drawn.append((ece(truth[rows], probabilities[rows], BINS), float(squares[rows].mean())))
    return {
        "ece": _spanned(ece(truth, probabilities, BINS), [one for one, _ in drawn]),
        "brier": _spanned(float(squares.mean()), [one for _, one in drawn]),
    }


def _spanned(estimate: float, drawn: list[float]) -> dict[str, float | None]:
    """An estimate with its interval; no interval without draws."""
    if not drawn:
        return {"estimate": estimate, "low": None, "high": None}
    shift = (
        float(np.mean(drawn)) - estimate
    )  # resampling makes bins differ from their probabilities once more
    low, high = (max(0.0, float(end) - shift) for end in np.quantile(drawn, (0.025, 0.975)))
    return {"estimate": estimate, "low": min(low, estimate), "high": max(high, estimate)}


def _sets(
    truth: NDArray[np.int64], probabilities: NDArray[np.floating[Any]], units: NDArray[np.int64]
) -> dict[str, float]:
    """The threshold, each group counting the same, and the coverage that so many groups can vouch for."""
    score = np.asarray(probabilities[np.arange(len(truth)), truth], np.float64)
    groups = len(np.unique(units))
    return {"coverage": claimed(groups), "threshold": -reach(-score, units)}
