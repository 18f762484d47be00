"""Colour: which colours the picture has, how light each is and how rough; ripe from unripe.

Joint histograms of a* and b* (10 x 10) with lightness (6), and of a* and b* (8 x 8) with local contrast (6), over the
whole picture: where a colour stands is left to others, because it costs accuracy where subjects move and turn
(measured on seedlings: a 3 x 3 grid beside the whole .66, the whole alone .69). For pictures with other than three
channels, each channel's value (16) with its local contrast (6). Then mean and deviation of each channel.

Source: M. Swain, D. Ballard, 1991, "Color Indexing"; the square root of shares as in R. Arandjelovic, A. Zisserman, 2012,
"Three Things Everyone Should Know to Improve Object Retrieval".
"""

from __future__ import annotations

import torch
from torch import Tensor

from objectif.learn.models.base import Features, Model
from objectif.learn.models.operators.pixels import (
    chroma_bins,
    contrast_bins,
    lab,
    planes,
    soft_bins,
    together,
)

SIDE = 64


class Colour(Features):
    """Roots of joint histograms, and moments."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.width = (100 * 6 + 64 * 6 if channels == 3 else channels * 16 * 6) + 2 * channels

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        x = planes(image, SIDE)
        if self.channels == 3:
            x = lab(x)
            light = x[:, :1]
            rough = contrast_bins(light)
            parts = [
                together(chroma_bins(x, 10), soft_bins(light, 0.0, 1.0, 6)),
                together(chroma_bins(x, 8), rough),
            ]
        else:
            each = [x[:, k : k + 1] for k in range(self.channels)]
            parts = [together(soft_bins(c, 0.0, 1.0, 16), contrast_bins(c)) for c in each]
        mean = x.mean((2, 3))
        spread = torch.sqrt(((x - mean[:, :, None, None]) ** 2).mean((2, 3)) + 1e-6)
        return (torch.cat([*parts, mean, spread], 1),)


COLOUR = Model(
    name="colour",
    approach="classical",
    title="Colour histograms",
    source="Swain & Ballard 1991, Color Indexing",
    licence="Apache-2.0 (no weights inside)",
    features="colour",
    build=Colour,
    size=SIDE,
    version=2,
)
