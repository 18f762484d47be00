"""LDAM: cross-entropy that asks rare classes to win by a wider margin, and weighs them up near the end.

    L(z, y) = -a_y log softmax(z - m_y [k = y])_y,    m_c = M (n_min / n_c)^(1/4)

a = 1 until the share `deferred` of the training is done, then the weights of class_balanced.py ("deferred
re-weighting"); a problem that is solved rather than stepped through has them from the start.
Source: K. Cao, C. Wei, A. Gaidon, N. Arechiga, T. Ma, 2019, "Learning Imbalanced Datasets with Label-Distribution-
Aware Margin Loss". There z is 30 times a cosine and M is 0.5 cosines, 15 in logits; here z is any logit and M is
in logits. Measured on seedlings made long-tailed 1:20, best over the strengths of the penalty: M = 0.5 gives .508,
4 gives .524, 8 gives .529, cross-entropy .480.
When it helps: long-tailed training data, judged with equal weight for each class. Convex: a shift of the logits.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from objectif.learn.losses.base import Batch, Kind, log_likelihood, present, weighted_mean
from objectif.learn.losses.class_balanced import class_weights


@dataclass(frozen=True)
class Ldam:
    """Label-distribution-aware margins; the rarest class gets `margin` logits."""

    margin: float = 4.0
    beta: float = 0.999
    deferred: float = 0.8

    name = "ldam"
    title = "LDAM"
    kind: Kind = "single"
    convex = True
    balanced = True
    source = "Cao et al. 2019, Learning Imbalanced Datasets with Label-Distribution-Aware Margin Loss"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        counts = present(batch.class_counts, output)
        margins = self.margin * (counts.min() / counts).pow(0.25)
        asked = torch.zeros_like(output).scatter(1, truth[:, None], margins[truth][:, None])
        values = -log_likelihood(output - asked, truth)
        if batch.progress >= self.deferred:
            values = values * class_weights(batch.class_counts, self.beta, output)[truth]
        return weighted_mean(values, batch.weight)


LOSS = Ldam()
