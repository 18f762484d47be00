"""SSIM loss: 1 - the mean structural similarity of local windows.

Source: Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, 2004, "Image Quality Assessment: From Error Visibility to Structural
Similarity": window 11 x 11, Gaussian of 1.5 pixels, K1 0.01, K2 0.03, range 1. When it helps: SSIM as the objective. It looks at
contrast more than at lightness, so flat regions may drift by some levels; not convex.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from objectif.learn.losses.base import Batch, Kind
from objectif.learn.losses.pictures import image_mean, likeness


@dataclass(frozen=True)
class Ssim:
    """1 - SSIM."""

    name = "ssim"
    title = "SSIM"
    kind: Kind = "picture"
    convex = False
    balanced = False
    source = "Wang et al. 2004, Image Quality Assessment: From Error Visibility to Structural Similarity"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        return image_mean(1 - likeness(output, truth.to(output))[0], batch.weight)


LOSS = Ssim()
