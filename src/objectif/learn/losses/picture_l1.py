"""L1 of pictures: mean of |x - y|.

Source: P.-S. Laplace, 1774; for networks H. Zhao, O. Gallo, I. Frosio, J. Kautz, 2017, "Loss Functions for Image Restoration with
Neural Networks". When it helps: the median of what could be instead of the mean keeps edges sharper, and a few impossible
pixels (saturated, misaligned pairs) weigh less. Trainings under it often end at a better L2 too.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from objectif.learn.losses.base import Batch, Kind
from objectif.learn.losses.pictures import image_mean


@dataclass(frozen=True)
class PictureL1:
    """Mean absolute difference."""

    name = "picture_l1"
    title = "L1"
    kind: Kind = "picture"
    convex = True
    balanced = False
    source = "Laplace 1774; Zhao et al. 2017, Loss Functions for Image Restoration with Neural Networks"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        return image_mean((output - truth.to(output)).abs(), batch.weight)


LOSS = PictureL1()
