"""Distance IoU loss: the overlap, and how far the centres are apart.

    L(b, t) = 1 - IoU(b, t) + d^2 / c^2,    d between the centres, c the diagonal of the box around both

Source: Z. Zheng, P. Wang, W. Liu, J. Li, R. Ye, D. Ren, 2020, "Distance-IoU Loss: Faster and Better Learning for
Bounding Box Regression".
When it helps: small objects, whose boxes often do not touch: centres are drawn together directly.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from objectif.learn.losses.base import Batch, Kind, weighted_mean
from objectif.learn.losses.boxes import pairs


@dataclass(frozen=True)
class DIoU:
    """Weighted mean over pairs of boxes, 0 where they are equal."""

    name = "diou"
    title = "DIoU"
    kind: Kind = "box"
    convex = False
    balanced = False
    source = "Zheng et al. 2020, Distance-IoU Loss"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        both = pairs(output, truth.to(output))
        return weighted_mean(1 - both.iou + both.distance, batch.weight)


LOSS = DIoU()
