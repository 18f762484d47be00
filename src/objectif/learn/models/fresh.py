"""Networks that start from nothing: a MobileNet-class and a ResNet-class one, architectures from transformers.

They carry no weights and no licence but ours, and win only where images are many or unlike photographs.
Sources: Sandler et al. 2018, "MobileNetV2", arXiv:1801.04381; He et al. 2015, "Deep residual learning", arXiv:1512.03385.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from objectif.learn.models.base import Features, Model


class Fresh(Features):
    """A transformers backbone without weights; the vector is the mean of its last map."""

    def __init__(self, network: Any, width: int) -> None:
        super().__init__()
        self.network = network
        self.width = self.map_width = width

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        pixels = (image.to(torch.float32).permute(0, 3, 1, 2) - 127.0) / 64.0
        last: Tensor = self.network(pixel_values=pixels, return_dict=False)[0]
        return last.mean((2, 3)), last.permute(0, 2, 3, 1)


def _mobilenet(channels: int) -> Features:
    from transformers import MobileNetV2Config, MobileNetV2Model

    torch.manual_seed(0)
    config = MobileNetV2Config(
        num_channels=channels, depth_multiplier=0.5, tf_padding=False, classifier_dropout_prob=0.0
    )
    network = MobileNetV2Model(config, add_pooling_layer=False)
    return Fresh(network, int(network.conv_1x1.convolution.out_channels))


def _resnet(channels: int) -> Features:
    from transformers import ResNetConfig, ResNetModel

    torch.manual_seed(0)
    config = ResNetConfig(
        num_channels=channels,
        embedding_size=32,
        hidden_sizes=[32, 64, 128, 256],
        depths=[1, 1, 1, 1],
        layer_type="basic",
    )
    network: Any = ResNetModel(config)
    network.pooler = torch.nn.Identity()
    return Fresh(network, 256)


MOBILENET = Model(
    name="mobilenet",
    approach="finetune",
    title="MobileNetV2 x0.5, from nothing",
    source="Sandler et al. 2018, arXiv:1801.04381",
    licence="Apache-2.0 (no weights inside)",
    features="mobilenet",
    build=_mobilenet,
    size=128,
    multiple=32,
)
RESNET = Model(
    name="resnet",
    approach="finetune",
    title="ResNet of 10 layers, from nothing",
    source="He et al. 2015, arXiv:1512.03385",
    licence="Apache-2.0 (no weights inside)",
    features="resnet",
    build=_resnet,
    size=128,
    multiple=32,
)
