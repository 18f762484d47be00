"""threshold: lightness, colour and what stands out of its surroundings, each class a linear function of them: a threshold.

What one would do by hand: a threshold on the gray value (Otsu 1979), on greenness (Woebbecke et al. 1995, excess green) or
on how much lighter a pixel is than its surroundings in units of their spread (Niblack 1986; Sauvola & Pietikainen 2000),
but with the combination and the place of the threshold learned. The surroundings are a quarter of the picture's side: wide
enough to hold both object and background, and no wider than a tile of a large picture can see, as the mean of the whole
would be. How far a pixel stands out to either side is a measure too, because pictures of one set may show the same things light
on dark and dark on light (20 held-out nuclei pictures, one split: IoU .66 with it, .52 without). Nothing says where one object
ends and the next begins: the depth is 0, and objects are told apart by shape.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from objectif.learn.models.base import Learner
from objectif.learn.models.segment.pixels import FLOOR, opponent
from objectif.learn.models.segment.pixelwise import Pixelwise
from objectif.learn.models.segment.view import view

WIDE = 4  # the surroundings reach over this part of the shorter side
GRAIN = 16  # parts of the shorter side in which they are measured
SMOOTH = 5  # pixels of the mean that noise is taken out by


class Measures(nn.Module):
    """(N,C,H,W) in 0..255 -> [(N,width,H,W)]: what is compared with a threshold. Nothing in it learns."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.width = 2 * channels + 6

    @torch.no_grad()
    def forward(self, image: Tensor) -> list[Tensor]:
        x = image / 255.0
        planes = opponent(x)
        gray = planes[:, :1] if x.shape[1] == 3 else x.mean(1, keepdim=True)
        smooth = _mean(torch.cat([planes, gray], 1), SMOOTH)
        mean, spread = _surroundings(gray)
        colour = x.amax(1, keepdim=True) - x.amin(1, keepdim=True)
        chroma = colour / (gray + 0.05)
        rise = smooth[:, -1:] - mean
        above = (gray - mean) / spread, rise / spread, rise, (rise / spread).abs()
        return [torch.cat([planes, smooth[:, :-1], colour, chroma, *above], 1)]


def _mean(x: Tensor, side: int) -> Tensor:
    return functional.avg_pool2d(x, side, 1, side // 2, count_include_pad=False)


def _surroundings(gray: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and spread of gray (N,1,H,W) over a wide window around each pixel, measured coarsely."""
    short = int(min(gray.shape[2:]))
    grain = 1
    while grain * 2 <= short // GRAIN and short % (grain * 2) == 0:
        grain *= 2
    cells = functional.avg_pool2d(torch.cat([gray, gray.square()], 1), grain)
    wide = _mean(cells, 2 * (short // (2 * WIDE * grain)) + 1)
    wide = functional.interpolate(wide, scale_factor=float(grain), mode="bilinear", align_corners=False)
    mean, square = wide[:, :1], wide[:, 1:]
    return mean, torch.sqrt((square - mean.square()).clamp_min(0.0) + FLOOR**2)


class Standard(nn.Module):
    """Each measure with mean 0 and spread 1 over the training images."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(width, affine=False, momentum=0.05)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        return self.norm(maps[0]).clamp(-4.0, 4.0)  # type: ignore[no-any-return]


def _build(channels: int, classes: int) -> Pixelwise:
    measures = Measures(channels)
    return Pixelwise(measures, Standard(measures.width), measures.width, classes, deep=False)


THRESHOLD = Learner(
    name="threshold",
    approach="classical",
    title="Learned thresholds on lightness, colour and local contrast",
    source="Otsu 1979; Niblack 1986; Sauvola & Pietikainen 2000; Woebbecke et al. 1995",
    licence="Apache-2.0 (no weights inside)",
    task="segment",
    sizes=(256, 384, 512),
    build=_build,
    view=view,
    losses=("mask",),
    usual=("dice_ce",),
    epochs=(10, 200),
    steps=200,
    rate=1e-2,
    decay=1e-3,
)
