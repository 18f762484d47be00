"""Generalised cross-entropy: between cross-entropy (q -> 0) and the mean absolute error (q = 1).

    L(z, y) = (1 - p_y^q) / q

Source: Z. Zhang, M. R. Sabuncu, 2018, "Generalized Cross Entropy Loss for Training Deep Neural Networks with
Noisy Labels".
When it helps: wrong labels. The gradient is that of cross-entropy times p_y^q: images that the network finds
absurd hardly pull. Bounded by 1/q, hence not convex.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from objectif.learn.losses.base import Batch, Kind, log_likelihood, weighted_mean


@dataclass(frozen=True)
class GeneralisedCrossEntropy:
    """Box-Cox transform of the likelihood with exponent q in (0, 1]."""

    q: float = 0.7

    name = "generalised_cross_entropy"
    title = "Generalised cross-entropy"
    kind: Kind = "single"
    convex = False
    balanced = False
    source = "Zhang & Sabuncu 2018, Generalized Cross Entropy Loss with Noisy Labels"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        values = -torch.expm1(self.q * log_likelihood(output, truth)) / self.q
        return weighted_mean(values, batch.weight)


LOSS = GeneralisedCrossEntropy()
