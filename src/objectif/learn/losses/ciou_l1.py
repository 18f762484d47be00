"""Complete IoU loss with L1: sides are drawn to their places at a steady pace, also where boxes do not overlap.

    L(b, t) = CIoU(b, t) + l |b - t|_1 / (2 (w' + h'))

Source: Z. Zheng et al., 2020, "Distance-IoU Loss"; with L1 N. Carion, F. Massa, G. Synnaeve, N. Usunier, A. Kirillov,
S. Zagoruyko, 2020, "End-to-End Object Detection with Transformers". There L1 is of coordinates over the image's side;
here over the sides of the wanted box, so that small objects count as much as large ones and the size of the picture nothing.
When it helps: strict overlap (mAP50:95, mAP75), because its gradient does not fade near the optimum.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from objectif.learn.losses.base import Batch, Kind, weighted_mean
from objectif.learn.losses.ciou import ciou


@dataclass(frozen=True)
class CIoUL1:
    """l1: weight of the second part."""

    l1: float = 1.0

    name = "ciou_l1"
    title = "CIoU + L1"
    kind: Kind = "box"
    convex = False
    balanced = False
    source = "Zheng et al. 2020, Distance-IoU Loss; Carion et al. 2020, DETR"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        truth = truth.to(output)
        sides = (truth[:, 2:] - truth[:, :2]).clamp_min(0).sum(1).clamp_min(1.0)
        apart = (output - truth).abs().sum(1) / (2 * sides)
        return weighted_mean(ciou(output, truth) + self.l1 * apart, batch.weight)


LOSS = CIoUL1()
