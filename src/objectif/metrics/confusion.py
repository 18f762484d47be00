"""Metrics of the confusion table: balanced accuracy, macro F1, Cohen's kappa, quadratic kappa.

None of them needs the C x C table: each is a function of its diagonal and its margins (quadratic kappa of
moments), that is of sums over images. With a hundred classes this is 300 numbers and not 10,000.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from objectif.metrics.base import Reals, Scores, SumMetric, Truth

_NONE = 1e-12  # expected disagreement below which kappa is 0 / 0


def margins(truth: Truth, scores: Scores) -> Reals:
    """(N, 3C) features: hit, answer, truth, each one-hot over the classes (multi-label: 0/1 at one half)."""
    classes = scores.shape[1]
    if truth.ndim == 2:
        is_true, answered = (truth > 0).astype(np.float64), (scores >= 0.5).astype(np.float64)
    else:
        is_true, answered = np.eye(classes)[truth], np.eye(classes)[scores.argmax(axis=1)]
    return np.concatenate([is_true * answered, answered, is_true], axis=1)


def _split(sums: Reals) -> tuple[Reals, Reals, Reals]:
    classes = sums.shape[-1] // 3
    return sums[..., :classes], sums[..., classes : 2 * classes], sums[..., 2 * classes :]


def _mean_where(values: Reals, present: NDArray[np.bool_]) -> Reals:
    """Mean over the last axis of the values whose class is present; 0 where none is."""
    kept = np.where(present, values, 0.0).sum(axis=-1)
    return np.asarray(kept / np.maximum(present.sum(axis=-1), 1), np.float64)


def _balanced(sums: Reals) -> Reals:
    hit, _, true = _split(sums)
    return _mean_where(hit / np.where(true > 0, true, 1.0), true > 0)


def _balanced_gradient(sums: Reals) -> Reals:
    hit, answered, true = _split(sums)
    safe = np.where(true > 0, true, 1.0)
    scale = (true > 0) / np.maximum((true > 0).sum(axis=-1, keepdims=True), 1)
    return np.concatenate([scale / safe, np.zeros_like(answered), -scale * hit / safe**2], axis=-1)


def _macro_f1(sums: Reals) -> Reals:
    hit, answered, true = _split(sums)
    both = true + answered  # F1 = 2 hit / (truth + answered); classes in neither do not count
    return _mean_where(2.0 * hit / np.where(both > 0, both, 1.0), both > 0)


def _macro_f1_gradient(sums: Reals) -> Reals:
    hit, answered, true = _split(sums)
    both = true + answered
    safe = np.where(both > 0, both, 1.0)
    scale = 2.0 * (both > 0) / np.maximum((both > 0).sum(axis=-1, keepdims=True), 1)
    margin = -scale * hit / safe**2
    return np.concatenate([scale / safe, margin, margin], axis=-1)


def _beyond(observed: Reals, expected: Reals) -> Reals:
    """1 - observed / expected disagreement; 0 where chance alone explains everything (0 / 0)."""
    safe = np.where(expected > _NONE, expected, 1.0)
    return np.asarray(np.where(expected > _NONE, 1.0 - observed / safe, 0.0), np.float64)


def _beyond_slopes(observed: Reals, expected: Reals) -> tuple[Reals, Reals]:
    """Derivatives of `_beyond` by both, with an axis more to spread over features."""
    safe, there = np.where(expected > _NONE, expected, 1.0), expected > _NONE
    return (-(there / safe))[..., None], (there * observed / safe**2)[..., None]


def guesses(truth: Truth, classes: int) -> Reals:
    """(N, C) the blind answer that does best under macro F1; the majority class alone would be easy to beat.

    Single-label: classes drawn as often as they occur (F1 = 2pq / (p + q) summed over classes is largest at
    q = p). Multi-label: yes to everything (2p / (1 + p)).
    """
    if truth.ndim == 2:
        return np.ones(truth.shape)
    return np.asarray(np.eye(classes)[np.random.default_rng(0).permutation(truth)], np.float64)


def _kappa_parts(sums: Reals) -> tuple[Reals, Reals, Reals]:
    """Images, observed and expected disagreement, from sums (..., 3C)."""
    hit, answered, true = _split(sums)
    n = true.sum(axis=-1)
    return n, 1.0 - hit.sum(axis=-1) / n, 1.0 - (true * answered).sum(axis=-1) / (n * n)


def _kappa(sums: Reals) -> Reals:
    _, observed, expected = _kappa_parts(sums)
    return _beyond(observed, expected)


def _kappa_gradient(sums: Reals) -> Reals:
    _, answered, true = _split(sums)
    n, observed, expected = (part[..., None] for part in _kappa_parts(sums))
    by_observed, by_expected = _beyond_slopes(observed[..., 0], expected[..., 0])
    hit = np.broadcast_to(-by_observed / n, true.shape)
    # n is the sum over the truth: each of its features moves both disagreements through n as well
    through_n = by_observed * (1.0 - observed) / n + 2.0 * by_expected * (1.0 - expected) / n
    return np.concatenate(
        [hit, -by_expected * true / n**2, through_n - by_expected * answered / n**2], axis=-1
    )


def _moments(truth: Truth, scores: Scores) -> Reals:
    """(N, 6) features: squared gap, answer, answer^2, truth, truth^2, one."""
    true, answered = truth.astype(np.float64), scores.argmax(axis=1).astype(np.float64)
    columns = [(true - answered) ** 2, answered, answered * answered, true, true * true, np.ones_like(true)]
    return np.stack(columns, axis=1)


def _quadratic(sums: Reals) -> Reals:
    gap, answered, answered2, true, true2 = np.moveaxis(sums[..., :5] / sums[..., 5:], -1, 0)
    return _beyond(gap, true2 + answered2 - 2.0 * true * answered)


def _quadratic_gradient(sums: Reals) -> Reals:
    n = sums[..., 5:]
    means = sums[..., :5] / n
    gap, answered, answered2, true, true2 = np.moveaxis(means, -1, 0)
    by_gap, by_expected = _beyond_slopes(gap, true2 + answered2 - 2.0 * true * answered)
    ones = np.ones_like(gap)
    expected = np.stack([0.0 * ones, -2.0 * true, ones, -2.0 * answered, ones], axis=-1)
    by_means = by_expected * expected + by_gap * np.array([1.0, 0.0, 0.0, 0.0, 0.0])
    return np.concatenate([by_means / n, -(by_means * means).sum(axis=-1, keepdims=True) / n], axis=-1)


BALANCED_ACCURACY = SumMetric(
    "balanced_accuracy",
    "balanced accuracy",
    True,
    True,
    False,
    True,
    margins,
    _balanced,
    _balanced_gradient,
    2 / 3,
)
MACRO_F1 = SumMetric(
    "macro_f1",
    "macro F1",
    True,
    True,
    True,
    True,
    margins,
    _macro_f1,
    _macro_f1_gradient,
    2 / 3,
    blind=guesses,
)
COHEN_KAPPA = SumMetric(
    "cohen_kappa", "Cohen's kappa", True, True, False, False, margins, _kappa, _kappa_gradient, 2 / 3
)
QUADRATIC_KAPPA = SumMetric(
    "quadratic_kappa",
    "quadratic kappa (classes in order)",
    True,
    True,
    False,
    False,
    _moments,
    _quadratic,
    _quadratic_gradient,
    1 / 2,
)
