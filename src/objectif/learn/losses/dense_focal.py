"""Dense focal loss: an object is there or not, and places already known count little.

    L(z, q) = -a (1 - s)^g log s  where q > 0,    -(1 - a) s^g log(1 - s)  where q = 0,    s = sigmoid(z)

Source: T.-Y. Lin, P. Goyal, R. Girshick, K. He, P. Dollar, 2017, "Focal Loss for Dense Object Detection".
When it helps: few objects in much background; scores that say whether something is there and not how well it is boxed.
Positives are divided by their number in the source; here by the mass of the wanted quality, as for all dense losses.
Not convex: where s is near 1 at a place that is empty, the curvature is negative.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from objectif.learn.losses.base import Batch, Kind, dense_mean


@dataclass(frozen=True)
class DenseFocal:
    """gamma: how quickly known places fade; alpha: share of the weight that objects get."""

    gamma: float = 2.0
    alpha: float = 0.25

    name = "dense_focal"
    title = "Dense focal"
    kind: Kind = "dense"
    convex = False
    balanced = False
    source = "Lin et al. 2017, Focal Loss for Dense Object Detection"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        score = torch.sigmoid(output)
        there = (1 - score).pow(self.gamma) * functional.softplus(-output)
        empty = score.pow(self.gamma) * functional.softplus(output)
        values = torch.where(truth > 0, self.alpha * there, (1 - self.alpha) * empty)
        return dense_mean(values, truth, batch.weight)


LOSS = DenseFocal()
