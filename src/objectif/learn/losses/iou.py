"""IoU loss: one minus the overlap of two boxes.

    L(b, t) = 1 - IoU(b, t)

Source: J. Yu, Y. Jiang, Z. Wang, Z. Cao, T. Huang, 2016, "UnitBox: An Advanced Object Detection Network" (as
-log IoU); the linear form of later detectors is taken.
When it helps: boxes that start near their object: it is what the metric measures, and knows nothing else.
Boxes that do not touch have no gradient.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from objectif.learn.losses.base import Batch, Kind, weighted_mean
from objectif.learn.losses.boxes import pairs


@dataclass(frozen=True)
class IoU:
    """Weighted mean over pairs of boxes, 0 where they are equal."""

    name = "iou"
    title = "IoU"
    kind: Kind = "box"
    convex = False
    balanced = False
    source = "Yu et al. 2016, UnitBox"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        both = pairs(output, truth.to(output))
        return weighted_mean(1 - both.iou, batch.weight)


LOSS = IoU()
