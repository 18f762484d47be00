"""Varifocal loss: good objects count by their quality, empty places by how much they are taken for objects.

    L(z, q) = q BCE(s, q)  where q > 0,    a s^g (-log(1 - s))  where q = 0,    s = sigmoid(z)

Source: H. Zhang, Y. Wang, F. Dayoub, N. Suenderhauf, 2021, "VarifocalNet: An IoU-aware Dense Object Detector".
When it helps: objects are few and precious: what is hard to box well does not pull, and background fades.
Not convex: where s is near 1 at a place that is empty, the curvature is negative.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from objectif.learn.losses.base import Batch, Kind, dense_mean


@dataclass(frozen=True)
class Varifocal:
    """gamma: how quickly known background fades; alpha: its weight."""

    gamma: float = 2.0
    alpha: float = 0.75

    name = "varifocal"
    title = "Varifocal"
    kind: Kind = "dense"
    convex = False
    balanced = False
    source = "Zhang et al. 2021, VarifocalNet: An IoU-aware Dense Object Detector"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        truth = truth.to(output)
        weight = torch.where(truth > 0, truth, self.alpha * torch.sigmoid(output).pow(self.gamma))
        values = weight * functional.binary_cross_entropy_with_logits(output, truth, reduction="none")
        return dense_mean(values, truth, batch.weight)


LOSS = Varifocal()
