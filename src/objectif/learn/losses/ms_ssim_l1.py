"""MS-SSIM + L1: share * (1 - product over scales of structure^weight) + (1 - share) * mean |x - y|.

Source: H. Zhao, O. Gallo, I. Frosio, J. Kautz, 2017, "Loss Functions for Image Restoration with Neural Networks", share 0.84; the scales
and their weights from Z. Wang, E. P. Simoncelli, A. C. Bovik, 2003, "Multiscale structural similarity for image quality assessment",
as many of the five as fit into the picture, weights then summing to 1. L1 is a plain mean here, theirs is weighted by the
window. When it helps: pictures for people, sharp without drifting lightness. Not convex.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from objectif.learn.losses.base import Batch, Kind
from objectif.learn.losses.pictures import WINDOW, image_mean, likeness

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def multiscale(x: Tensor, y: Tensor) -> Tensor:
    """(N, C) MS-SSIM, of as many scales as have room for a window."""
    scales = max(1, sum(min(x.shape[2:]) >> k >= WINDOW for k in range(len(WEIGHTS))))
    weights = [w / sum(WEIGHTS[:scales]) for w in WEIGHTS[:scales]]
    found = torch.ones(x.shape[:2], dtype=x.dtype, device=x.device)
    for k, weight in enumerate(weights):
        whole, structure = likeness(x, y)
        found = found * (whole if k == scales - 1 else structure).clamp_min(1e-4) ** weight
        if k < scales - 1:
            x, y = functional.avg_pool2d(x, 2), functional.avg_pool2d(y, 2)
    return found


@dataclass(frozen=True)
class MsSsimL1:
    """share: of MS-SSIM."""

    name = "ms_ssim_l1"
    title = "MS-SSIM + L1"
    kind: Kind = "picture"
    convex = False
    balanced = False
    source = "Zhao et al. 2017, Loss Functions for Image Restoration with Neural Networks; Wang et al. 2003, MS-SSIM"
    share: float = 0.84

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        truth = truth.to(output)
        similar = multiscale(output, truth)
        apart = (output - truth).abs().mean((2, 3))
        return image_mean(self.share * (1 - similar) + (1 - self.share) * apart, batch.weight)


LOSS = MsSsimL1()
