"""Complete IoU loss: the overlap, the distance of the centres, and the difference of the aspect ratios.

    L(b, t) = 1 - IoU(b, t) + d^2 / c^2 + a v,    v = 4 / pi^2 (atan(w / h) - atan(w' / h'))^2,    a = v / (1 - IoU + v)

Source: Z. Zheng, P. Wang, W. Liu, J. Li, R. Ye, D. Ren, 2020, "Distance-IoU Loss: Faster and Better Learning for
Bounding Box Regression". There the factor a is a constant in the gradient; here the gradient is that of the value.
When it helps: classes with a shape of their own (standing people, cars from above).
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from objectif.learn.losses.base import Batch, Kind, weighted_mean
from objectif.learn.losses.boxes import TINY, aspect, pairs


@dataclass(frozen=True)
class CIoU:
    """Weighted mean over pairs of boxes, 0 where they are equal."""

    name = "ciou"
    title = "CIoU"
    kind: Kind = "box"
    convex = False
    balanced = False
    source = "Zheng et al. 2020, Distance-IoU Loss"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        return weighted_mean(ciou(output, truth.to(output)), batch.weight)


def ciou(output: Tensor, truth: Tensor) -> Tensor:
    """(B,) complete IoU losses of boxes (B,4) and (B,4)."""
    both = pairs(output, truth)
    shape = aspect(output, truth)
    share = shape / (1 - both.iou + shape).clamp_min(TINY)
    return 1 - both.iou + both.distance + share * shape


LOSS = CIoU()
