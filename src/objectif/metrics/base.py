"""What a metric is: a function of truth and scores that can be weighted, resampled and differentiated.

A race asks the same metric thousands of times on reweighted images (bootstrap). Calling a function of
arrays thousands of times is slow, so a metric says how it is made:

- SumMetric: a function of weighted sums of per-image features (accuracy, F1, kappa, log loss, cost ...).
  Every replicate is then one row of a matrix product.
- RankMetric (ranking.py): areas under curves, by one sort per column.
- DetectionMetric (detection.py): sweeps over the scores of boxes that were matched to objects once.
- MaskMetric (segmentation.py): ratios of sums like a SumMetric's, of masks that are measured once.
- FunctionMetric: anything else, as a plug-in may bring it; correct, and slow.

`influence` is the derivative with respect to each image's weight (the infinitesimal jackknife, Efron 1982):
the acceleration of BCa intervals and a linear stand-in for the bootstrap where the exact one would take
minutes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Truth = NDArray[Any]  # first axis the image; int64 classes, float64 boxes: what the task makes of it
Scores = NDArray[np.floating[Any]]
Reals = NDArray[np.float64]


def frequencies(truth: Truth, classes: int) -> Reals:
    """(N, C) the class frequencies of truth, the same for each image: the answer of one who sees none."""
    share = truth.mean(axis=0) if truth.ndim == 2 else np.bincount(truth, minlength=classes) / len(truth)
    return np.asarray(np.tile(share, (len(truth), 1)), np.float64)


@dataclass(frozen=True)
class Metric(ABC):
    """A metric of (truth, scores).

    task: whose truth and answers it is of. For 'classify':
    truth: (N,) class indices where single-label, (N, C) of 0 and 1 where multi-label.
    scores: (N, C) probabilities; rows sum to 1 unless multi-label.
    single, multilabel: which kinds of truth it fits (neither, for another task). fraction: it lies in 0..1, and 1 (0) means that all is
    right (wrong), so that Wilson's interval applies there. blind(truth, classes) -> scores (N, C): what does
    best under this metric without a look at the images; to be beaten. idle: what that is called. axes: of the answers to N images, of which a
    stack of several seeds has one more: 2 for scores (N, C), 3 for boxes (N, M, 6) and masks (N, H, W). per_image: a mean in which
    each image counts the same, whatever its class.
    """

    name: str
    title: str
    higher_is_better: bool
    single: bool
    multilabel: bool
    fraction: bool
    blind: Callable[[Truth, int], Scores] = field(default=frequencies, kw_only=True)
    idle: str = field(default="answering without a look at the images", kw_only=True)
    task: str = field(default="classify", kw_only=True)
    axes: int = field(default=2, kw_only=True)
    per_image: bool = field(default=False, kw_only=True)

    @property
    def sign(self) -> float:
        """+1 where higher is better, -1 where lower is: sign x value is what a race maximises."""
        return 1.0 if self.higher_is_better else -1.0

    def classes(self, truth: Truth, scores: Scores | None = None) -> int:
        """How many classes the answers are about; by truth alone, at least those that occur in it."""
        if scores is not None:
            return int(scores.shape[-1])
        return int(truth.shape[1] if truth.ndim == 2 else truth.max() + 1)

    def support(self, truth: Truth) -> float:
        """How many images a share over classes rests on: N for means, fewer where rare classes count as much.

        A mean over C classes of n_c images has the variance of C^2 / sum(1 / n_c) images.
        """
        if self.per_image:
            return float(len(truth))
        if truth.ndim == 2:
            per_class = np.minimum(truth.sum(axis=0), len(truth) - truth.sum(axis=0))
        else:
            per_class = np.bincount(truth)
        per_class = per_class[per_class > 0]
        return float(len(per_class) ** 2 / (1.0 / per_class).sum()) if len(per_class) else 1.0

    def prepared(self, truth: Truth, scores: Scores) -> Prepared:
        """The metric of fixed answers, to be asked under many weights."""
        return Prepared(self, truth, scores)

    @abstractmethod
    def value(self, truth: Truth, scores: Scores, weight: Reals | None = None) -> float:
        """The metric; weight (N,) >= 0, default 1 each."""

    @abstractmethod
    def replicates(self, truth: Truth, scores: Scores, counts: Reals) -> Reals:
        """(B,) values under each row of weights counts (B, N)."""

    @abstractmethod
    def influence(self, truth: Truth, scores: Scores) -> Reals:
        """(N,) derivative of the value with respect to each image's weight at weights of 1; sums to 0."""

    def parts(self, truth: Truth, scores: Scores) -> Reals:
        """(N,) contribution of each image, summing to the value, for comparing answers to the same images.

        Unlike the influence it is not centred within classes: a rare class would look less uncertain than it
        is. What moves with the truth alone is left out, being the same for all candidates.
        """
        influence = self.influence(truth, scores)
        return np.asarray(influence + self.value(truth, scores) / len(truth), np.float64)

    def expand(self, truth: Truth, scores: Scores) -> tuple[float, Reals, Reals]:
        """Value, influence (N,) and parts (N,) together, where that is quicker than one after the other."""
        value = self.value(truth, scores)
        return value, self.influence(truth, scores), self.parts(truth, scores)

    def check(self, truth: Truth, scores: Scores) -> None:
        """ValueError where truth and scores do not fit each other or this metric."""
        if self.task != "classify" and len(truth) == len(scores) > 0:
            return
        if scores.ndim != 2 or len(truth) != len(scores) or len(truth) == 0:
            raise ValueError(
                f"{self.name}: truth has shape {truth.shape} and scores {scores.shape}; "
                "expected N >= 1 images in both and scores of shape (N, C)"
            )
        many = truth.ndim == 2
        if not (self.multilabel if many else self.single):
            kind = "multi-label" if many else "single-label"
            raise ValueError(f"{self.name} is not defined for {kind} truth; choose another metric")
        if many and truth.shape != scores.shape:
            raise ValueError(f"{self.name}: truth {truth.shape} and scores {scores.shape} differ in shape")
        if not many and (truth.min() < 0 or truth.max() >= scores.shape[1]):
            raise ValueError(
                f"{self.name}: truth holds classes {truth.min()}..{truth.max()}; "
                f"expected 0..{scores.shape[1] - 1}, one column of scores each"
            )


@dataclass(frozen=True)
class Prepared:
    """A metric of fixed truth and scores: what is done once, before the same answers are weighted many times."""

    metric: Metric
    truth: Truth
    scores: Scores

    @property
    def work(self) -> float | None:
        """Multiply-adds of one replicate; None where it cannot say."""
        return None

    def replicates(self, counts: Reals) -> Reals:
        """(B,) values under each row of weights counts (B, N)."""
        return self.metric.replicates(self.truth, self.scores, counts)

    def expand(self) -> tuple[float, Reals, Reals]:
        """Value, influence (N,) and parts (N,), as Metric.expand."""
        return self.metric.expand(self.truth, self.scores)


@dataclass(frozen=True)
class SumMetric(Metric):
    """A metric that is a function of weighted sums of per-image features.

    features(truth, scores) -> (N, Q). finish(sums (..., Q)) -> (...), unchanged when all weights are scaled.
    gradient(sums (..., Q)) -> (..., Q): its derivative. free: the leading share of the Q features that
    depends on the answers; the others are of the truth alone, the same for all candidates.
    """

    features: Callable[[Truth, Scores], Reals]
    finish: Callable[[Reals], Reals]
    gradient: Callable[[Reals], Reals]
    free: float

    def value(self, truth: Truth, scores: Scores, weight: Reals | None = None) -> float:
        self.check(truth, scores)
        table = self.features(truth, scores)
        return float(self.finish(table.sum(axis=0) if weight is None else weight @ table))

    def replicates(self, truth: Truth, scores: Scores, counts: Reals) -> Reals:
        self.check(truth, scores)
        return self.finish(np.asarray(counts, np.float64) @ self.features(truth, scores))

    def influence(self, truth: Truth, scores: Scores) -> Reals:
        self.check(truth, scores)
        table = self.features(truth, scores)
        values = table @ self.gradient(table.sum(axis=0))
        return np.asarray(values - values.mean(), np.float64)  # exactly 0 in sum, whatever the rounding

    def parts(self, truth: Truth, scores: Scores) -> Reals:
        self.check(truth, scores)
        table = self.features(truth, scores)
        sums = table.sum(axis=0)
        free = self.answered(len(sums))
        found = table[:, :free] @ self.gradient(sums)[:free]
        return np.asarray(found + (float(self.finish(sums)) - found.sum()) / len(truth), np.float64)

    def answered(self, features: int) -> int:
        """How many of the features depend on the answers."""
        return round(self.free * features)


@dataclass(frozen=True)
class FunctionMetric(Metric):
    """A metric given as a function (truth, scores, weight (N,)) -> float, for plug-ins."""

    function: Callable[[Truth, Scores, Reals], float]

    def value(self, truth: Truth, scores: Scores, weight: Reals | None = None) -> float:
        self.check(truth, scores)
        return float(self.function(truth, scores, np.ones(len(truth)) if weight is None else weight))

    def replicates(self, truth: Truth, scores: Scores, counts: Reals) -> Reals:
        self.check(truth, scores)
        rows = np.asarray(counts, np.float64)
        return np.array([float(self.function(truth, scores, row)) for row in rows], np.float64)

    def influence(self, truth: Truth, scores: Scores) -> Reals:
        self.check(truth, scores)
        whole = self.value(truth, scores)
        change = np.empty(len(truth))
        weight = np.ones(len(truth))
        for i in range(len(truth)):  # delete-one jackknife: a plug-in's function has no derivative
            weight[i] = 0.0
            change[i] = whole - float(self.function(truth, scores, weight))
            weight[i] = 1.0
        return np.asarray(change - change.mean(), np.float64)
