"""Paired comparisons: all pairs at once, all against one reference, and McNemar's exact test.

All pairs: one critical value, the quantile over draws of the largest studentised difference among all pairs
(max-T: Westfall & Young 1993, Romano & Wolf 2005), so that the chance that *any* interval misses is at most
1 - level. Tests against the *observed* best alone are not enough: the best of twenty equals looks good because
it was chosen.

The draws are a wild bootstrap over groups with the null imposed (Cameron, Gelbach & Miller 2008): the
contribution of each group to each difference keeps its size and is given a random sign, the same sign for all
candidates. A difference is studentised by the root of its summed squared contributions, which no sign changes.
Chosen over resampling groups with replacement, which we measured too: for equal candidates of accuracy .85
that called somebody falsely beaten in 8-9 % of races with 100 images and 40 candidates, and in 14-55 % with
12 to 25 groups of unequal size, where this stays at 2-6 % (benchmarks/null_races.py). The reasons: a spread
estimated from few groups is too small just when a difference is large, counting draws of nearly equal
candidates have long tails that no true difference has, and unequal groups count as fewer than they are.
With random signs two candidates that differ in fewer than six groups cannot be told apart at 95 %, as in the
sign test, and no special case is needed for it.

An interval holds the shifts that the same test would not reject. Where groups are too few for the number of
candidates it is unbounded, and nobody is beaten.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from objectif.metrics.base import Reals
from objectif.metrics.distributions import normal_quantile, student_from_normal

_CELLS = 4_000_000  # random signs held at once
_EQUAL = 1e-10  # relative variance of a difference below which two candidates are equal but for rounding


@dataclass(frozen=True)
class Pairs:
    """Simultaneous intervals of value[i] - value[j], arrays (K, K), in utility (higher is better).

    low, high: infinite where the groups are too few. testable: pairs that differ at all; others are ties.
    """

    difference: Reals
    low: Reals
    high: Reals
    testable: NDArray[np.bool_]
    level: float

    @property
    def better(self) -> NDArray[np.bool_]:
        """(K, K): i is clearly better than j."""
        return np.asarray(self.testable & (self.low > 0), np.bool_)

    @property
    def beaten(self) -> NDArray[np.bool_]:
        """(K,): some other candidate is clearly better."""
        return np.asarray(self.better.any(axis=0), np.bool_)


def all_pairs(parts: Reals, sizes: Reals, *, draws: int = 2000, seed: int = 0, level: float = 0.95) -> Pairs:
    """Simultaneous intervals of all differences between K candidates over G groups.

    parts (G, K): contribution of each group to each utility; columns sum to the utilities (Scorer.parts).
    sizes (G,): images in each group.
    """
    values = parts.sum(axis=0)
    norm = norms(parts)
    peak = np.concatenate([largest(flips @ parts, norm) for flips in random_signs(len(parts), draws, seed)])
    single = normal_quantile(0.5 + level / 2.0)
    critical = max(single, float(np.quantile(peak, level, method="higher")))
    difference = values[:, None] - values[None, :]
    share = sizes / sizes.sum()
    overlap = parts.T @ share
    cross = overlap[:, None] - overlap[None, :]
    above, below = shifts(difference, norm**2, cross, float(share @ share), critical)
    return Pairs(difference, difference - above, difference - below, norm > 0, level)


def random_signs(units: int, draws: int, seed: int) -> Iterator[Reals]:
    """(b, units) of -1 and +1, in blocks that add up to `draws`."""
    rng = np.random.default_rng([seed, 1])
    size = max(1, _CELLS // max(units, 1))
    for start in range(0, draws, size):
        yield np.asarray(rng.integers(0, 2, (min(size, draws - start), units)) * 2.0 - 1.0, np.float64)


def norms(parts: Reals) -> Reals:
    """(K, K) root of the summed squared group contributions to each difference; exactly 0 for equal candidates."""
    cross = parts.T @ parts
    own = np.diag(cross)
    both = own[:, None] + own[None, :]
    squares = both - 2.0 * cross
    squares[squares < _EQUAL * both] = 0.0
    np.fill_diagonal(squares, 0.0)
    return np.asarray(np.sqrt(np.maximum(squares, 0.0)), np.float64)


def largest(deviation: Reals, norm: Reals) -> Reals:
    """(B,) the largest |deviation_i - deviation_j| / norm_ij of deviations (B, K), over pairs with norm > 0."""
    peak = np.zeros(len(deviation))
    for i in range(deviation.shape[1] - 1):
        kept = np.flatnonzero(norm[i, i + 1 :] > 0) + i + 1
        if len(kept):
            gaps = np.abs(deviation[:, i : i + 1] - deviation[:, kept]) / norm[i, kept]
            np.maximum(peak, gaps.max(axis=1), out=peak)
    return peak


def shifts(
    difference: Reals, squares: Reals, cross: Reals, concentration: float, critical: float | Reals
) -> tuple[Reals, Reals]:
    """Largest and smallest x, with difference - x not rejected: x^2 <= critical^2 x squares(x). Any one shape.

    squares: summed squared contributions at the null of no difference, that is at x = difference. Moving the
    null moves each contribution by the group's share of the images, so squares(x) is a parabola and the limits
    are roots. cross: sum over groups of contribution x share. concentration: sum of squared shares (1 / G for
    equal groups). Infinite where the parabola wins: no difference, however large, could be rejected.
    """
    p = cross - concentration * difference  # the same sum at x = 0
    r = np.maximum(squares - 2.0 * p * difference - concentration * difference**2, 0.0)
    c2 = np.asarray(critical, np.float64) ** 2 * (1.0 + 1e-9)  # a tie with the critical value is no rejection
    lead = 1.0 - c2 * concentration
    safe = np.where(lead > 0, lead, 1.0)
    root = np.sqrt(np.maximum(c2 * c2 * p * p + lead * c2 * r, 0.0))
    above = np.where(lead > 0, (c2 * p + root) / safe, np.inf)
    below = np.where(lead > 0, (c2 * p - root) / safe, -np.inf)
    return above, below


def gain_over(
    parts: Reals, reference: Reals, sizes: Reals, *, draws: int = 2000, seed: int = 0, level: float = 0.95
) -> Reals:
    """(K,) lower limits of each candidate's gain over one reference, holding for all K together (one-sided).

    parts (G, K), reference (G,): contributions to utility. Together, because the candidate one asks about is
    the one that looked best. Minus infinity where groups are too few.
    """
    gap = parts - reference[:, None]
    own = (gap**2).sum(axis=0)
    moving = own > _EQUAL * ((parts**2).sum(axis=0) + float(reference @ reference))
    gain = gap.sum(axis=0)
    if not moving.any():
        return np.zeros(len(own))
    scale = np.sqrt(own[moving])
    peaks = [(flips @ gap[:, moving] / scale).max(axis=1) for flips in random_signs(len(parts), draws, seed)]
    critical = max(normal_quantile(level), float(np.quantile(np.concatenate(peaks), level, method="higher")))
    share, gain = sizes / sizes.sum(), gap.sum(axis=0)
    above, _ = shifts(gain, own, gap.T @ share, float(share @ share), critical)
    return np.where(moving, gain - above, 0.0)


def spread_of_pairs(replicates: Reals, units: int) -> Reals:
    """(K, K) standard deviation of each difference from bootstrap replicates (B, K) over `units` groups.

    Exactly 0 for equal candidates; widened by sqrt(G/(G-1)), by which resampling falls short.
    """
    centred = replicates - replicates.mean(axis=0)
    return norms(centred / math.sqrt(max(len(replicates) - 1, 1))) * math.sqrt(units / (units - 1))


def one_sided(units: int, level: float = 0.95) -> float:
    """Multiplier of a spread for a one-sided bound with `units` groups: Student's quantile."""
    return student_from_normal(normal_quantile(level), units - 1)


def mcnemar(right_a: NDArray[np.bool_], right_b: NDArray[np.bool_]) -> float:
    """Two-sided exact p-value of McNemar's test that a and b are right equally often; for ungrouped images only.

    right_a, right_b (N,): was the answer right? Twice the binomial tail of the discordant images, at most 1.
    """
    only_a = int(np.sum(right_a & ~right_b))
    only_b = int(np.sum(right_b & ~right_a))
    n = only_a + only_b
    tail = sum(math.comb(n, k) for k in range(min(only_a, only_b) + 1))
    return float(min(1.0, 2 * tail / 2**n))
