"""Comparing names over groups and seeds together: what a claim about a loss has to withstand.

A table crosses names (losses, say) with blocks (what is held equal) and seeds, and all of them meet the same
groups of images. The variance of a difference is its spread over groups (metrics/compare.py) plus what seeds
add to it beyond the luck of these images:

- Between seeds: the sample variance of the pair's own differences, or that pooled over all names (the
  residuals of names x seeds in each block), whichever is larger. Three seeds alone hardly know their spread
  (two degrees of freedom, and the luckiest of many pairs would look certain); pooled, five losses in two
  blocks have sixteen.
- Less the part of it that is noise of the images, which the spread over groups contains already.

Draws cross random signs of groups with normal noise of seeds; three seeds drawn with replacement would show
ten different means and no tails. The critical value is moved to Student's distribution with Satterthwaite's
degrees of freedom, for the seeds' variance is estimated; groups are studentised exactly. With fewer than
three seeds only groups are drawn, and what is found holds for these networks, not for a loss.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from objectif.metrics.base import Reals
from objectif.metrics.compare import Pairs, highest, lengths, quantile, random_signs, shifts, square
from objectif.metrics.distributions import normal_quantile, student_from_normal
from objectif.metrics.resample import FEWEST_GROUPS, Scorer
from objectif.runs.blocks import Design

SEEDS_FOR_A_CLAIM = 3
LEVEL = 0.95
_MANY = 1e6  # degrees of freedom that are as good as infinite


@dataclass(frozen=True)
class Sample:
    """A design's figures, in utility, for L names, J blocks, S seeds; P pairs of names i < j; G groups.

    values (L, J, S). influence (G, L): of groups on each name, mean over blocks and seeds. gaps (G, P):
    contributions of groups to the difference of each pair, mean over blocks and seeds. noise (P,): variance
    of these differences between seeds that images alone would make. sizes (G,): images in each group.
    """

    values: Reals
    influence: Reals
    gaps: Reals
    noise: Reals
    sizes: Reals
    sign: float

    @classmethod
    def of(cls, design: Design, scorer: Scorer) -> Sample:
        """Gather a design's figures; seeds beyond the fewest that all have are left aside."""
        rows_of = [np.flatnonzero(scorer.owner == k) for k in range(int(scorer.owner.max()) + 1)]
        seeds = min(len(rows_of[i]) for cells in design.cells for i in cells)
        index = np.array([[rows_of[i][:seeds] for i in cells] for cells in design.cells])  # (L, J, S)
        first, second = np.triu_indices(len(index), 1)
        blocks = index.shape[1]
        gaps, noise = np.zeros((scorer.units, len(first))), np.zeros(len(first))
        for j in range(blocks):
            here = scorer.gaps(index[first, j].ravel(), index[second, j].ravel())
            here = here.reshape(scorer.units, len(first), seeds)
            gaps += here.mean(axis=2) / blocks
            if seeds > 1:
                noise += here.var(axis=2, ddof=1).sum(axis=0) / (seeds * blocks**2)
        sign = scorer.metric.sign
        influence = sign * scorer.influence[:, index].mean(axis=(2, 3))
        return cls(sign * scorer.values[index], influence, gaps, noise, scorer.sizes, sign)

    @property
    def seeds(self) -> int:
        """Seeds behind every name."""
        return int(self.values.shape[2])

    @property
    def utility(self) -> Reals:
        """(L,) mean over blocks and seeds."""
        return np.asarray(self.values.mean(axis=(1, 2)), np.float64)

    def pairs(self, draws: int, seed: int) -> Pairs:
        """Simultaneous intervals of all differences between names."""
        first, second = np.triu_indices(len(self.values), 1)
        groups = lengths(self.gaps) ** 2
        over_seeds, freedom = self._between_seeds(groups)
        spread = np.sqrt(groups + over_seeds)
        rng = np.random.default_rng([seed, 2])
        peaks = []
        for signs in random_signs(len(self.sizes), draws, seed):
            noise = rng.standard_normal((len(signs), len(self.values)))
            apart = (noise[:, first] - noise[:, second]) * np.sqrt(over_seeds / 2.0)
            peaks.append(highest(signs @ self.gaps + apart, spread))
        plain = quantile(np.concatenate(peaks), 0.5 + LEVEL / 2.0, LEVEL)
        critical = np.vectorize(student_from_normal)(plain, freedom)
        share, difference = self.sizes / self.sizes.sum(), self.utility[first] - self.utility[second]
        above, below = shifts(difference, spread**2, self.gaps.T @ share, float(share @ share), critical)
        return square(len(self.values), difference, difference - above, difference - below, spread > 0, LEVEL)

    def _between_seeds(self, groups: Reals) -> tuple[Reals, Reals]:
        """(P,) variance that seeds add to each difference, and degrees of freedom of the whole variance."""
        names, blocks, seeds = self.values.shape
        if seeds < SEEDS_FOR_A_CLAIM:
            return np.zeros(len(groups)), np.full(len(groups), _MANY)
        first, second = np.triu_indices(names, 1)
        apart = (self.values[first] - self.values[second]).var(axis=2, ddof=1)  # (P, J)
        squares = apart.mean(axis=0)  # (J,) twice the mean square of the residuals in each block
        own = apart.sum(axis=1) / (seeds * blocks**2)
        pooled = squares.sum() / (seeds * blocks**2)
        # one pair's degrees of freedom: S - 1 in each block, as many blocks as share the variance
        few = (seeds - 1) * (squares.sum() ** 2 / (squares**2).sum() if squares.any() else 1.0)
        excess = np.stack([own - self.noise, np.full(len(own), pooled - self.noise.mean())])
        added = np.maximum(excess.max(axis=0), 0.0)
        raw = np.where(excess.argmax(axis=0) == 0, own, pooled)
        units = np.where(excess.argmax(axis=0) == 0, few, few * (names - 1))
        freedom = (groups + added) ** 2 * units / np.where(raw > 0, raw, 1.0) ** 2
        steps = np.round(np.log(np.clip(freedom, 1.0, _MANY)) * 20.0) / 20.0  # to 5 %: few distinct values
        return added, np.where((added > 0) & (raw > 0), np.exp(steps), _MANY)

    def limits(self, i: int) -> tuple[float | None, float | None]:
        """The 95 % interval of one name's own figure, over groups and seeds, in the metric's units."""
        units, value = len(self.sizes), float(self.utility[i])
        if units < FEWEST_GROUPS:
            return None, None
        groups = float(self.influence[:, i] @ self.influence[:, i]) * units / (units - 1)
        over, freedom = 0.0, 1
        if self.seeds >= SEEDS_FOR_A_CLAIM:
            blocks = self.values.shape[1]
            over = float(self.values[i].var(axis=1, ddof=1).sum()) / (self.seeds * blocks**2)
            freedom = (self.seeds - 1) * blocks
        parts = groups**2 / (units - 1) + over**2 / freedom
        z = student_from_normal(
            normal_quantile(0.5 + LEVEL / 2), (groups + over) ** 2 / parts if parts > 0 else _MANY
        )
        ends = sorted(self.sign * (value + s * z * math.sqrt(groups + over)) for s in (-1.0, 1.0))
        return ends[0], ends[1]
