"""Areas under curves: AUROC and average precision, macro over classes, one class against the rest.

One sort per column serves all bootstrap replicates: weights are permuted once and the areas are cumulative
sums along the images. Ties count half (AUROC) or together (average precision), as in scikit-learn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from objectif.metrics.base import Metric, Reals, Scores, Truth

_BLOCK = 4_000_000  # weights held at once, so that memory does not grow with the draws

Area = Callable[[Reals, Reals, Reals], Reals]  # (positive (N,), score (N,), weights (B, N)) -> (B,)
Slope = Callable[[Reals, Reals], Reals]  # (positive (N,), score (N,)) -> influence (N,)


@dataclass(frozen=True)
class RankMetric(Metric):
    """Mean over columns of an area; columns where it is undefined are left out."""

    area: Area
    slope: Slope
    of_positives: bool  # a mean over the positives, and not over pairs of both kinds
    binary_column: bool  # of two classes only the second column is ranked: the first is its mirror image

    def columns(self, truth: Truth, scores: Scores) -> Iterator[tuple[Reals, Reals]]:
        """(positive (N,), score (N,)) of each class that is ranked."""
        first = 1 if self.binary_column and truth.ndim == 1 and scores.shape[1] == 2 else 0
        for c in range(first, scores.shape[1]):
            positive = truth[:, c] > 0 if truth.ndim == 2 else truth == c
            yield positive.astype(np.float64), scores[:, c].astype(np.float64)

    def value(self, truth: Truth, scores: Scores, weight: Reals | None = None) -> float:
        row = np.ones(len(truth)) if weight is None else np.asarray(weight, np.float64)
        return float(self.replicates(truth, scores, row[None])[0])

    def replicates(self, truth: Truth, scores: Scores, counts: Reals) -> Reals:
        self.check(truth, scores)
        pieces = []
        size = max(1, _BLOCK // len(truth))
        for start in range(0, len(counts), size):
            block = np.asarray(counts[start : start + size], np.float64)
            areas = np.stack([self.area(y, s, block) for y, s in self.columns(truth, scores)])
            defined = np.isfinite(areas)
            total = np.where(defined, areas, 0.0).sum(axis=0)
            with np.errstate(invalid="ignore"):
                pieces.append(total / defined.sum(axis=0))
        return np.concatenate(pieces)

    def influence(self, truth: Truth, scores: Scores) -> Reals:
        return self.expand(truth, scores)[1]

    def parts(self, truth: Truth, scores: Scores) -> Reals:
        return self.expand(truth, scores)[2]

    def expand(self, truth: Truth, scores: Scores) -> tuple[float, Reals, Reals]:
        self.check(truth, scores)
        n, areas = len(truth), []
        influence, parts, one = np.zeros(n), np.zeros(n), np.ones((1, n))
        for y, s in self.columns(truth, scores):
            area = float(self.area(y, s, one)[0])
            if np.isfinite(area):
                areas.append(area)
                slope = self.slope(y, s)
                influence += slope
                # the value belongs to the positives, or to the negatives where these are the rarer ones
                home = y if self.of_positives or 2 * y.sum() <= n else 1.0 - y
                parts += slope + home * area / home.sum()
        if not areas:
            return float("nan"), influence, parts
        return float(np.mean(areas)), influence / len(areas), parts / len(areas)


def _ties(ordered: Reals) -> NDArray[np.intp]:
    """Where each run of equal values starts."""
    return np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))


def _runs(weights: Reals, starts: NDArray[np.intp]) -> Reals:
    return weights if len(starts) == weights.shape[1] else np.add.reduceat(weights, starts, axis=1)


def auroc_area(positive: Reals, score: Reals, weights: Reals) -> Reals:
    """(B,) weighted Mann-Whitney share of (positive, negative) pairs in the right order, ties one half."""
    order = np.argsort(score, kind="stable")
    starts = _ties(score[order])
    ordered = weights[:, order]
    plus = _runs(ordered * positive[order], starts)
    minus = _runs(ordered, starts) - plus
    below = np.cumsum(minus, axis=1)
    total_plus, total_minus = plus.sum(axis=1), below[:, -1].copy()
    below -= 0.5 * minus
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.einsum("bn,bn->b", plus, below) / (total_plus * total_minus), np.float64)


def placements(positive: Reals, score: Reals) -> Reals:
    """(N,) structural components (DeLong 1988): the share of the other kind that each image beats rightly."""
    plus, minus = np.sort(score[positive > 0]), np.sort(score[positive <= 0])
    with np.errstate(invalid="ignore", divide="ignore"):
        below = (np.searchsorted(minus, score, "left") + np.searchsorted(minus, score, "right")) / 2.0
        above = (
            len(plus) - (np.searchsorted(plus, score, "left") + np.searchsorted(plus, score, "right")) / 2.0
        )
        return np.where(positive > 0, below / np.float64(len(minus)), above / np.float64(len(plus)))


def auroc_slope(positive: Reals, score: Reals) -> Reals:
    """(N,) influence on the area, where both kinds are there."""
    parts = placements(positive, score)
    is_plus = positive > 0
    plus, minus = int(is_plus.sum()), int((~is_plus).sum())
    area = parts[is_plus].mean()
    return np.asarray((parts - area) / np.where(is_plus, plus, minus), np.float64)


def precision_area(positive: Reals, score: Reals, weights: Reals) -> Reals:
    """(B,) average precision: sum over thresholds of the step in recall times the precision there."""
    order = np.argsort(-score, kind="stable")
    starts = _ties(score[order])
    ordered = weights[:, order]
    plus = _runs(ordered * positive[order], starts)
    hits = np.cumsum(plus, axis=1)
    answered = np.cumsum(_runs(ordered, starts), axis=1)
    precision = hits / np.maximum(answered, 1e-300)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.einsum("bn,bn->b", plus, precision) / hits[:, -1], np.float64)


def precision_slope(positive: Reals, score: Reals) -> Reals:
    """(N,) influence on average precision: through recall (positives) and through precision further down."""
    order = np.argsort(-score, kind="stable")
    starts = _ties(score[order])
    run = np.repeat(np.arange(len(starts)), np.diff([*starts, len(score)]))
    plus = np.add.reduceat(positive[order], starts)
    hits, answered = np.cumsum(plus), np.cumsum(np.diff([*starts, len(score)])).astype(np.float64)
    precision, total = hits / answered, hits[-1]
    # an image counts in the precision at every threshold at or below its own score
    gain = np.cumsum((plus / answered)[::-1])[::-1] / total
    loss = np.cumsum((plus * precision / answered)[::-1])[::-1] / total
    area = float((plus * precision).sum() / total)
    y = positive[order]
    slope = np.empty(len(score))
    slope[order] = y * (precision[run] - area) / total + y * gain[run] - loss[run]
    return slope


AUROC = RankMetric("auroc", "AUROC", True, True, True, True, auroc_area, auroc_slope, False, True)
AVERAGE_PRECISION = RankMetric(
    "average_precision",
    "average precision",
    True,
    True,
    True,
    True,
    precision_area,
    precision_slope,
    True,
    False,
)
