"""Several extractors side by side on the same prepared image: 'lite2_levels+hog' sees objects and edges."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from objectif.errors import PluginError
from objectif.learn.models.base import Features, Model


class Fused(Features):
    """The parts' vectors, one after the other; the map is that of the first part."""

    def __init__(self, parts: Sequence[Features]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self.width = sum(part.width for part in parts)
        self.map_width = parts[0].map_width

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        outputs = [part(image) for part in self.parts]
        return torch.cat([output[0] for output in outputs], 1), *outputs[0][1:]


def fuse(models: Sequence[Model]) -> Model:
    """One Model from several that are not fine-tuned; the first decides the side of the image."""
    if any(model.approach == "finetune" for model in models):
        raise PluginError(
            f"{'+'.join(m.name for m in models)}: a fine-tuned network cannot be put beside another one."
        )
    return Model(
        name="+".join(model.name for model in models),
        approach="frozen" if any(model.approach == "frozen" for model in models) else "classical",
        title=", ".join(model.title for model in models),
        source="; ".join(dict.fromkeys(model.source for model in models)),
        licence="; ".join(dict.fromkeys(model.licence for model in models)),
        features="+".join(model.features for model in models),
        build=lambda channels: Fused([model.build(channels) for model in models]),
        size=max(model.size for model in models),
        multiple=math.lcm(*(model.multiple for model in models)),
        pretrained=", ".join(dict.fromkeys(m.pretrained for m in models if m.pretrained)),
        version=sum(model.version for model in models),
    )
