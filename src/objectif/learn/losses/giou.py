"""Generalised IoU loss: the overlap, and how empty the smallest box around both is.

    L(b, t) = 1 - IoU(b, t) + (|A| - |b u t|) / |A|,    A the smallest box around both

Source: H. Rezatofighi, N. Tsoi, J. Gwak, A. Sadeghian, I. Reid, S. Savarese, 2019, "Generalized Intersection over
Union".
When it helps: boxes that do not touch yet are drawn together; the steadiest start.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from objectif.learn.losses.base import Batch, Kind, weighted_mean
from objectif.learn.losses.boxes import TINY, pairs


@dataclass(frozen=True)
class GIoU:
    """Weighted mean over pairs of boxes, 0 where they are equal."""

    name = "giou"
    title = "GIoU"
    kind: Kind = "box"
    convex = False
    balanced = False
    source = "Rezatofighi et al. 2019, Generalized Intersection over Union"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        both = pairs(output, truth.to(output))
        return weighted_mean(
            1 - both.iou + (both.around - both.union) / both.around.clamp_min(TINY), batch.weight
        )


LOSS = GIoU()
