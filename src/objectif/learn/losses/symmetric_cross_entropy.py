"""Symmetric cross-entropy: cross-entropy in both directions between answer and label.

    L(z, y) = -a log p_y + b A (1 - p_y),    A = -log(1e-4)

The second term is the cross-entropy of the label under the answer, where log 0 is taken as log 1e-4.
Source: Y. Wang, X. Ma, Z. Chen, Y. Luo, J. Yi, J. Bailey, 2019, "Symmetric Cross Entropy for Robust Learning with
Noisy Labels".
When it helps: wrong labels; the second term is bounded, and resists them, the first still learns hard classes.
By the argument in poly1.py it is convex only where b A <= a, which the usual settings are not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from objectif.learn.losses.base import Batch, Kind, log_likelihood, weighted_mean

LOG_OF_ZERO = -math.log(1e-4)


@dataclass(frozen=True)
class SymmetricCrossEntropy:
    """alpha times cross-entropy plus beta times reverse cross-entropy."""

    alpha: float = 0.1
    beta: float = 1.0

    name = "symmetric_cross_entropy"
    title = "Symmetric cross-entropy"
    kind: Kind = "single"
    balanced = False
    source = "Wang et al. 2019, Symmetric Cross Entropy for Robust Learning with Noisy Labels"

    @property
    def convex(self) -> bool:
        return self.beta * LOG_OF_ZERO <= self.alpha

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        log_p = log_likelihood(output, truth)
        values = -self.alpha * log_p - self.beta * LOG_OF_ZERO * torch.expm1(log_p)
        return weighted_mean(values, batch.weight)


LOSS = SymmetricCrossEntropy()
