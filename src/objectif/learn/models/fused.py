"""Several extractors side by side on the same prepared image: 'lite2_levels+hog' sees objects and edges."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from objectif.errors import PluginError
from objectif.learn.models.base import Features, Model


class Fused(Features):
    """The parts' vectors (of each the columns that its model sees), one after the other; no map.

    A map of one part would leave out what the others say, and look as if it were all.
    """

    def __init__(self, parts: Sequence[Features], columns: Sequence[slice]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self.columns = list(columns)
        widths = [len(range(part.width)[cut]) for part, cut in zip(parts, columns, strict=True)]
        self.width = sum(widths)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        vectors = [part(image)[0][:, cut] for part, cut in zip(self.parts, self.columns, strict=True)]
        return (torch.cat(vectors, 1),)


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
        features="+".join(model.name for model in models),
        build=lambda channels: Fused(
            [model.build(channels) for model in models], [slice(*model.columns) for model in models]
        ),
        size=max(model.size for model in models),
        multiple=math.lcm(*(model.multiple for model in models)),
        pretrained=", ".join(dict.fromkeys(m.pretrained for m in models if m.pretrained)),
        version=1 + sum(model.version for model in models),
    )
