"""How many mistakes may be seen for a promise still to be proved: exact for single images, for means of groups by Bentkus.

Everything is a p-value of "the mean loss is at least `limit`", from losses of units that are independent: small where the
losses seen are too few for that. A promise is proved at level a where the p-value is at most a.

- Units that lose 0 or 1: the binomial tail, which inverts to Clopper and Pearson's bound. Nothing valid is tighter.
- Units that lose between 0 and 1 (a patient, some of whose images are missed): the smaller of Hoeffding's tail in its
  relative-entropy form and e times the binomial tail (Bentkus 2004; Bates et al. 2021, Distribution-free, risk-controlling
  prediction sets).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]
_LOGS = np.zeros(1)  # log k! for k = 0, 1, ...


def log_factorials(n: int) -> Reals:
    """(m,) of log k!, m > n."""
    global _LOGS
    if len(_LOGS) <= n:
        size = max(4096, 2 * n)
        _LOGS = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, size + 1)))])
    return _LOGS


def binomial_tail(k: int, n: int, p: float) -> float:
    """P(X <= k) for X ~ Bin(n, p), 0 < p < 1."""
    if k < 0:
        return 0.0
    if k >= n:
        return 1.0
    logs, seen = log_factorials(n), np.arange(k + 1)
    terms = logs[n] - logs[seen] - logs[n - seen] + seen * math.log(p) + (n - seen) * math.log1p(-p)
    return min(1.0, float(np.exp(terms).sum()))


@lru_cache(maxsize=200_000)
def most(n: int, limit: float, level: float) -> int:
    """The most mistakes among n images at which a mean loss of `limit` is still refuted at `level`; -1 where none is."""
    if n < 1 or n * math.log1p(-limit) > math.log(level):
        return -1
    logs, seen = log_factorials(n), np.arange(n + 1)
    terms = logs[n] - logs[seen] - logs[n - seen] + seen * math.log(limit) + (n - seen) * math.log1p(-limit)
    return int(np.searchsorted(np.cumsum(np.exp(terms)), level, side="right")) - 1


def p_value(losses: Reals, limit: float) -> float:
    """Of "the mean loss is at least `limit`", 0 < limit < 1, from independent losses (n,) in [0, 1]; 1 without any."""
    n, total = len(losses), float(losses.sum())
    if n == 0 or total >= n * limit:
        return 1.0
    if ((losses == 0.0) | (losses == 1.0)).all():
        return binomial_tail(round(total), n, limit)
    return hoeffding_bentkus(total, n, limit)


def hoeffding_bentkus(total: float, n: int, limit: float) -> float:
    """The p-value from the sum of losses in [0, 1], total < n limit."""
    mean = total / n
    entropy = (mean * math.log(mean / limit) if mean > 0 else 0.0) + (1 - mean) * math.log(
        (1 - mean) / (1 - limit)
    )
    return min(1.0, math.exp(-n * entropy), math.e * binomial_tail(math.ceil(total - 1e-9), n, limit))


def upper(losses: Reals, level: float) -> float:
    """The least mean loss that is refuted at `level`: the upper bound of the mean; 1 where nothing is."""
    if len(losses) == 0:
        return 1.0
    return _root(lambda limit: p_value(losses, limit) - level, float(losses.mean()), 1.0)


def lower(losses: Reals, level: float) -> float:
    """The lower bound of the mean."""
    return 1.0 - upper(1.0 - losses, level)


def _root(falling: Callable[[float], float], low: float, high: float) -> float:
    """From above, the point where a falling function is 0 or less."""
    for _ in range(60):
        middle = (low + high) / 2.0
        if middle in (low, high):
            break
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return high


def told_apart(saved: NDArray[np.bool_], right: NDArray[np.bool_]) -> float:
    """Fisher's exact p-value that answers (n,) go with what is right (n,) no more than chance makes them."""
    n, given, true = len(saved), int(saved.sum()), int(right.sum())
    both = int((saved & right).sum())
    logs, seen = log_factorials(n), np.arange(both, min(given, true) + 1)

    def choose(a: int, b: NDArray[np.int64]) -> Reals:
        return np.asarray(logs[a] - logs[b] - logs[a - b])

    terms = choose(true, seen) + choose(n - true, given - seen) - choose(n, np.asarray(given))
    return min(1.0, float(np.exp(terms).sum()))
