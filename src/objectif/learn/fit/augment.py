"""Random views of prepared images that keep their class: one affine warp and one change of light per view.

Which symmetries keep the class is a property of the problem (a mirrored traffic sign is another sign; a weed seen
from above may be turned any way up), so they are an argument and never a default.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Augment:
    """mirror, flip, turn: whether left-right, up-down mirroring and quarter turns keep the class.

    zoom: range of the side of the view over the image's side; shift is what the zoom leaves free.
    tilt: degrees of small rotation; any angle where `turn` holds. light: relative change of brightness, contrast
    and saturation.
    """

    mirror: bool = False
    flip: bool = False
    turn: bool = False
    zoom: tuple[float, float] = (0.7, 1.0)
    tilt: float = 12.0
    light: float = 0.25

    def __call__(self, images: Tensor, side: int, generator: torch.Generator) -> Tensor:
        """(n,H,W,C) uint8 or float32 in 0..255 -> (n,side,side,C) float32 in 0..255."""
        x = images.permute(0, 3, 1, 2).to(torch.float32)
        grid = F.affine_grid(
            self._matrices(len(x), generator), [len(x), x.shape[1], side, side], align_corners=False
        )
        x = F.grid_sample(x, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
        return self._relight(x, generator).permute(0, 2, 3, 1).contiguous()

    def _matrices(self, n: int, generator: torch.Generator) -> Tensor:
        """(n,2,3): where in the image (-1..1) each view looks."""

        def uniform(low: float, high: float) -> Tensor:
            return low + (high - low) * torch.rand(n, generator=generator)

        area = uniform(self.zoom[0] ** 2, self.zoom[1] ** 2).sqrt()
        loose = 1.0 if self.zoom[0] < self.zoom[1] else 0.0  # a fixed zoom is a fixed frame
        stretch = torch.exp(loose * uniform(-0.12, 0.12))
        wide, high = area * stretch, area / stretch
        angle = torch.deg2rad(uniform(-180.0, 180.0) if self.turn else uniform(-self.tilt, self.tilt))
        cos, sin = angle.cos(), angle.sin()
        sign_x = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0) if self.mirror else torch.ones(n)
        sign_y = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0) if self.flip else torch.ones(n)
        free_x, free_y = (1 - wide).clamp(min=0.05 * loose), (1 - high).clamp(min=0.05 * loose)
        shift_x, shift_y = uniform(-1, 1) * free_x, uniform(-1, 1) * free_y
        top = torch.stack([cos * wide * sign_x, -sin * high * sign_y, shift_x], 1)
        bottom = torch.stack([sin * wide * sign_x, cos * high * sign_y, shift_y], 1)
        return torch.stack([top, bottom], 1)

    def _relight(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Brightness and contrast about the image's mean, saturation about its gray, each by up to `light`."""

        def factor() -> Tensor:
            return (1 + self.light * (2 * torch.rand(len(x), 1, 1, 1, generator=generator) - 1)).to(x.dtype)

        mean = x.mean((1, 2, 3), keepdim=True)
        x = (x - mean) * factor() + mean * factor()
        if x.shape[1] > 1:
            gray = x.mean(1, keepdim=True)
            x = gray + (x - gray) * factor()
        return x.clamp(0, 255)
