"""lite0_fpn: EfficientNet-Lite0 with a light feature pyramid, fine-tuned; lite0_fpn_frozen: the same with a fixed trunk.

The trunk comes from its package (see models/lite.py), so that a detector can be trained where there is no network. Its
stem and first stages never learn: their maps are the largest, so that their backward pass would be the dearest part, and
edges and colours are what ImageNet has taught best. The frozen variant is there to compare losses: a step costs half.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from objectif.learn.models.base import Learner
from objectif.learn.models.detect.dense import Dense, from_sides
from objectif.learn.models.detect.pyramid import Pyramid, Shared
from objectif.learn.models.detect.view import view
from objectif.learn.models.lite import LICENCE, SOURCE, Lite

WIDTH = 64
LAST = (4, 10, 15)  # blocks after which the maps at strides 8, 16 and 32 are complete
FROZEN = 3  # blocks that never learn when the rest does: up to stride 4


class Levels(nn.Module):
    """The trunk without its last layer: (N,C,H,W) in 0..255 -> maps at strides 8, 16 and 32.

    fixed: number of blocks that stay as they are (all of them: the whole trunk); the stem stays with the first.
    """

    def __init__(self, channels: int, fixed: int) -> None:
        super().__init__()
        lite = Lite("lite0", channels)
        self.stem, self.norm = lite.stem, lite.stem_norm
        self.blocks = lite.blocks
        self.fixed = fixed
        self.widths = [int(self.blocks[i]._project_conv.out_channels) for i in LAST]
        for part in self._still():
            part.requires_grad_(False)

    def _still(self) -> list[nn.Module]:
        return [self.stem, self.norm, *self.blocks[: self.fixed]] if self.fixed else []

    def train(self, mode: bool = True) -> Levels:
        """Norms keep ImageNet's statistics: those of eight pictures are noise, and measuring them takes time."""
        super().train(mode)
        for part in self.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.eval()
        return self

    def forward(self, image: Tensor) -> list[Tensor]:
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.fixed == 0):
            x = nn.functional.relu6(self.norm(self.stem((image - 127.0) / 128.0)))
        levels = []
        for number, block in enumerate(self.blocks):
            with torch.set_grad_enabled(torch.is_grad_enabled() and number >= self.fixed):
                x = block(x)
            if number in LAST:
                levels.append(x)
        return levels


def _build(channels: int, classes: int, fixed: int) -> Dense:
    trunk = Levels(channels, fixed)
    return Dense(trunk, Pyramid(trunk.widths, WIDTH), Shared(WIDTH, classes), from_sides, trunk_rate=0.3)


LITE0_FPN = Learner(
    name="lite0_fpn",
    approach="finetune",
    title="EfficientNet-Lite0 with a light pyramid, fine-tuned",
    source=SOURCE + "; pyramid Lin et al. 2017, arXiv:1612.03144",
    licence=LICENCE,
    task="detect",
    sizes=(320, 416, 512),
    build=lambda channels, classes: _build(channels, classes, FROZEN),
    view=view,
    losses=("dense", "box"),
    usual=("quality_focal", "giou"),
    epochs=(15, 60),
    pretrained="ImageNet",
)
LITE0_FPN_FROZEN = Learner(
    name="lite0_fpn_frozen",
    approach="frozen",
    title="EfficientNet-Lite0 with a light pyramid, trunk as it is",
    source=LITE0_FPN.source,
    licence=LICENCE,
    task="detect",
    sizes=(320,),
    build=lambda channels, classes: _build(channels, classes, 16),
    view=view,
    losses=("dense", "box"),
    usual=("quality_focal", "giou"),
    epochs=(10, 40),
    pretrained="ImageNet",
)
