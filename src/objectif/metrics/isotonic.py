"""One curve through which probabilities pass so that they mean what they say, where images are many enough to tell it.

A temperature stretches log-odds alike everywhere; a network that is too sure of its rare mistakes and too modest elsewhere
needs a bend. The curve is an isotonic regression (pool adjacent violators; Zadrozny & Elkan 2002) of truth on probability,
of all classes together, on log-odds, made strictly increasing. One curve for all classes and not one each: the order of the
classes of an image stays as it is, so that no answer changes and what was measured is what ships.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]
KNOTS = 16
FEWEST = 1000
"""Images below which no curve is tried: a temperature has one number to learn, a curve many."""
_EDGE = 1e-6
_LEAST_SLOPE = 0.02
_SURE = 2.0  # standard errors by which held-out log loss must fall


def odds(p: NDArray[np.floating]) -> Reals:
    """log p / (1 - p), within about 14 of 0."""
    q = np.clip(np.asarray(p, np.float64), _EDGE, 1 - _EDGE)
    return np.asarray(np.log(q) - np.log1p(-q), np.float64)


def share(x: Reals) -> Reals:
    """The inverse of odds."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)), np.float64)


def bent(p: NDArray[np.floating], curve: tuple[tuple[float, float], ...], several: bool) -> Reals:
    """Probabilities (N, C) through a curve of (log-odds given, log-odds meant); sums to 1 unless several labels an image.

    Beyond its ends the curve goes on with slope 1.
    """
    x, y = np.array(curve, np.float64).T
    given = odds(p)
    inside = np.interp(given, x, y)
    meant = inside + np.minimum(given - x[0], 0.0) + np.maximum(given - x[-1], 0.0)
    found = share(meant)
    return found if several else np.asarray(found / found.sum(1, keepdims=True), np.float64)


def fitted(p: NDArray[np.floating], truth: NDArray[np.int64]) -> tuple[tuple[float, float], ...]:
    """The curve for probabilities (N, C) and truth (N,) or (N, C): up to KNOTS points, strictly increasing in both."""
    hot = truth if truth.ndim == 2 else np.eye(p.shape[1])[truth]
    given, true = odds(p).ravel(), hot.ravel().astype(np.float64)
    order = np.argsort(given, kind="stable")
    blocks = _pooled(*_binned(given[order], true[order]))
    x = np.array([b[0] for b in blocks])
    y = odds(np.array([b[1] for b in blocks]))
    y = np.maximum.accumulate(y + 0.0)
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
    q = np.clip(np.asarray(p, np.float64), _EDGE, 1 - _EDGE)
    if truth.ndim == 2:
        return np.asarray(-(truth * np.log(q) + (1 - truth) * np.log1p(-q)).sum(1), np.float64)
    return np.asarray(-np.log(q[np.arange(len(q)), truth]), np.float64)


def _binned(x: Reals, true: Reals) -> tuple[Reals, Reals, Reals]:
    """Mean log-odds, share true and count of KNOTS bins with as many positives and negatives as can be in each."""
    weight = true / max(1.0, true.sum()) + (1 - true) / max(1.0, (1 - true).sum())
    place = np.minimum((np.cumsum(weight) / weight.sum() * KNOTS).astype(np.int64), KNOTS - 1)
    count = np.bincount(place, minlength=KNOTS).astype(np.float64)
    some = count > 0
    mean = np.bincount(place, x, KNOTS)[some] / count[some]
    hits = np.bincount(place, true, KNOTS)[some]
    return mean, (hits + 0.5) / (count[some] + 1.0), count[some]


def _pooled(x: Reals, y: Reals, weight: Reals) -> list[list[float]]:
    """Blocks [x, y, weight] whose y rises: neighbours that fall are pooled."""
    blocks: list[list[float]] = []
    for one in zip(x, y, weight, strict=True):
        blocks.append([float(v) for v in one])
        while len(blocks) > 1 and blocks[-2][1] >= blocks[-1][1]:
            a, b = blocks[-2], blocks.pop()
            total = a[2] + b[2]
            blocks[-1] = [(a[0] * a[2] + b[0] * b[2]) / total, (a[1] * a[2] + b[1] * b[2]) / total, total]
    return blocks
