"""The curve of calibration, where images are many enough to tell it: isotonic regression of truth on probability.

A temperature stretches log-odds alike everywhere; a network that is too sure of its rare mistakes and too modest elsewhere
needs a bend (Zadrozny & Elkan 2002). Fitted on log-odds of all classes together and made strictly increasing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import isotonic_regression

from objectif.metrics.isotonic import EDGE, Reals, bent, odds

KNOTS = 16
FEWEST = 1000
"""Images below which no curve is tried: a temperature has one number to learn, a curve many."""
_LEAST_SLOPE = 0.02
_SURE = 2.0  # standard errors by which held-out log loss must fall


def fitted(p: NDArray[np.floating], truth: NDArray[np.int64]) -> tuple[tuple[float, float], ...]:
    """The curve for probabilities (N, C) and truth (N,) or (N, C): up to KNOTS points, strictly increasing in both."""
    hot = truth if truth.ndim == 2 else np.eye(p.shape[1])[truth]
    given, true = odds(p).ravel(), hot.ravel().astype(np.float64)
    order = np.argsort(given, kind="stable")
    x, hits, count = _binned(given[order], true[order])
    y = odds(isotonic_regression(hits, sample_weight=count))
    rise = np.maximum(np.diff(y), _LEAST_SLOPE * np.diff(x))
    y = np.concatenate([y[:1], y[0] + np.cumsum(rise)])
    return tuple((float(a), float(b)) for a, b in zip(x, y, strict=True))


def worthwhile(
    p: NDArray[np.floating], truth: NDArray[np.int64], units: NDArray[np.int64], seed: int = 0
) -> tuple[tuple[float, float], ...] | None:
    """The curve, where each half of the units is described clearly better by the other half's; None else."""
    names, which = np.unique(units, return_inverse=True)
    if len(truth) < FEWEST or len(names) < 2:
        return None
    first = np.random.default_rng(seed).permutation(len(names))[: len(names) // 2]
    half = np.isin(which, first)
    gain = np.empty(len(truth))
    for learn, judge in ((half, ~half), (~half, half)):
        curve = fitted(p[learn], truth[learn])
        after = bent(p[judge], curve, truth.ndim == 2)
        gain[judge] = _log_loss(p[judge], truth[judge]) - _log_loss(after, truth[judge])
    means = np.bincount(which, gain) / np.bincount(which)
    error = float(means.std(ddof=1)) / len(means) ** 0.5
    return fitted(p, truth) if float(means.mean()) > _SURE * error else None


def _log_loss(p: NDArray[np.floating], truth: NDArray[np.int64]) -> Reals:
    """(N,) nats."""
    q = np.clip(np.asarray(p, np.float64), EDGE, 1 - EDGE)
    if truth.ndim == 2:
        return np.asarray(-(truth * np.log(q) + (1 - truth) * np.log1p(-q)).sum(1), np.float64)
    return np.asarray(-np.log(q[np.arange(len(q)), truth]), np.float64)


def _binned(x: Reals, true: Reals) -> tuple[Reals, Reals, Reals]:
    """Mean log-odds (rising), share true and count of at most KNOTS bins with as many positives and negatives as can be in each."""
    weight = true / max(1.0, true.sum()) + (1 - true) / max(1.0, (1 - true).sum())
    place = np.minimum((np.cumsum(weight) / weight.sum() * KNOTS).astype(np.int64), KNOTS - 1)
    place = place[np.searchsorted(x, x)]  # equal numbers share a bin, however many a sure network gives
    count = np.bincount(place, minlength=KNOTS).astype(np.float64)
    some = count > 0
    mean = np.bincount(place, x, KNOTS)[some] / count[some]
    hits = np.bincount(place, true, KNOTS)[some]
    return mean, (hits + 0.5) / (count[some] + 1.0), count[some]
