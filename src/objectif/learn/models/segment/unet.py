"""unet: a small plain U-Net from scratch: down by four steps, up again, each step sees what it was before.

Source: Ronneberger, Fischer, Brox 2015, "U-Net: convolutional networks for biomedical image segmentation", arXiv:1505.04597.
It begins at half the picture's size, because at the full one everything would cost four times as much for the last pixel of
a border; norms (Ioffe & Szegedy 2015, arXiv:1502.03167) steady it, padding keeps the size.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from objectif.learn.models.base import Learner
from objectif.learn.models.segment.pixelwise import Pixelwise
from objectif.learn.models.segment.view import view

WIDTHS = (16, 32, 64, 128)


def layer(given: int, width: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """A convolution with norm and ReLU."""
    convolution = nn.Conv2d(given, width, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(width), nn.ReLU(inplace=True))


def twice(given: int, width: int, stride: int = 1) -> nn.Sequential:
    """Two 3 x 3 convolutions, the first with this stride."""
    return nn.Sequential(layer(given, width, 3, stride), layer(width, width, 3))


class Down(nn.Module):
    """(N,C,H,W) in 0..255 -> maps of WIDTHS at strides 2, 4, 8, 16."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.stem = twice(channels, WIDTHS[0], 2)
        self.steps = nn.ModuleList(twice(a, b) for a, b in pairwise(WIDTHS))

    def forward(self, image: Tensor) -> list[Tensor]:
        maps = [self.stem((image - 127.5) / 64.0)]
        for step in self.steps:
            maps.append(step(functional.max_pool2d(maps[-1], 2)))
        return maps


class Up(nn.Module):
    """Maps of WIDTHS, each half the size of the one before -> one map of the first width and size."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = nn.ModuleList(twice(fine + coarse, fine) for fine, coarse in pairwise(WIDTHS))

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        x = maps[-1]
        for step, fine in zip(reversed(self.steps), reversed(maps[:-1]), strict=True):
            x = step(torch.cat([fine, functional.interpolate(x, scale_factor=2.0, mode="nearest")], 1))
        return x


def _build(channels: int, classes: int) -> Pixelwise:
    return Pixelwise(Down(channels), Up(), WIDTHS[0], classes)


UNET = Learner(
    name="unet",
    approach="finetune",
    title="Small U-Net, from scratch",
    source="Ronneberger, Fischer & Brox 2015, arXiv:1505.04597",
    licence="Apache-2.0 (no weights inside)",
    task="segment",
    sizes=(256, 384, 512),
    build=_build,
    view=view,
    losses=("mask",),
    usual=("dice_ce",),
    epochs=(20, 200),
    steps=200,
    rate=3e-3,
    decay=0.01,
)
