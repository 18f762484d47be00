"""L1 of pictures and of their gradients: mean |x - y| + share * mean |difference of neighbours of x - that of y|.

Source: M. Mathieu, C. Couprie, Y. LeCun, 2016, "Deep multi-scale video prediction beyond mean square error" (their gradient difference
loss compares lengths of gradients; here their signs count too, which is convex and has no second minimum). When it helps:
blurred pictures, whose edges L1 alone pays little for.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from objectif.learn.losses.base import Batch, Kind
from objectif.learn.losses.pictures import image_mean


@dataclass(frozen=True)
class GradientL1:
    """share: of the gradients beside the pixels."""

    name = "gradient_l1"
    title = "L1 with gradients"
    kind: Kind = "picture"
    convex = True
    balanced = False
    source = "Mathieu, Couprie & LeCun 2016, Deep Multi-Scale Video Prediction Beyond Mean Square Error"
    share: float = 1.0

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        apart = output - truth.to(output)
        edges = sum(
            image_mean(apart.diff(dim=axis).abs(), batch.weight) for axis in (2, 3) if apart.shape[axis] > 1
        )
        return image_mean(apart.abs(), batch.weight) + self.share * edges


LOSS = GradientL1()
