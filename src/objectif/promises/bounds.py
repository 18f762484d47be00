"""How many mistakes may be seen for a promise still to be proved: the binomial tail, for single images and for groups.

Everything is a p-value of "the mean loss is at least `limit`", from losses of independent units: small where the losses
seen are too few for that. A promise is proved at level a where the p-value is at most a.

- Images lose 0 or 1: the binomial tail, which inverts to Clopper and Pearson's bound. Nothing valid is tighter.
- A group (a patient, some of whose images are missed) loses the mean of its images, a number between 0 and 1. A lot is
  drawn for it: it counts as lost with the probability of that mean, just as if one of its images were drawn and looked at.
  The mean over groups is the same, the losses are 0 or 1, and the binomial tail is exact again. The lot is a number made
  from the group's own content (Units), so the same images always give the same bound, and a group that loses more is never
  counted as losing less. A bound is never on the better side of the mean that was seen.
- Counts, and shares that vary little (missed pixels, widths): bets.

Compared on made-up groups: Hoeffding and Bentkus's inequality (Bates et al. 2021) and bets (Waudby-Smith & Ramdas 2023) need
no lots, and prove less where a group is mostly lost or kept as a whole; see docs/decisions/promises.md for the figures.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from objectif.metrics.distributions import clopper_pearson

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


class Losses(NamedTuple):
    """Losses of U independent units: means (U,) in [0, 1], and lost (U,) of 0 and 1 that have the same expectation.

    betted: the means in a random order, where bets are to be made on them instead; else None.
    """

    means: Reals
    lost: NDArray[np.bool_]
    betted: Reals | None = None

    @property
    def mean(self) -> float:
        """The mean loss seen; 0 without units."""
        return float(self.means.mean()) if len(self.means) else 0.0

    def turned(self) -> Losses:
        """What is not lost."""
        return Losses(1.0 - self.means, ~self.lost, None if self.betted is None else 1.0 - self.betted)


def p_value(losses: Losses, limit: float) -> float:
    """Of "the mean loss is at least `limit`", 0 < limit < 1; 1 without any unit."""
    n = len(losses.means)
    if n == 0 or float(losses.means.sum()) >= n * limit:
        return 1.0
    if losses.betted is not None:
        return bets(losses.betted, limit)
    return binomial_tail(int(losses.lost.sum()), n, limit)


def upper(losses: Losses, level: float) -> float:
    """The least mean loss that is refuted at `level`: the upper bound of the mean; 1 without any unit."""
    if losses.betted is not None:
        return bets_upper(losses.betted, level)
    n, lost = len(losses.means), int(losses.lost.sum())
    if n == 0 or lost == n:
        return 1.0
    return max(losses.mean, _most_share(lost, n, level))


@lru_cache(maxsize=50_000)
def _most_share(lost: int, n: int, level: float) -> float:
    """Clopper and Pearson's upper bound of a share."""
    return clopper_pearson(lost, n, 1.0 - 2.0 * level)[1]


def lower(losses: Losses, level: float) -> float:
    """The lower bound of the mean."""
    return 1.0 - upper(losses.turned(), level)


def _root(falling: Callable[[float], float], low: float, high: float) -> float:
    """The point between low and high where a falling function crosses 0, from above, to 1e-10 (Illinois method)."""
    at_low, at_high, side = falling(low), falling(high), 0
    if at_low <= 0.0:
        return low
    for _ in range(100):
        middle = (low * at_high - high * at_low) / (at_high - at_low)
        if not low < middle < high or high - low < 1e-10:
            break
        value = falling(middle)
        if value > 0.0:
            low, at_low = middle, value
            at_high /= 2.0 if side > 0 else 1.0
            side = 1
        else:
            high, at_high = middle, value
            at_low /= 2.0 if side < 0 else 1.0
            side = -1
        if abs(value) < 1e-10:
            return middle
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


def bets(values: Reals, limit: float, level: float = 0.05) -> float:
    """The p-value of "the mean is at least `limit`" from values (n,) in [0, 1] of independent units, in a random order.

    A gambler bets against it, more the less the values vary; the most that he ever has, to one, is the evidence
    (Waudby-Smith & Ramdas 2023, the predictable plug-in). For counts and for shares whose spread is small: there it is much
    tighter than lots. `level` is that at which it is wanted, where the bets are best.
    """
    n = len(values)
    if n == 0:
        return 1.0
    seen = np.arange(1, n + 1)
    mean = (0.5 + np.cumsum(values)) / (1 + seen)
    spread = (0.25 + np.cumsum((values - mean) ** 2)) / (1 + seen)
    before = np.append(0.25, spread[:-1])
    stake = np.minimum(np.sqrt(2 * math.log(1 / level) / (n * before)), 0.999 / (1 - limit))
    most_ever = float(np.cumsum(np.log1p(stake * (limit - values))).max())
    return min(1.0, math.exp(-min(most_ever, 600.0)))


def bets_upper(values: Reals, level: float) -> float:
    """The upper bound of the mean of values (n,) in [0, 1], in a random order; 1 without any."""
    if len(values) == 0 or bets(values, 1.0 - 1e-9, level) > level:
        return 1.0
    least = float(values.mean())
    return _root(lambda limit: math.log(bets(values, limit, level) / level), least, 1.0 - 1e-9)
