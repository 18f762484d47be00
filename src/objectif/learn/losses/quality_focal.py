"""Quality focal loss: the score is to be the quality of the box, and places count by how far they are from it.

    L(z, q) = |q - s|^b BCE(s, q),    s = sigmoid(z)

Source: X. Li, W. Wang, L. Wu, S. Chen, X. Hu, J. Li, J. Tang, J. Yang, 2020, "Generalized Focal Loss: Learning
Qualified and Distributed Bounding Boxes for Dense Object Detection".
When it helps: ranking by score decides (every average precision), because a well boxed object is asked to score higher.
Not convex: the factor flattens far from the target.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from objectif.learn.losses.base import Batch, Kind, dense_mean


@dataclass(frozen=True)
class QualityFocal:
    """beta: how quickly places near their target fade."""

    beta: float = 2.0

    name = "quality_focal"
    title = "Quality focal"
    kind: Kind = "dense"
    convex = False
    balanced = False
    source = "Li et al. 2020, Generalized Focal Loss"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        truth = truth.to(output)
        far = (truth - torch.sigmoid(output)).abs().pow(self.beta)
        values = far * functional.binary_cross_entropy_with_logits(output, truth, reduction="none")
        return dense_mean(values, truth, batch.weight)


LOSS = QualityFocal()
