"""lite0_unet: EfficientNet-Lite0 with a light U-Net decoder, fine-tuned; lite0_unet_frozen: the same with a fixed trunk.

The trunk is that of lite0_fpn (detect/lite0.py): stem and first stages never learn. From its maps a decoder climbs back
to half the picture's size by separable convolutions (Ronneberger et al. 2015, arXiv:1505.04597; light as in Howard et
al. 2019, "Searching for MobileNetV3", arXiv:1905.02244). Borders are finer than what is left at stride 4, and a trunk taught
to name objects does not keep them: the last step also sees the picture itself through a small convolution that learns.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from objectif.learn.models.base import Learner
from objectif.learn.models.detect.lite0 import FROZEN, Levels
from objectif.learn.models.detect.pyramid import Separable
from objectif.learn.models.lite import LICENCE, SOURCE
from objectif.learn.models.segment.pixelwise import Pixelwise
from objectif.learn.models.segment.unet import layer
from objectif.learn.models.segment.view import view

TAPS = (0, 2, 4, 10, 15)  # blocks after which the maps at strides 2 to 32 are complete
WIDTH = 64  # of maps up to stride 8
NARROW = 24  # at stride 4
SHALLOW = 16  # of the picture itself
LAST = 24  # at stride 2


class Maps(Levels):
    """The trunk: (N,C,H,W) in 0..255 -> the picture in about -1..1, then maps at strides 2, 4, 8, 16, 32."""

    def __init__(self, channels: int, fixed: int) -> None:
        super().__init__(channels, fixed)
        self.widths = [int(self.blocks[i]._project_conv.out_channels) for i in TAPS]

    def forward(self, image: Tensor) -> list[Tensor]:
        picture = (image - 127.0) / 128.0
        learning = torch.is_grad_enabled()
        with torch.set_grad_enabled(learning and self.fixed == 0):
            x = functional.relu6(self.norm(self.stem(picture)))
        maps = [picture]
        for number, block in enumerate(self.blocks):
            with torch.set_grad_enabled(learning and number >= self.fixed):
                x = block(x)
            if number in TAPS:
                maps.append(x)
        return maps


class Decoder(nn.Module):
    """The maps of the trunk -> one (N,LAST,h,w) at stride 2; narrower where maps are larger, for they cost the most."""

    def __init__(self, channels: int, widths: Sequence[int]) -> None:
        super().__init__()
        fine, quarter, *coarse = widths
        self.lateral = nn.ModuleList(layer(width, WIDTH, 1) for width in coarse)
        self.steps = nn.ModuleList(Separable(WIDTH) for _ in coarse[1:])
        self.quarter = layer(quarter, NARROW, 1)
        self.narrow = nn.Conv2d(WIDTH, NARROW, 1, bias=False)
        self.step = Separable(NARROW)
        self.shallow = layer(channels, SHALLOW, 3, 2)
        self.last = layer(NARROW + SHALLOW + fine, LAST, 3)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        picture, fine, quarter, *coarse = maps
        sides = [side(level) for side, level in zip(self.lateral, coarse, strict=True)]
        x = sides[-1]
        for step, finer in zip(self.steps, reversed(sides[:-1]), strict=True):
            x = step(finer + _larger(x))
        x = self.step(self.quarter(quarter) + _larger(self.narrow(x)))
        found: Tensor = self.last(torch.cat([_larger(x), self.shallow(picture), fine], 1))
        return found


def _larger(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")


def _build(channels: int, classes: int, fixed: int) -> Pixelwise:
    trunk = Maps(channels, fixed)
    return Pixelwise(trunk, Decoder(channels, trunk.widths), LAST, classes, trunk_rate=0.1)


LITE0_UNET = Learner(
    name="lite0_unet",
    approach="finetune",
    title="EfficientNet-Lite0 with a light U-Net decoder, fine-tuned",
    source=SOURCE + "; decoder Ronneberger et al. 2015, arXiv:1505.04597",
    licence=LICENCE,
    task="segment",
    sizes=(256, 384, 512),
    build=lambda channels, classes: _build(channels, classes, FROZEN),
    view=view,
    losses=("mask",),
    usual=("dice_ce",),
    epochs=(15, 80),
    rate=3e-3,
    pretrained="ImageNet",
)
LITE0_UNET_FROZEN = Learner(
    name="lite0_unet_frozen",
    approach="frozen",
    title="EfficientNet-Lite0 with a light U-Net decoder, trunk as it is",
    source=LITE0_UNET.source,
    licence=LICENCE,
    task="segment",
    sizes=(256,),
    build=lambda channels, classes: _build(channels, classes, 16),
    view=view,
    losses=("mask",),
    usual=("dice_ce",),
    epochs=(10, 60),
    rate=3e-3,
    pretrained="ImageNet",
)
