"""The bootstrap over groups, shared by all candidates, and the metric of many candidates under it.

Groups (patients, plants, tracks; single images where there are none) are drawn with replacement; a draw is a
row of counts. All candidates meet the same draws, so differences between them are paired. Draws are made in
blocks from a seed and can be made again, so memory stays bounded and a second pass sees the same draws.

Exact replicates cost draws x groups x features for each candidate. Where that would take more than seconds
(a hundred classes, thousands of images, areas under curves for sixty candidates) and there are fifty groups
or more, the metric is replaced by its first-order expansion around equal weights (influence values), which
is the DeLong variance for an AUROC and exact for a mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from objectif.metrics.base import FunctionMetric, Metric, Reals, Scores, SumMetric, Truth
from objectif.metrics.means import ratio

FEWEST_GROUPS = 10  # below this the spread between groups cannot be estimated: no interval
_CELLS = 4_000_000  # counts held at once
_OPERATIONS = 4e10  # multiply-adds of a matrix product that take about two seconds on one core
_SORTED = 4e8  # weights through a sorted column that take about as long
_SWEPT = 8e10  # multiply-adds of products and what is done with them, see sweep.py: five seconds or so
_CALLS = 20_000  # of a plug-in's function
_LINEAR_FROM = 50  # groups from which the first-order expansion is trusted


def codes(groups: NDArray[np.int64] | None, n: int) -> NDArray[np.int64]:
    """(n,) group numbers 0..G-1; every image its own group where groups is None."""
    if groups is None:
        return np.arange(n, dtype=np.int64)
    if len(groups) != n:
        raise ValueError(f"{len(groups)} groups for {n} images; expected one each")
    return np.unique(groups, return_inverse=True)[1].astype(np.int64)


def blocks(units: int, draws: int, seed: int) -> Iterator[Reals]:
    """Counts (b, units) of draws with replacement, in blocks that add up to `draws`; by seed."""
    rng = np.random.default_rng(seed)
    size = max(1, _CELLS // max(units, 1))
    for start in range(0, draws, size):
        rows = min(size, draws - start)
        drawn = rng.integers(0, units, (rows, units)) + np.arange(rows)[:, None] * units
        counts = np.bincount(drawn.ravel(), minlength=rows * units).reshape(rows, units)
        yield np.asarray(counts, np.float64)


def image_counts(n: int, groups: NDArray[np.int64] | None, draws: int, seed: int) -> Reals | None:
    """(draws, n) how often each image is drawn when its group is; None where there are too few groups for a spread."""
    group = codes(groups, n)
    units = int(group.max()) + 1 if n else 0
    if units < FEWEST_GROUPS:
        return None
    return np.concatenate(list(blocks(units, draws, seed)))[:, group]


def total(values: Reals, group: NDArray[np.int64], units: int) -> Reals:
    """(units, ...) sums over the images of each group of values (N, ...)."""
    if units == len(group) and np.array_equal(group, np.arange(units)):
        return values
    flat = values.reshape(len(values), -1)
    summed = np.stack([np.bincount(group, column, units) for column in flat.T], axis=1)
    return np.asarray(summed.reshape(units, *values.shape[1:]), np.float64)


class Scorer:
    """A metric of K candidates, S_k seeds each, under weights on G groups.

    truth (N, ...); scores: K arrays (S_k, N, ...). Rows are (candidate, seed) pairs in order; `owner`
    (R,) is the candidate of each row.

    values (R,): the metric of each row. influence (G, R): its derivative with respect to group weights; sums
    to 0. parts (G, R): contribution of each group to its utility (sign x metric); sums to the utility. What
    the truth alone moves is not in it, for it is the same for all candidates. sizes (G,): images a group.
    """

    def __init__(
        self,
        metric: Metric,
        truth: Truth,
        scores: Sequence[Scores],
        groups: NDArray[np.int64] | None = None,
        draws: int = 2000,
    ) -> None:
        self.metric, self.truth = metric, truth
        self.group = codes(groups, len(truth))
        self.units = int(self.group.max()) + 1
        self.sizes = np.bincount(self.group).astype(np.float64)
        self.rows = [s for block in scores for s in block]
        self.owner = np.repeat(np.arange(len(scores)), [len(block) for block in scores])
        self._fixed = [metric.prepared(truth, row) for row in self.rows]
        self.linear = self._too_dear(draws)
        mean = isinstance(metric, SumMetric) and metric.finish is ratio
        self.separable = mean or self.linear or not isinstance(metric, SumMetric)
        self.values = np.empty(len(self.rows))
        self.influence = np.empty((self.units, len(self.rows)))
        self.parts = np.empty_like(self.influence)
        self._tables: list[Reals] = []
        for r in range(len(self.rows)):
            self._prepare(r)

    def _too_dear(self, draws: int) -> bool:
        if self.units < _LINEAR_FROM:
            return False
        if isinstance(self.metric, SumMetric):
            columns = self.metric.features(self.truth[:1], self.rows[0][:1]).shape[1]
            return bool(float(draws) * self.units * columns * len(self.rows) > _OPERATIONS)
        if isinstance(self.metric, FunctionMetric):
            return draws * len(self.rows) > _CALLS
        work = [fixed.work for fixed in self._fixed]
        known = [w for w in work if w is not None]
        if len(known) == len(work):
            return draws * sum(known) > _SWEPT
        return bool(float(draws) * len(self.truth) * self.rows[0].shape[1] * len(self.rows) > _SORTED)

    def _prepare(self, r: int) -> None:
        metric = self.metric
        self.values[r], influence, parts = self._fixed[r].expand()
        self.influence[:, r] = total(influence, self.group, self.units)
        self.parts[:, r] = metric.sign * total(parts, self.group, self.units)
        if isinstance(metric, SumMetric) and not self.linear:
            self._tables.append(total(metric.features(self.truth, self.rows[r]), self.group, self.units))

    def gaps(self, first: NDArray[np.intp], second: NDArray[np.intp]) -> Reals:
        """(G, P) contribution of each group to the difference in utility of P pairs of rows; sums to it.

        Groups in which both answer alike contribute nothing: features that differ are weighted by the
        derivative midway between the two, which adds up to the difference but for third-order terms, and
        these are spread by size.
        """
        if self.separable or not isinstance(self.metric, SumMetric):
            return np.asarray(self.parts[:, first] - self.parts[:, second], np.float64)
        sums = np.stack([table.sum(axis=0) for table in self._tables])
        slopes = self.metric.sign * self.metric.gradient((sums[first] + sums[second]) / 2.0)
        found = np.empty((self.units, len(first)))
        for p, (i, j) in enumerate(zip(first, second, strict=True)):
            found[:, p] = (self._tables[int(i)] - self._tables[int(j)]) @ slopes[p]
        left = self.metric.sign * (self.values[first] - self.values[second]) - found.sum(axis=0)
        return np.asarray(found + (self.sizes / self.sizes.sum())[:, None] * left, np.float64)

    def contrasts(self, first: NDArray[np.intp], second: NDArray[np.intp]) -> Reals:
        """(G, P) the same for P pairs of candidates: means over their seeds, paired in order, in turn where
        their numbers differ."""
        rows = [np.flatnonzero(self.owner == k) for k in range(int(self.owner.max()) + 1)]
        one, two, starts = [], [], [0]
        for i, j in zip(first, second, strict=True):
            turns = np.lcm(len(rows[i]), len(rows[j]))
            one.append(np.resize(rows[i], turns))
            two.append(np.resize(rows[j], turns))
            starts.append(starts[-1] + int(turns))
        found = self.gaps(np.concatenate(one), np.concatenate(two))
        return np.asarray(np.add.reduceat(found, starts[:-1], axis=1) / np.diff(starts), np.float64)

    def weighted(self, weights: Reals, only: NDArray[np.intp] | None = None) -> Reals:
        """(B, R) metric of each row (or of the rows `only`) under weights (B, G) on groups."""
        chosen = np.arange(len(self.rows)) if only is None else only
        if self.linear:
            scale = len(self.truth) / (weights @ self.sizes)
            return np.asarray(
                self.values[chosen] + (weights @ self.influence[:, chosen]) * scale[:, None], np.float64
            )
        if isinstance(self.metric, SumMetric):
            return self._summed(self.metric, weights, chosen)
        images = weights[:, self.group]
        return np.stack([self._fixed[int(r)].replicates(images) for r in chosen], axis=1)

    def _summed(self, metric: SumMetric, weights: Reals, chosen: NDArray[np.intp]) -> Reals:
        width = self._tables[0].shape[1]
        step = max(1, min(512 // width, _CELLS // max(1, len(weights) * width)))
        pieces = []
        for start in range(0, len(chosen), step):
            part = [self._tables[int(r)] for r in chosen[start : start + step]]
            sums = weights @ np.concatenate(part, axis=1)
            pieces.append(metric.finish(sums.reshape(len(weights), len(part), width)))
        return np.concatenate(pieces, axis=1)

    def by_candidate(self, rows: Reals) -> Reals:
        """(..., K) means over the seeds of each candidate of values (..., R)."""
        starts = np.flatnonzero(np.concatenate([[True], self.owner[1:] != self.owner[:-1]]))
        sums = np.add.reduceat(rows, starts, axis=-1)
        return np.asarray(sums / np.bincount(self.owner), np.float64)

    def bootstrap(self, draws: int, seed: int) -> Reals:
        """(draws, R) replicates over groups drawn with replacement."""
        return np.concatenate([self.weighted(block) for block in blocks(self.units, draws, seed)])
