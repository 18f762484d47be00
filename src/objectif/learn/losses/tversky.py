"""Tversky loss: overlap in which a missed pixel may cost more than a false one.

    L(z, y) = mean over classes c of 1 - TP_c / (TP_c + a FP_c + b FN_c)

with TP, FP, FN sums of softmax probabilities over the pixels of the batch, for classes that occur in its truth (pixels.py says
why). No smoothing constant: such a class has a denominator above 0.
Source: S. S. M. Salehi, D. Erdogmus, A. Gholipour, 2017, "Tversky loss function for image segmentation using 3D fully
convolutional deep networks", whose best were a = 0.3, b = 0.7. a = b = 1/2 is Dice, a = b = 1 is IoU.
When it helps: small objects that are missed rather than invented, and metrics that count recall.
Not convex: it is bounded.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from objectif.learn.losses.base import Batch, Kind
from objectif.learn.losses.pixels import Confusion, class_mean, confusion


def tversky(found: Confusion, alpha: float, beta: float) -> Tensor:
    """(C,) 1 - TP / (TP + alpha FP + beta FN) in 0..1; what it says of a class that does not occur is not to be used."""
    wrong = alpha * found.false_positive + beta * found.false_negative
    # 1 - the ratio, written so that nothing cancels where all is nearly right
    return wrong / torch.where(found.occurs, found.true_positive + wrong, 1)


@dataclass(frozen=True)
class Tversky:
    """alpha: price of a false pixel; beta: price of a missed one."""

    alpha: float = 0.3
    beta: float = 0.7

    name = "tversky"
    title = "Tversky"
    kind: Kind = "mask"
    convex = False
    balanced = False
    source = "Salehi et al. 2017, Tversky loss function for image segmentation"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        found = confusion(output, truth, batch.weight)
        return class_mean(tversky(found, self.alpha, self.beta), found.occurs)


LOSS = Tversky()
