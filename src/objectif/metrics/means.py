"""Metrics that are means of per-image values: accuracy, Brier score, log loss, cost, Hamming accuracy."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from objectif.metrics.base import Reals, Scores, SumMetric, Truth


def ratio(sums: Reals) -> Reals:
    """Weighted mean from sums (..., 2) of value and of weight."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sums[..., 0] / sums[..., 1], np.float64)


def ratio_gradient(sums: Reals) -> Reals:
    """Derivative of `ratio` by both sums, (..., 2)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.stack([1.0 / sums[..., 1], -sums[..., 0] / sums[..., 1] ** 2], axis=-1)


def mean_of(values: Callable[[Truth, Scores], Reals]) -> Callable[[Truth, Scores], Reals]:
    """Features (N, 2) for `ratio`: the per-image value beside a column of ones."""

    def features(truth: Truth, scores: Scores) -> Reals:
        column = values(truth, scores)
        return np.stack([column, np.ones_like(column)], axis=1)

    return features


def right(truth: Truth, scores: Scores) -> Reals:
    """(N,) 1 where the highest score is at the true class, else 0; of equal scores the first is taken."""
    return np.asarray(scores.argmax(axis=1) == truth, np.float64)


def squared(truth: Truth, scores: Scores) -> Reals:
    """(N,) sum over classes of (score - truth)^2, in 0..2 (Brier 1950)."""
    gap = scores.astype(np.float64)
    gap[np.arange(len(truth)), truth] -= 1.0
    return np.asarray((gap * gap).sum(axis=1), np.float64)


def surprise(truth: Truth, scores: Scores) -> Reals:
    """(N,) minus the log of the true class's score, in nats; clipped at the scores' machine epsilon."""
    smallest = float(np.finfo(scores.dtype).eps)
    chosen = scores[np.arange(len(truth)), truth].astype(np.float64)
    total = scores.sum(axis=1, dtype=np.float64)
    return np.asarray(-np.log(np.clip(chosen / total, smallest, 1.0)), np.float64)


def hamming(truth: Truth, scores: Scores) -> Reals:
    """(N,) share of the C yes-or-no answers that are right, answering yes at scores of one half and more."""
    return np.asarray(((scores >= 0.5) == (truth > 0)).mean(axis=1), np.float64)


def charged(matrix: Reals) -> Callable[[Truth, Scores], Reals]:
    """Per-image cost under matrix (C, C), row truth, column answer; the answer of least expected cost."""

    def values(truth: Truth, scores: Scores) -> Reals:
        answers = (scores.astype(np.float64) @ matrix).argmin(axis=1)
        return np.asarray(matrix[truth, answers], np.float64)

    return values


def cost(matrix: Sequence[Sequence[float]] | Reals, classes: Sequence[str] | None = None) -> SumMetric:
    """Mean cost per image under a cost matrix, row truth, column answer.

    ValueError where the matrix is not square, does not fit the classes, has a negative or not finite entry,
    or charges nothing for any answer.
    """
    try:
        table = np.array(matrix, np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"cost matrix {matrix!r} is not a table of numbers ({error}); give C rows of C"
        ) from error
    if table.ndim != 2 or table.shape[0] != table.shape[1] or len(table) < 2:
        raise ValueError(
            f"cost matrix has shape {table.shape}; expected C rows (truth) of C columns (answer)"
        )
    if classes is not None and len(classes) != len(table):
        raise ValueError(
            f"cost matrix is {len(table)} x {len(table)}, but there are {len(classes)} classes "
            f"({', '.join(classes)}); give one row and one column for each, in this order"
        )
    if not np.isfinite(table).all() or (table < 0).any():
        raise ValueError(
            f"cost matrix {table.tolist()} has a negative or not finite cost; costs are 0 or more"
        )
    if not table.any():
        raise ValueError("cost matrix is all zeros: every answer is as good as any other; charge the errors")
    return _mean("cost", "mean cost", charged(table))


def _mean(
    name: str,
    title: str,
    values: Callable[[Truth, Scores], Reals],
    *,
    share: bool = False,
    multilabel: bool = False,
) -> SumMetric:
    """A mean over images: a share of right answers (higher is better) or a loss."""
    return SumMetric(
        name,
        title,
        share,
        not multilabel,
        multilabel,
        share,
        mean_of(values),
        ratio,
        ratio_gradient,
        1 / 2,
        per_image=share,
    )


ACCURACY = _mean("accuracy", "accuracy", right, share=True)
BRIER = _mean("brier", "Brier score", squared)
LOG_LOSS = _mean("log_loss", "log loss (nats)", surprise)
HAMMING = _mean("hamming_accuracy", "Hamming accuracy", hamming, share=True, multilabel=True)
