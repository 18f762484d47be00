"""Poly-1: cross-entropy with another weight on the first term of its series in (1 - p_y).

    L(z, y) = -log p_y + e (1 - p_y)

Source: Z. Leng, M. Tan, C. Liu, E. D. Cubuk, J. Shi, S. Cheng, D. Anguelov, 2022, "PolyLoss: A Polynomial Expansion
Perspective of Classification Loss Functions".
When it helps: e > 0 pulls harder on images that are nearly right; a cheap variation on cross-entropy.

Convex exactly for -1 <= e <= 1. The Hessian along v is (1 + e p) Var(v) - e p (v_y - mean v)^2, both under the
probabilities. Given v_y - mean v = (1 - p) d the variance is least where all other classes move alike: p (1 - p) d^2.
So the sign is that of 1 + e p - e (1 - p) = 1 - e (1 - 2p), and p runs over (0, 1).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from objectif.learn.losses.base import Batch, Kind, log_likelihood, weighted_mean


@dataclass(frozen=True)
class Poly1:
    """Cross-entropy plus epsilon times the probability given away."""

    epsilon: float = 1.0

    name = "poly1"
    title = "Poly-1"
    kind: Kind = "single"
    balanced = False
    source = "Leng et al. 2022, PolyLoss: A Polynomial Expansion Perspective of Classification Loss Functions"

    @property
    def convex(self) -> bool:
        return -1 <= self.epsilon <= 1

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        log_p = log_likelihood(output, truth)
        return weighted_mean(-log_p - self.epsilon * torch.expm1(log_p), batch.weight)


LOSS = Poly1()
