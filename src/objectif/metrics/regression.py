"""Metrics of numbers and of ordered stages: MAE, RMSE, R2, within-1, quadratic kappa, coverage and width of intervals.

Truth (N, 2+K): the number or the stage's index, the subject's number, then what is known beside the picture. Answers
(N, 3+S): lower, answered, upper; for stages also their probabilities. All are functions of sums over images, so that a race
can ask them thousands of times.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from objectif.metrics.base import Reals, Scores, SumMetric, Truth
from objectif.metrics.confusion import _quadratic, _quadratic_gradient
from objectif.metrics.means import mean_of, ratio, ratio_gradient

TASK = "regress"
_TINY = 1e-12


def values(truth: Truth) -> Reals:
    """(N,) the numbers themselves."""
    return np.asarray(truth[:, 0], np.float64)


def _blind(pick: Callable[[Reals], float]) -> Callable[[Truth, int], Scores]:
    """One answer for all, with the middle nine tenths as its interval: what can be said without a look."""

    def answer(truth: Truth, classes: int) -> Scores:
        y = values(truth)
        row = np.array([np.quantile(y, 0.05), pick(y), np.quantile(y, 0.95)])
        return np.tile(row, (len(y), 1))

    return answer


def _median(y: Reals) -> float:
    return float(np.median(y))


def _mean(y: Reals) -> float:
    return float(y.mean())


def _nearest(y: Reals) -> float:
    """The one value with most others within 1 of it."""
    return float(max(np.unique(y), key=lambda v: int((np.abs(y - v) <= 1).sum())))


def gap(truth: Truth, scores: Scores) -> Reals:
    """(N,) how far the answer is from the truth."""
    return np.asarray(np.abs(scores[:, 1].astype(np.float64) - values(truth)), np.float64)


def inside(truth: Truth, scores: Scores) -> Reals:
    """(N,) 1 where the interval holds the truth; float32 bounds are given their rounding."""
    y = values(truth)
    slack = 1e-6 * (1 + np.abs(y))
    return np.asarray((scores[:, 0] - slack <= y) & (y <= scores[:, 2] + slack), np.float64)


def wide(truth: Truth, scores: Scores) -> Reals:
    """(N,) width of the interval."""
    return np.asarray(scores[:, 2].astype(np.float64) - scores[:, 0], np.float64)


def _of_mean(
    name: str,
    title: str,
    of: Callable[[Truth, Scores], Reals],
    *,
    higher: bool = False,
    blind: Callable[[Reals], float] = _median,
) -> SumMetric:
    made: dict[str, Any] = {"task": TASK, "blind": _blind(blind)}
    return SumMetric(
        name, title, higher, False, False, higher, mean_of(of), ratio, ratio_gradient, 1 / 2, **made
    )


def _root(sums: Reals) -> Reals:
    return np.asarray(np.sqrt(ratio(sums)), np.float64)


def _root_gradient(sums: Reals) -> Reals:
    return ratio_gradient(sums) / np.maximum(2 * _root(sums), _TINY)[..., None]


def _errors(truth: Truth, scores: Scores) -> Reals:
    """(N, 4) squared gap, truth, truth^2, one."""
    y = values(truth)
    return np.stack([gap(truth, scores) ** 2, y, y * y, np.ones_like(y)], axis=1)


def _spread(sums: Reals) -> Reals:
    return np.asarray(sums[..., 2] - sums[..., 1] ** 2 / np.maximum(sums[..., 3], _TINY), np.float64)


def _explained(sums: Reals) -> Reals:
    """1 - squared errors / squared deviations; not a number where all truths are equal."""
    spread = _spread(sums)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(spread > _TINY, 1 - sums[..., 0] / spread, np.nan), np.float64)


def _explained_gradient(sums: Reals) -> Reals:
    spread, n = np.maximum(_spread(sums), _TINY), np.maximum(sums[..., 3], _TINY)
    by_spread = sums[..., 0] / spread**2
    mean = sums[..., 1] / n
    return np.stack([-1 / spread, -2 * mean * by_spread, by_spread, mean**2 * by_spread], axis=-1)


def _moments(truth: Truth, scores: Scores) -> Reals:
    """(N, 6) as for classes: squared gap, answer, answer^2, truth, truth^2, one; numbers are rounded."""
    y, answered = np.rint(values(truth)), np.rint(scores[:, 1].astype(np.float64))
    return np.stack([(y - answered) ** 2, answered, answered**2, y, y * y, np.ones_like(y)], axis=1)


MAE = _of_mean("mae", "mean absolute error", gap)
RMSE = SumMetric(
    "rmse",
    "root mean squared error",
    False,
    False,
    False,
    False,
    mean_of(lambda truth, scores: gap(truth, scores) ** 2),
    _root,
    _root_gradient,
    1 / 2,
    task=TASK,
    blind=_blind(_mean),
)
R2 = SumMetric(
    "r2", "R2", True, False, False, False, _errors, _explained, _explained_gradient, 1 / 4, task=TASK,
    blind=_blind(_mean),
)  # fmt: skip
WITHIN_1 = _of_mean(
    "within_1",
    "share within 1",
    lambda truth, scores: np.asarray(gap(truth, scores) <= 1 + 1e-6, np.float64),
    higher=True,
    blind=_nearest,
)
KAPPA = SumMetric(
    "stage_kappa",
    "quadratic kappa of stages",
    True,
    False,
    False,
    False,
    _moments,
    _quadratic,
    _quadratic_gradient,
    1 / 2,
    task=TASK,
    blind=_blind(_mean),
)
COVERAGE = _of_mean("coverage", "share of intervals that hold the truth", inside, higher=True)
WIDTH = _of_mean("width", "mean width of intervals", wide)
METRICS = (MAE, RMSE, R2, WITHIN_1, KAPPA, COVERAGE, WIDTH)
