"""Soft Dice loss: the overlap itself, each class as much as any other however few pixels it has.

    L(z, y) = mean over classes c of 1 - 2 TP_c / (2 TP_c + FP_c + FN_c)

with TP, FP, FN sums of softmax probabilities over the pixels of the batch, for classes that occur in its truth (pixels.py says
why).
Source: F. Milletari, N. Navab, S.-A. Ahmadi, 2016, "V-Net: Fully Convolutional Neural Networks for Volumetric Medical Image
Segmentation"; with plain sums instead of squares M. Drozdzal, E. Vorontsov, G. Chartrand, S. Kadoury, C. Pal, 2016, "The
Importance of Skip Connections in Biomedical Image Segmentation". Both take each image for itself.
When it helps: mIoU and Dice as the objective, and classes of few pixels. Its gradient fades where a class is lost
altogether, so that alone it may start slowly; its probabilities are nearly 0 and 1 and say little.
Not convex: it is bounded.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from objectif.learn.losses.base import Batch, Kind
from objectif.learn.losses.pixels import class_mean, confusion
from objectif.learn.losses.tversky import tversky


def dice(output: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Mean over the classes of the batch's truth of 1 - their soft Dice coefficient, a scalar in 0..1."""
    found = confusion(output, truth, weight)
    return class_mean(tversky(found, 0.5, 0.5), found.occurs)


@dataclass(frozen=True)
class Dice:
    """1 - the mean soft Dice coefficient."""

    name = "dice"
    title = "Dice"
    kind: Kind = "mask"
    convex = False
    balanced = False
    source = "Milletari et al. 2016, V-Net; Drozdzal et al. 2016, The Importance of Skip Connections"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        return dice(output, truth, batch.weight)


LOSS = Dice()
