"""Focal loss for several labels: each yes-or-no question fades once it is answered.

    L(z, y) = -sum_k (1 - p_k)^g log p_k,    p_k = sigmoid(z_k) where y_k = 1, else 1 - sigmoid(z_k)

Source: T.-Y. Lin, P. Goyal, R. Girshick, K. He, P. Dollar, 2017, "Focal Loss for Dense Object Detection".
When it helps: most classes are absent from most images, and those easy absences would drown the rest.
Not convex, as in focal.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from objectif.learn.losses.base import Batch, Kind, weighted_mean


@dataclass(frozen=True)
class MultilabelFocal:
    """Focal binary cross-entropy summed over the classes."""

    gamma: float = 2.0

    name = "multilabel_focal"
    title = "Focal, multi-label"
    kind: Kind = "multi"
    convex = False
    balanced = False
    source = "Lin et al. 2017, Focal Loss for Dense Object Detection"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        signed = output * (2 * truth.to(output) - 1)  # logit of the right answer to each question
        log_p = functional.logsigmoid(signed)
        values = -torch.sigmoid(-signed).pow(self.gamma) * log_p
        return weighted_mean(values.sum(dim=1), batch.weight)


LOSS = MultilabelFocal()
