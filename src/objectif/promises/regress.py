"""Promises of intervals: they are widened, or narrowed, until the share that holds the truth is proved.

The work saved is how much narrower they are than the one interval that could be told without a look at the picture, from
the middle of all true values: 1 - mean width / its width. Its lower bound must be above zero, so an interval that is the
same for every picture keeps no promise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.answers import Judgement
from objectif.problem.promises import Promise
from objectif.promises.bounds import bets_upper
from objectif.promises.calibration import Bools, Calibration, Reals
from objectif.promises.rule import Guard, Rule
from objectif.promises.seen import Seen
from objectif.tasks.conformal import needed, within
from objectif.tasks.regress import BOUNDS, beyond


@dataclass(frozen=True, eq=False, kw_only=True)
class Interval(Seen):
    """answers: (N, 3) or (N, 3 + S). blind: width of the interval that is told without a look."""

    answers: NDArray[Any]
    blind: float

    idle = "its intervals are no narrower than one that is told without a look at the picture"
    saves = "of the width of an interval that is told without a look is saved"

    def work(self, limit: float, given: Bools) -> Reals:
        """(N,) share of the blind interval that is saved; below zero where an interval is wider."""
        low, high = ends(self.answers, limit)
        return np.asarray(1.0 - (high - low) / self.blind, np.float64)

    def bounded_work(self, limit: float, given: Bools, level: float) -> tuple[float, float, float]:
        """Mean with bounds by bets: widths vary little. What is saved below -1 counts as -1."""
        halved = self.images.ordered((1.0 + np.maximum(self.work(limit, given), -1.0)) / 2.0)
        mean = 2.0 * float(halved.mean()) - 1.0
        low = 1.0 - 2.0 * bets_upper(1.0 - halved, level)
        return mean, low, min(1.0, 2.0 * bets_upper(halved, level) - 1.0)

    def chance(self, limit: float, given: Bools) -> float:
        """Nothing more is asked: an interval told without a look is as wide as the blind one, or wider."""
        return 0.0


def ends(answers: NDArray[Any], limit: float) -> tuple[Reals, Reals]:
    """(N,) lower and upper end of the intervals under a limit: what is added at both ends, or the probability to hold."""
    if answers.shape[1] > BOUNDS:
        low, high = within(answers[:, BOUNDS:], answers[:, 1].astype(np.int64), limit)
        return low.astype(np.float64), high.astype(np.float64) + 1.0  # stages held
    wide = 0.0 if limit == -np.inf else limit
    low, middle, high = answers[:, :BOUNDS].astype(np.float64).T
    return np.minimum(low - wide, middle), np.maximum(high + wide, middle)


def seen(promise: Promise, data: Calibration) -> Interval:
    """The promise on these numbers or stages."""
    staged, y = data.answers.shape[1] > BOUNDS, data.truth[:, 0].astype(np.float64)
    if staged:
        at = needed(data.answers[:, BOUNDS:], data.answers[:, 1].astype(np.int64), y.astype(np.int64))
    else:
        at = beyond(data.truth, data.answers) + 1e-6 * np.abs(data.answers[:, :BOUNDS]).max(1)  # 32 bits
    return _interval(promise, data, at, np.ones(len(data)))


def shipped(promise: Promise, data: Calibration) -> Interval:
    """The promise on answers whose intervals are those promised: nothing is added any more."""
    y = data.truth[:, 0].astype(np.float32)
    out = (y < data.answers[:, 0]) | (y > data.answers[:, 2])
    return _interval(promise, data, np.zeros(len(data)), out.astype(np.float64))


def _interval(promise: Promise, data: Calibration, at: Reals, loss: Reals) -> Interval:
    units, y = data.units(promise.unit), data.truth[:, 0].astype(np.float64)
    tail = (1.0 - promise.bound) / 2.0
    low, high = np.quantile(y, [tail, 1.0 - tail]) if len(y) else (0.0, 0.0)
    blind = float(high - low) + float(data.answers.shape[1] > BOUNDS)
    return Interval(
        promise,
        units,
        units,
        np.ones(len(data), np.bool_),
        loss,
        at,
        1.0 - promise.bound,
        "images",
        answers=data.answers,
        blind=max(blind, 1e-300),
    )


def guard(promise: Promise, data: Calibration) -> Guard:
    """The guard of a promise that adds nothing."""
    return Guard(promise, -np.inf)


def judge(rule: Rule, answers: NDArray[Any], chosen: Bools | None) -> list[Judgement]:
    """Every number is answered: the interval says how sure it is."""
    told = ", ".join(guard.promise.short for guard in rule.guards)
    words = f"the interval keeps {told}" if told else "no promise is about this answer"
    return [Judgement("answer", words)] * len(answers)


def decoding(rule: Rule, decoding: Any) -> Any:
    """With intervals as wide as the strictest promise asks."""
    widest: Sequence[Guard] = sorted(rule.guards, key=lambda guard: guard.limit)
    if not widest or widest[-1].limit == -np.inf:
        return decoding
    limit, bound = widest[-1].limit, widest[-1].promise.bound
    if len(rule.classes) > 1:
        return replace(decoding, mass=min(1.0, max(limit, 1e-6)), coverage=bound)
    return replace(decoding, widen=decoding.widen + limit, coverage=bound)
