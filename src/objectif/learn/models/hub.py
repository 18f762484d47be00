"""hub:NAME: frozen features of a model that the transformers library loads, from a hub or from a local folder.

Opt-in, because its weights have a licence of their own and a download behind them: nothing is fetched unless a
statement names it. The licence written in its card travels into the Solution's card; where there is none, that is said.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from objectif.errors import PluginError
from objectif.learn.models.base import Features, Model


class Hub(Features):
    """A transformers vision model: its last hidden state averaged over positions."""

    mean: Tensor
    std: Tensor

    def __init__(self, network: Any, mean: list[float], std: list[float], side: int) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", 255.0 * torch.tensor(mean), persistent=False)
        self.register_buffer("std", 255.0 * torch.tensor(std), persistent=False)
        with torch.inference_mode():
            self.width = int(self._embed(torch.zeros(1, side, side, len(mean))).shape[1])

    def _embed(self, image: Tensor) -> Tensor:
        pixels = ((image.to(torch.float32) - self.mean) / self.std).permute(0, 3, 1, 2)
        hidden: Tensor = self.network(pixel_values=pixels, return_dict=False)[0]
        return hidden.mean((2, 3)) if hidden.ndim == 4 else hidden.mean(1)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        return (self._embed(image),)


def from_hub(name: str) -> Model:
    """The Model for 'hub:NAME', NAME a repository or a folder. PluginError where it cannot be loaded."""
    place = name.removeprefix("hub:")
    try:
        from transformers import AutoConfig

        config = AutoConfig.from_pretrained(place)
    except (OSError, ValueError, ImportError) as error:
        raise PluginError(
            f"{name} cannot be loaded ({str(error).splitlines()[0][:160]}). Expected a repository that can be reached, "
            "or a folder with config.json and weights."
        ) from error
    side = _side(config)

    def build(channels: int) -> Features:
        from transformers import AutoModel

        if channels != 3:
            raise PluginError(f"{name} takes 3 channels, the images have {channels}.")
        network = AutoModel.from_pretrained(place, use_safetensors=True)
        mean, std = _statistics(place)
        return Hub(network.eval(), mean, std, side)

    return Model(
        name=name,
        approach="frozen",
        title=f"{config.model_type} {Path(place).name} (frozen)",
        source=f"transformers, {place}",
        licence=_licence(place),
        features=f"hub-{place}-{_weights(place)}",
        build=build,
        size=side,
        pretrained=place,
    )


def _weights(place: str) -> str:
    """A short sum of a local checkpoint's weights, so that a trace of older ones is not served; '' for a hub's."""
    digest = hashlib.sha256()
    for file in sorted(Path(place).glob("*.safetensors")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12] if Path(place).is_dir() else ""


def _side(config: Any) -> int:
    size = getattr(config, "image_size", None) or 224
    return int(size[0] if isinstance(size, list | tuple) else size)


def _statistics(place: str) -> tuple[list[float], list[float]]:
    """Mean and deviation in 0..1 as its preprocessor says, else those of ImageNet."""
    from transformers.utils.hub import cached_file

    try:
        import json

        found = cached_file(place, "preprocessor_config.json")
        said = json.loads(Path(str(found)).read_text(encoding="utf-8"))
        return list(said["image_mean"]), list(said["image_std"])
    except (OSError, KeyError, ValueError):
        return [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def _licence(place: str) -> str:
    """The licence that the model's card states."""
    from transformers.utils.hub import cached_file

    try:
        text = Path(str(cached_file(place, "README.md"))).read_text(encoding="utf-8")
    except OSError:
        return "not stated by its owner"
    for line in text.splitlines():
        if line.strip().startswith("license:"):
            return line.split(":", 1)[1].strip().strip("\"'")
    return "not stated by its owner"
