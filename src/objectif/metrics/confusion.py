"""Metrics of the confusion table: balanced accuracy, macro F1, Cohen's kappa, quadratic kappa.

None of them needs the C x C table: each is a function of its diagonal and its margins (quadratic kappa of
five moments), that is of sums over images. With a hundred classes this is 300 numbers and not 10,000.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from objectif.metrics.base import Reals, Scores, SumMetric, Truth


def margins(truth: Truth, scores: Scores) -> Reals:
    """(N, 3C) features: hit, truth, answer, each one-hot over the classes (multi-label: 0/1 at one half)."""
    classes = scores.shape[1]
    if truth.ndim == 2:
        is_true, answered = (truth > 0).astype(np.float64), (scores >= 0.5).astype(np.float64)
    else:
        is_true, answered = np.eye(classes)[truth], np.eye(classes)[scores.argmax(axis=1)]
    return np.concatenate([is_true * answered, is_true, answered], axis=1)


def _split(sums: Reals) -> tuple[Reals, Reals, Reals]:
    classes = sums.shape[-1] // 3
    return sums[..., :classes], sums[..., classes : 2 * classes], sums[..., 2 * classes :]


def mean_where(values: Reals, present: NDArray[np.bool_]) -> Reals:
    """Mean over the last axis of the values whose class is present; 0 where none is."""
    kept = np.where(present, values, 0.0).sum(axis=-1)
    return np.asarray(kept / np.maximum(present.sum(axis=-1), 1), np.float64)


def _balanced(sums: Reals) -> Reals:
    hit, true, _ = _split(sums)
    return mean_where(hit / np.where(true > 0, true, 1.0), true > 0)


def _macro_f1(sums: Reals) -> Reals:
    hit, true, answered = _split(sums)
    both = true + answered  # F1 = 2 hit / (truth + answered); classes in neither do not count
    return mean_where(2.0 * hit / np.where(both > 0, both, 1.0), both > 0)


def _kappa(sums: Reals) -> Reals:
    hit, true, answered = _split(sums)
    n = true.sum(axis=-1)
    chance = (true * answered).sum(axis=-1) / (n * n)
    return _beyond(1.0 - hit.sum(axis=-1) / n, 1.0 - chance)


def _moments(truth: Truth, scores: Scores) -> Reals:
    true, answered = truth.astype(np.float64), scores.argmax(axis=1).astype(np.float64)
    ones = np.ones_like(true)
    return np.stack([(true - answered) ** 2, true, answered, true * true, answered * answered, ones], axis=1)


def _quadratic(sums: Reals) -> Reals:
    gap, true, answered, true2, answered2 = np.moveaxis(sums[..., :5] / sums[..., 5:], -1, 0)
    return _beyond(gap, true2 + answered2 - 2.0 * true * answered)


def _beyond(observed: Reals, expected: Reals) -> Reals:
    """1 - observed / expected disagreement; 0 where chance alone explains everything (0 / 0)."""
    safe = np.where(expected > 1e-12, expected, 1.0)
    return np.asarray(np.where(expected > 1e-12, 1.0 - observed / safe, 0.0), np.float64)


BALANCED_ACCURACY = SumMetric(
    "balanced_accuracy", "balanced accuracy", True, True, False, True, margins, _balanced
)
MACRO_F1 = SumMetric("macro_f1", "macro F1", True, True, True, True, margins, _macro_f1)
COHEN_KAPPA = SumMetric("cohen_kappa", "Cohen's kappa", True, True, False, False, margins, _kappa)
QUADRATIC_KAPPA = SumMetric(
    "quadratic_kappa", "quadratic kappa (classes in order)", True, True, False, False, _moments, _quadratic
)
