"""Focal Tversky loss: Tversky with a steeper slope the nearer a class is to being right.

    L(z, y) = mean over classes c of T_c^(1/g),    T_c = 1 - TP_c / (TP_c + a FP_c + b FN_c)

Source: N. Abraham, N. M. Khan, 2019, "A Novel Focal Tversky Loss Function with Improved Attention U-Net for Lesion
Segmentation": g = 4/3 of 1..3, and 0.7 for missed pixels (called alpha there, beta here and in Tversky's own source).
When it helps: small objects; late in training, because for g > 1 the gradient grows instead of fading as T goes to 0. Where
"focal" is read as caring for hard classes, it is g < 1 that does so.
The slope of T^(1/g) has no bound at T = 0. Here (T + e)^(1/g) - e^(1/g) with e = 1e-4, which differs by less than 0.001.
Sums are over the batch, for classes that occur in its truth. Not convex: it is bounded.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from objectif.learn.losses.base import Batch, Kind
from objectif.learn.losses.pixels import class_mean, confusion
from objectif.learn.losses.tversky import tversky

FLOOR = 1e-4


@dataclass(frozen=True)
class FocalTversky:
    """gamma: how steep it ends, 1 is Tversky; alpha: price of a false pixel; beta: price of a missed one."""

    gamma: float = 4 / 3
    alpha: float = 0.3
    beta: float = 0.7

    name = "focal_tversky"
    title = "Focal Tversky"
    kind: Kind = "mask"
    convex = False
    balanced = False
    source = "Abraham and Khan 2019, A Novel Focal Tversky Loss Function"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        found = confusion(output, truth, batch.weight)
        lost, power = tversky(found, self.alpha, self.beta), 1 / self.gamma
        return class_mean((lost + FLOOR).pow(power) - FLOOR**power, found.occurs)


LOSS = FocalTversky()
