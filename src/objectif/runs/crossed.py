"""Comparing names over groups and seeds together: what a claim about a loss has to withstand.

Each draw gives random signs to groups (metrics/compare.py) and draws seeds with replacement, the same for all
names. The variance of a difference is the sum of its squared contributions over groups and of its sample
variance over seeds (what both share counts twice: cautious). Three seeds tell little about their own spread,
so the critical value is moved to Student's distribution with Satterthwaite's degrees of freedom, in which the
seeds count as S - 1 and the groups, being studentised exactly, as many. With fewer than three seeds only
groups are resampled, and what is found holds for these networks, not for a loss.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from objectif.metrics.base import Reals
from objectif.metrics.compare import Pairs, highest, lengths, quantile, random_signs, shifts, square
from objectif.metrics.distributions import normal_quantile, student_from_normal
from objectif.metrics.resample import FEWEST_GROUPS, Scorer
from objectif.runs.blocks import Design

SEEDS_FOR_A_CLAIM = 3
LEVEL = 0.95


@dataclass(frozen=True)
class Sample:
    """A design's figures, in utility, for L names and S seeds, P pairs of names i < j.

    by_seed (L, S): utilities, means over blocks. influence (G, L): of groups on them, mean over seeds.
    gaps (G, P, S): contributions of groups to the difference of each pair. sizes (G,): images in each group.
    """

    by_seed: Reals
    influence: Reals
    gaps: Reals
    sizes: Reals
    sign: float

    @classmethod
    def of(cls, design: Design, scorer: Scorer) -> Sample:
        """Gather a design's figures; seeds beyond the fewest that all have are left aside."""
        rows_of = [np.flatnonzero(scorer.owner == k) for k in range(int(scorer.owner.max()) + 1)]
        seeds = min(len(rows_of[i]) for cells in design.cells for i in cells)
        index = np.array([[rows_of[i][:seeds] for i in cells] for cells in design.cells])  # (L, J, S)
        first, second = np.triu_indices(len(index), 1)
        gaps = scorer.gaps(index[first].ravel(), index[second].ravel())
        gaps = gaps.reshape(scorer.units, *index[first].shape).mean(axis=2)
        sign = scorer.metric.sign
        by_seed = sign * scorer.values[index].mean(axis=1)
        return cls(by_seed, sign * scorer.influence[:, index].mean(axis=(2, 3)), gaps, scorer.sizes, sign)

    @property
    def seeds(self) -> int:
        """Seeds behind every name."""
        return int(self.by_seed.shape[1])

    @property
    def utility(self) -> Reals:
        """(L,) mean over blocks and seeds."""
        return np.asarray(self.by_seed.mean(axis=1), np.float64)

    def _over_seeds(self, by_seed: Reals) -> Reals:
        """Variance of a mean over seeds (last axis); 0 where these are too few to be resampled."""
        if self.seeds < SEEDS_FOR_A_CLAIM:
            return np.zeros(by_seed.shape[:-1])
        return np.asarray(by_seed.var(axis=-1, ddof=1) / self.seeds, np.float64)

    def pairs(self, draws: int, seed: int) -> Pairs:
        """Simultaneous intervals of all differences between names."""
        by_seed, gaps = self.gaps.sum(axis=0), self.gaps.mean(axis=2)
        groups, over_seeds = lengths(gaps) ** 2, self._over_seeds(by_seed)
        # drawing S seeds with replacement shows (S - 1) / S of the variance between them
        shown = np.sqrt(groups + over_seeds * (self.seeds - 1) / self.seeds)
        peak = np.concatenate([highest(d, shown) for d in self._deviations(draws, seed)])
        plain = quantile(peak, 0.5 + LEVEL / 2.0, LEVEL)
        critical = np.vectorize(student_from_normal)(plain, self._freedom(groups, over_seeds))
        share, difference = self.sizes / self.sizes.sum(), by_seed.mean(axis=1)
        above, below = shifts(difference, groups + over_seeds, gaps.T @ share, float(share @ share), critical)
        return square(len(self.by_seed), difference, difference - above, difference - below, shown > 0, LEVEL)

    def _deviations(self, draws: int, seed: int) -> Iterator[Reals]:
        """(b, P) under the null: random signs of groups crossed with seeds drawn with replacement."""
        rng, seeds = np.random.default_rng([seed, 2]), self.seeds
        by_seed = self.gaps.sum(axis=0)
        centred = by_seed - by_seed.mean(axis=1, keepdims=True)
        flat = self.gaps.reshape(len(self.gaps), -1)
        for signs in random_signs(len(self.gaps), draws, seed):
            signed = (signs @ flat).reshape(len(signs), *by_seed.shape)
            if seeds < SEEDS_FOR_A_CLAIM:
                yield signed.mean(axis=2)
                continue
            drawn = rng.multinomial(seeds, np.full(seeds, 1.0 / seeds), len(signs)) / seeds
            yield np.einsum("bps,bs->bp", signed + centred, drawn)

    def _freedom(self, groups: Reals, over_seeds: Reals) -> Reals:
        """Satterthwaite's degrees of freedom where only the variance over seeds is uncertain."""
        seeds = np.where(over_seeds > 0, over_seeds, 1.0)
        found = (groups + over_seeds) ** 2 / seeds**2 * max(self.seeds - 1, 1)
        return np.asarray(np.where(over_seeds > 0, np.minimum(np.round(found, 1), 1e6), 1e6), np.float64)

    def limits(self, i: int) -> tuple[float | None, float | None]:
        """The 95 % interval of one name's own figure, over groups and seeds, in the metric's units."""
        units, value = len(self.sizes), float(self.utility[i])
        if units < FEWEST_GROUPS:
            return None, None
        groups = float(self.influence[:, i] @ self.influence[:, i]) * units / (units - 1)
        over = float(self._over_seeds(self.by_seed[i]))
        spread2 = groups + over
        parts = groups**2 / (units - 1) + over**2 / max(self.seeds - 1, 1)
        z = student_from_normal(normal_quantile(0.5 + LEVEL / 2), spread2**2 / parts if parts > 0 else 1e6)
        ends = sorted(self.sign * (value + s * z * math.sqrt(spread2)) for s in (-1.0, 1.0))
        return ends[0], ends[1]
