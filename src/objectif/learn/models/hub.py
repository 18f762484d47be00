"""hub:NAME: a model that the transformers library loads, from a hub or from a local folder.

A detector is trained as a whole (detect/transformer.py); of any other network the frozen features get a head.

Opt-in, because its weights have a licence of their own and a download behind them: nothing is fetched unless a
statement names it. The licence written in its card travels into the Solution's card; where there is none, that is said.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from objectif.errors import PluginError
from objectif.learn.models.base import Features, Learner, Model

MOST_NOWHERE = 8  # tokens beside those of the patches: of the class, of distillation, registers


class Hub(Features):
    """A transformers vision model: its last hidden state averaged over positions, and that state as the map.

    Tokens before those of the patches (of the class, registers) lie nowhere: their part is spread evenly over the map.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: Any, mean: list[float], std: list[float], side: int) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", 255.0 * torch.tensor(mean), persistent=False)
        self.register_buffer("std", 255.0 * torch.tensor(std), persistent=False)
        with torch.inference_mode():
            hidden = self._hidden(torch.zeros(1, side, side, len(mean)))
        self.width = int(hidden.shape[1] if hidden.ndim == 4 else hidden.shape[2])
        self.grid = None if hidden.ndim == 4 else _grid(int(hidden.shape[1]), side, network.config)
        self.map_width = self.width if hidden.ndim == 4 or self.grid else 0

    def _hidden(self, image: Tensor) -> Tensor:
        """(N,D,h,w), or (N,T,D) of tokens."""
        pixels = ((image.to(torch.float32) - self.mean) / self.std).permute(0, 3, 1, 2)
        hidden: Tensor = self.network(pixel_values=pixels, return_dict=False)[0]
        return hidden

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        hidden = self._hidden(image)
        if hidden.ndim == 4:
            return hidden.mean((2, 3)), hidden.permute(0, 2, 3, 1)
        if self.grid is None:
            return (hidden.mean(1),)
        patches, tokens = self.grid**2, hidden.shape[1]
        placed = hidden[:, tokens - patches :] * (patches / tokens)
        nowhere = hidden[:, : tokens - patches].sum(1, keepdim=True) / tokens
        return hidden.mean(1), (placed + nowhere).reshape(-1, self.grid, self.grid, self.width)


def _grid(tokens: int, side: int, config: Any) -> int | None:
    """Patches along a side where `tokens` are those of a square and a few before them; None where they are not."""
    patch = getattr(config, "patch_size", None)
    for along in (side // patch if isinstance(patch, int) and patch else 0, math.isqrt(tokens)):
        if along > 1 and 0 <= tokens - along**2 <= MOST_NOWHERE:
            return along
    return None


def from_hub(name: str) -> Model | Learner:
    """What 'hub:NAME' is, NAME a repository or a folder. PluginError where it cannot be loaded."""
    place = str(Path(name.removeprefix("hub:")).expanduser()) if "~" in name else name.removeprefix("hub:")
    return _found(name, place, _weights(place))


@lru_cache(
    maxsize=32
)  # a race asks for its models by name again and again, and a hub would be asked each time
def _found(name: str, place: str, weights: str) -> Model | Learner:
    config = _config(name, place)
    from objectif.learn.models.detect.transformer import detector, finds_objects

    if finds_objects(config):
        return detector(name, place, config, _processor(place), _licence(place))
    return _frozen(name, place, config, weights)


def _config(name: str, place: str) -> Any:
    try:
        from transformers import AutoConfig

        with hushed():
            return AutoConfig.from_pretrained(place, trust_remote_code=False)
    except Exception as error:  # of the library, of the hub's and of its checks: they share no base
        raise PluginError(
            f"{name} cannot be loaded ({first_line(error)}). Expected a repository that can be "
            "reached, or a folder with config.json and weights. Where the hub is out of reach, download the repository "
            "elsewhere and name its folder."
        ) from error


def _frozen(name: str, place: str, config: Any, weights: str) -> Model:
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
        features=f"hub-{place}-{weights}",
        build=build,
        size=side,
        pretrained=place,
        version=2,
    )


def _weights(place: str) -> str:
    """A short sum of a local checkpoint's files, so that a trace of older ones is not served; '' for a hub's."""
    digest = hashlib.sha256()
    for file in sorted([*Path(place).glob("*.safetensors"), *Path(place).glob("*.json")]):
        known = file.stat()
        digest.update(_sum(file, known.st_mtime_ns, known.st_size))
    return digest.hexdigest()[:12] if Path(place).is_dir() else ""


@lru_cache(maxsize=64)
def _sum(file: Path, changed: int, size: int) -> bytes:
    """Of a file's content, as long as it does not change."""
    return hashlib.sha256(file.read_bytes()).digest()


def first_line(error: Exception) -> str:
    """What an error says, in short."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:160]


@contextmanager
def hushed() -> Iterator[None]:
    """Without the library's remarks on new layers, and its bars."""
    logging: Any = import_module("transformers.utils.logging")
    before = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        logging.enable_progress_bar()


def _side(config: Any) -> int:
    size = getattr(config, "image_size", None) or 224
    return int(size[0] if isinstance(size, list | tuple) else size)


def _statistics(place: str) -> tuple[list[float], list[float]]:
    """Mean and deviation in 0..1 as its preprocessor says, else those of ImageNet."""
    said = _processor(place)
    if "image_mean" in said and "image_std" in said:
        return list(said["image_mean"]), list(said["image_std"])
    return [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def _processor(place: str) -> dict[str, Any]:
    """What its image processor's file says; nothing where there is none."""
    from transformers.utils.hub import cached_file

    for file in ("preprocessor_config.json", "processor_config.json"):
        try:
            found = cached_file(place, file)
            said = json.loads(Path(str(found)).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(said, dict):
            return dict(said.get("image_processor", said))
    return {}


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
