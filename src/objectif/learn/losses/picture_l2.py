"""L2 of pictures: mean of (x - y)^2.

Source: C. F. Gauss, 1809, "Theoria motus corporum coelestium"; for networks K. Zhang et al., 2017, "Beyond a Gaussian Denoiser".
When it helps: PSNR as the objective, of which it is the plain form; its answer is the mean of what could be, so fine texture
that is not certain becomes smooth.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from objectif.learn.losses.base import Batch, Kind
from objectif.learn.losses.pictures import image_mean


@dataclass(frozen=True)
class PictureL2:
    """Mean squared difference."""

    name = "picture_l2"
    title = "L2"
    kind: Kind = "picture"
    convex = True
    balanced = False
    source = "Gauss 1809; Zhang et al. 2017, Beyond a Gaussian Denoiser"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        return image_mean((output - truth.to(output)).square(), batch.weight)


LOSS = PictureL2()
