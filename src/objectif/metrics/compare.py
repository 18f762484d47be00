"""Paired comparisons: all pairs at once, all against one reference, and McNemar's exact test.

All pairs: one critical value, the quantile over draws of the largest studentised difference among all pairs
(max-T: Westfall & Young 1993, Romano & Wolf 2005), so that the chance that *any* interval misses is at most
1 - level. Tests against the *observed* best alone are not enough: the best of twenty equals looks good
because it was chosen.

The draws are a wild bootstrap over groups with the null imposed (Cameron, Gelbach & Miller 2008): what each
group contributes to each difference keeps its size and gets a random sign, the same sign for all candidates.
A difference is studentised by the root of its summed squared contributions, which no sign changes. Resampling
groups with replacement was measured too: for equal candidates it called somebody beaten in 8-9 % of races
with 100 images and 40 candidates, and in up to half of them with 12 to 25 unequal groups, where random signs
stay at 2-6 % (docs/decisions/random-signs.md). A spread estimated from few groups is too small just when a
difference is large, counted draws of nearly equal candidates have tails that no true difference has, and
unequal groups are fewer than they look.

As in the sign test, two candidates that differ in fewer than six groups cannot be told apart. An interval
holds the differences that the same test would not reject; where groups are too few for so many candidates it
is unbounded, and nobody is beaten.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from objectif.metrics.base import Reals
from objectif.metrics.distributions import normal_quantile, student_from_normal
from objectif.metrics.resample import Scorer

_CELLS = 4_000_000  # random signs held at once
_GAPS = 30_000_000  # contributions of groups to pairs held at once
_NOTHING = 1e-26  # summed squares of contributions that are rounding
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


def all_pairs(
    scorer: Scorer,
    candidates: NDArray[np.intp] | None = None,
    *,
    draws: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Pairs:
    """Simultaneous intervals of all differences between `candidates` (default: all) of a scorer."""
    chosen = np.unique(scorer.owner) if candidates is None else candidates
    k, share = len(chosen), scorer.sizes / scorer.sizes.sum()
    values = scorer.metric.sign * scorer.by_candidate(scorer.values)[chosen]
    first, second = np.triu_indices(k, 1)
    signs = random_signs(scorer.units, draws, seed)
    if scorer.separable or scorer.units * len(first) > _GAPS:
        parts = scorer.by_candidate(scorer.parts)[:, chosen]
        full = norms(parts)
        norm = full[first, second]
        peak = np.concatenate([largest(flips @ parts, full) for flips in signs])
        overlap = parts.T @ share
        cross = overlap[first] - overlap[second]
    else:
        gaps = scorer.contrasts(chosen[first], chosen[second])
        norm = lengths(gaps)
        peak = np.concatenate([highest(flips @ gaps, norm) for flips in signs])
        cross = gaps.T @ share
    critical = quantile(peak, 0.5 + level / 2.0, level)
    difference = values[first] - values[second]
    above, below = shifts(difference, norm**2, cross, float(share @ share), critical)
    return square(k, difference, difference - above, difference - below, norm > 0, level)


def quantile(peak: Reals, single: float, level: float) -> float:
    """The `level` quantile of the largest studentised differences; at least the normal one at `single`."""
    return max(normal_quantile(single), float(np.quantile(peak, level, method="higher")))


def square(
    k: int, difference: Reals, low: Reals, high: Reals, testable: NDArray[np.bool_], level: float
) -> Pairs:
    """Pairs (K, K) from what was found for the pairs i < j, in the order of np.triu_indices."""
    first, second = np.triu_indices(k, 1)
    whole = [np.zeros((k, k)) for _ in range(3)]
    tested = np.zeros((k, k), np.bool_)
    for table, up, down in zip(whole, (difference, low, high), (-difference, -high, -low), strict=True):
        table[first, second], table[second, first] = up, down
    tested[first, second] = tested[second, first] = testable
    return Pairs(whole[0], whole[1], whole[2], tested, level)


def random_signs(units: int, draws: int, seed: int) -> Iterator[Reals]:
    """(b, units) of -1 and +1, in blocks that add up to `draws`."""
    rng = np.random.default_rng([seed, 1])
    size = max(1, _CELLS // max(units, 1))
    for start in range(0, draws, size):
        yield np.asarray(rng.integers(0, 2, (min(size, draws - start), units)) * 2.0 - 1.0, np.float64)


def norms(parts: Reals) -> Reals:
    """(K, K) root of the summed squared contributions to each difference; exactly 0 for equal candidates."""
    cross = parts.T @ parts
    own = np.diag(cross)
    both = own[:, None] + own[None, :]
    squares = both - 2.0 * cross
    squares[squares < _EQUAL * both] = 0.0
    np.fill_diagonal(squares, 0.0)
    return np.asarray(np.sqrt(np.maximum(squares, 0.0)), np.float64)


def largest(deviation: Reals, norm: Reals) -> Reals:
    """(B,) the largest |deviation_i - deviation_j| / norm_ij of deviations (B, K) over pairs with norm > 0"""
    peak = np.zeros(len(deviation))
    for i in range(deviation.shape[1] - 1):
        kept = np.flatnonzero(norm[i, i + 1 :] > 0) + i + 1
        if len(kept):
            gaps = np.abs(deviation[:, i : i + 1] - deviation[:, kept]) / norm[i, kept]
            np.maximum(peak, gaps.max(axis=1), out=peak)
    return peak


def lengths(gaps: Reals) -> Reals:
    """(P,) root of the summed squares of columns (G, P); exactly 0 where nothing but rounding is in them."""
    squares = np.einsum("gp,gp->p", gaps, gaps)
    return np.sqrt(np.where(squares > _NOTHING, squares, 0.0))


def highest(sums: Reals, norm: Reals) -> Reals:
    """(B,) the largest |sum| / norm of sums (B, P), over those with norm > 0."""
    kept = norm > 0
    if not kept.any():
        return np.zeros(len(sums))
    return np.asarray((np.abs(sums[:, kept]) / norm[kept]).max(axis=1), np.float64)


def shifts(
    difference: Reals, squares: Reals, cross: Reals, concentration: float, critical: float | Reals
) -> tuple[Reals, Reals]:
    """Largest and smallest x with difference - x not rejected: x^2 <= critical^2 x squares(x). One shape.

    squares: summed squared contributions at the null of no difference, that is at x = difference. Moving the
    null moves each contribution by the group's share of the images, so squares(x) is a parabola and the
    limits are roots. cross: sum over groups of contribution x share. concentration: sum of squared shares
    (1 / G for equal groups). Infinite where the parabola wins: no difference could be rejected.
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
    scorer: Scorer,
    candidates: NDArray[np.intp],
    reference: int,
    *,
    draws: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Reals:
    """(K,) lower limits of the gain of `candidates` over one reference, holding for all together (one-sided).

    In utility. Together, because the candidate one asks about is the one that looked best. Minus infinity
    where groups are too few.
    """
    gaps = scorer.contrasts(candidates, np.full(len(candidates), reference))
    norm, gain = lengths(gaps), gaps.sum(axis=0)
    kept = norm > 0
    if not kept.any():
        return np.zeros(len(gain))
    signs = random_signs(scorer.units, draws, seed)
    peak = np.concatenate([(flips @ gaps[:, kept] / norm[kept]).max(axis=1) for flips in signs])
    share = scorer.sizes / scorer.sizes.sum()
    above, _ = shifts(gain, norm**2, gaps.T @ share, float(share @ share), quantile(peak, level, level))
    return np.where(kept, gain - above, 0.0)


def spread_of_pairs(replicates: Reals, units: int) -> Reals:
    """(K, K) standard deviation of each difference from bootstrap replicates (B, K) over `units` groups.

    Exactly 0 for equal candidates; widened by sqrt(G/(G-1)), by which resampling falls short. Draws for which
    the metric is not defined (not one object in them) are left out.
    """
    replicates = replicates[np.isfinite(replicates).all(axis=1)]
    centred = replicates - replicates.mean(axis=0)
    return norms(centred / math.sqrt(max(len(replicates) - 1, 1))) * math.sqrt(units / (units - 1))


def one_sided(units: int, level: float = 0.95) -> float:
    """Multiplier of a spread for a one-sided bound with `units` groups: Student's quantile."""
    return student_from_normal(normal_quantile(level), units - 1)


def mcnemar(right_a: NDArray[np.bool_], right_b: NDArray[np.bool_]) -> float:
    """Two-sided exact p-value of McNemar's test that a and b are right equally often; for ungrouped images.

    right_a, right_b (N,): was the answer right? Twice the binomial tail of the discordant images, at most 1.
    """
    only_a = int(np.sum(right_a & ~right_b))
    only_b = int(np.sum(right_b & ~right_a))
    n = only_a + only_b
    tail = sum(math.comb(n, k) for k in range(min(only_a, only_b) + 1))
    return float(min(1.0, 2 * tail / 2**n))
