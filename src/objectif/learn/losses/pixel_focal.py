"""Focal loss of pixels: cross-entropy that stops caring about pixels that are already known.

    L(z, y) = mean over pixels i of -(1 - p_i(y_i))^g log p_i(y_i),    p = softmax(z)

Source: T.-Y. Lin, P. Goyal, R. Girshick, K. He, P. Dollar, 2017, "Focal Loss for Dense Object Detection". There the sum is
divided by the number of objects; here by the number of pixels, which all have a class. Its weight for objects over background
is left out: the sources of imbalance are many classes here, and not one.
When it helps: large plain areas that drown borders and small objects. Its probabilities are too modest.
Mean over the known pixels of each image, then over images.
Not convex: for two classes and g = 2 the curvature is negative where p_y < 0.08.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from objectif.learn.losses.base import Batch, Kind
from objectif.learn.losses.pixels import image_mean, pixel_log_likelihood


@dataclass(frozen=True)
class PixelFocal:
    """Cross-entropy times (1 - p_y)^gamma; gamma >= 1 keeps the gradient finite where p_y = 1, and 0 is cross-entropy."""

    gamma: float = 2.0

    name = "pixel_focal"
    title = "Focal of pixels"
    kind: Kind = "mask"
    convex = False
    balanced = False
    source = "Lin et al. 2017, Focal Loss for Dense Object Detection"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        log_p = pixel_log_likelihood(output, truth)
        doubt = -torch.expm1(log_p)  # 1 - p without the cancellation at p near 1
        return image_mean(-doubt.pow(self.gamma) * log_p, truth, batch.weight)


LOSS = PixelFocal()
