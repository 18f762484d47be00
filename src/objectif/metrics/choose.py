"""The rule that chooses a winner, and what choosing costs (bootstrap bias-corrected cross-validation).

The rule: the cheapest candidate whose shortfall to the best is below the margin at its one-sided bound; where
none is, the best itself. BBC-CV (Tsamardinos, Greasidou & Borboudakis 2018) replays this same rule on
resampled groups and scores what it chose on the groups left out: the mean is the performance to expect from
the chosen one, without the optimism of having looked for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from objectif.metrics.base import Reals
from objectif.metrics.resample import Scorer, blocks

# n/e groups are left out of a draw; a mean over them, among n, spreads sqrt(e - 1) times as wide as one of n
_NARROW = 1.0 / math.sqrt(math.e - 1.0)


def classes_within(values: Sequence[float], ratio: float = 1.1) -> NDArray[np.int64]:
    """(K,) ranks of costs, equal where they are within 10 % of the smallest of their class.

    Classes start at observed values and not at fixed bounds, so two nearly equal costs are seldom parted.
    """
    ranks = np.zeros(len(values), np.int64)
    start, rank = -math.inf, -1
    for i in np.argsort(np.asarray(values, np.float64), kind="stable"):
        if rank < 0 or values[i] > start * ratio:
            start, rank = float(values[i]), rank + 1
        ranks[i] = rank
    return ranks


def choose(
    values: Reals, spread: Reals | None, cost: NDArray[np.int64], margin: float, critical: float
) -> NDArray[np.intp]:
    """(...) index of the chosen among utilities (..., K): the cheapest not inferior to the best, see above.

    spread (K, K): of the differences, or None where it is not known (then only equals of the best can replace
    it). cost (K,): rank, lower is cheaper; among equally cheap ones the best is taken.
    """
    best = values.argmax(axis=-1)
    shortfall = np.take_along_axis(values, best[..., None], axis=-1) - values
    if spread is None:
        fits = shortfall <= 0.0
    else:
        fits = shortfall + critical * spread[best] <= margin
        fits |= (shortfall <= 0.0) & (spread[best] <= 0.0)
    np.put_along_axis(fits, best[..., None], True, axis=-1)
    price = np.where(fits, cost, np.iinfo(np.int64).max)
    cheapest = price == price.min(axis=-1, keepdims=True)
    return np.asarray(np.where(cheapest, values, -np.inf).argmax(axis=-1), np.intp)


def corrected(
    scorer: Scorer,
    replicates: Reals,
    pool: NDArray[np.intp],
    winner: int,
    spread: Reals,
    cost: NDArray[np.int64],
    margin: float,
    critical: float,
    draws: int,
    seed: int,
    level: float = 0.95,
) -> tuple[float, float, float]:
    """Estimate, low and high of the chosen candidate, corrected for having chosen it; in the metric's units.

    replicates (draws, K): of the metric over the same draws and seed. pool: candidates among which the choice
    is replayed; spread (P, P) and cost (P,) are theirs. The winner's own out-of-bag mean is known to be its
    value and serves as control variate: with one candidate nothing is corrected.
    """
    picks = pool[choose(scorer.metric.sign * replicates[:, pool], spread, cost, margin, critical)]
    out, own = np.full(draws, np.nan), np.full(draws, np.nan)
    start = 0
    for counts in blocks(scorer.units, draws, seed):
        left = (counts == 0).astype(np.float64)
        here = picks[start : start + len(counts)]
        some = left.any(axis=1) & np.isfinite(replicates[start : start + len(counts)]).all(axis=1)
        for k in np.unique([*here, winner]):
            drawn = np.flatnonzero(some if k == winner else some & (here == k))
            values = scorer.weighted(left[drawn], np.flatnonzero(scorer.owner == k)).mean(axis=1)
            mine = here[drawn] == k
            out[start + drawn[mine]] = values[mine]
            if k == winner:
                own[start + drawn] = values
        start += len(counts)
    out, own = out[np.isfinite(out)], own[np.isfinite(own)]
    naive = float(scorer.by_candidate(scorer.values)[winner])
    estimate = naive + float(out.mean() - own.mean())
    tails = np.quantile(out, [(1 - level) / 2, (1 + level) / 2]) - out.mean()
    return estimate, estimate + _NARROW * float(tails[0]), estimate + _NARROW * float(tails[1])
