"""Dice and cross-entropy: one for the overlap of each class, one for gradients that do not fade.

    L(z, y) = Dice(z, y) + l CE(z, y)

Source: F. Isensee, P. F. Jaeger, S. A. A. Kohl, J. Petersen, K. H. Maier-Hein, 2021, "nnU-Net: a self-configuring method for
deep learning-based biomedical image segmentation", with l = 1.
When it helps: nearly always; the usual one. Cross-entropy learns quickly from the first step and keeps probabilities useful,
Dice makes classes of few pixels count.
Dice is of sums over the batch, cross-entropy a mean for each image, as in their own files.
Not convex: Dice bends down faster than cross-entropy bends up where a class is nearly lost.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from objectif.learn.losses.base import Batch, Kind
from objectif.learn.losses.dice import dice
from objectif.learn.losses.pixels import image_mean, pixel_log_likelihood


@dataclass(frozen=True)
class DiceCE:
    """cross_entropy: weight of the second part."""

    cross_entropy: float = 1.0

    name = "dice_ce"
    title = "Dice + cross-entropy"
    kind: Kind = "mask"
    convex = False
    balanced = False
    source = "Isensee et al. 2021, nnU-Net"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        surprise = image_mean(-pixel_log_likelihood(output, truth), truth, batch.weight)
        return dice(output, truth, batch.weight) + self.cross_entropy * surprise


LOSS = DiceCE()
