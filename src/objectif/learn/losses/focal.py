"""Focal loss: cross-entropy that stops caring about what is already known.

    L(z, y) = -(1 - p_y)^g log p_y

Source: T.-Y. Lin, P. Goyal, R. Girshick, K. He, P. Dollar, 2017, "Focal Loss for Dense Object Detection";
for many classes J. Mukhoti et al., 2020, "Calibrating Deep Neural Networks using Focal Loss".
When it helps: many easy images that drown a few hard ones; over-confident networks.
Not convex: for two classes and g = 2 the curvature is negative where p_y < 0.08.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from objectif.learn.losses.base import Batch, Kind, log_likelihood, weighted_mean


@dataclass(frozen=True)
class Focal:
    """Cross-entropy times (1 - p_y)^gamma; gamma >= 1 keeps the gradient finite where p_y = 1."""

    gamma: float = 2.0

    name = "focal"
    title = "Focal"
    kind: Kind = "single"
    convex = False
    balanced = False
    source = "Lin et al. 2017, Focal Loss for Dense Object Detection"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        log_p = log_likelihood(output, truth)
        doubt = -torch.expm1(log_p)  # 1 - p without the cancellation at p near 1
        return weighted_mean(-doubt.pow(self.gamma) * log_p, batch.weight)


LOSS = Focal()
