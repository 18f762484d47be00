"""Cross-entropy: the surprise of the true class.

    L(z, y) = -log p_y,    p = softmax(z)

Source: I. J. Good, 1952, "Rational Decisions" (the logarithmic score); D. R. Cox, 1958, "The Regression
Analysis of Binary Sequences" (logistic regression).
When it helps: the one to beat. Proper (its optimum is the true probability), convex, and with clean labels and
balanced classes rarely beaten by much.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from objectif.learn.losses.base import Batch, Kind, log_likelihood, weighted_mean


@dataclass(frozen=True)
class CrossEntropy:
    """-log p_y."""

    name = "cross_entropy"
    title = "Cross-entropy"
    kind: Kind = "single"
    convex = True
    balanced = False
    source = "Good 1952, Rational Decisions"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        return weighted_mean(-log_likelihood(output, truth), batch.weight)


LOSS = CrossEntropy()
