"""What a model is: where its features come from, what it needs, and what it may be used for.

A network is seen in two parts: `Features`, which turn prepared images into vectors, and a linear head on them.
The cut is what makes the race quick: features are exported and computed once and shared by every loss, and a
fine-tuned network is the same exported graph with other weights and another head. It also keeps heat maps exact:
where the vector begins with the mean of a feature map, the head's weights apply to the map as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

Approach = Literal["classical", "frozen", "finetune"]


class Features(nn.Module):
    """Prepared images in, vectors out. Subclasses set:

    width: D, the length of the vector.
    map_width: E <= D; the first E entries are the spatial mean of the feature map, 0 where there is none.
    """

    width: int
    map_width: int = 0

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """image (N,H,W,C) uint8 or float32 in 0..255 -> (embedding (N,D),) or (embedding, map (N,h,w,E))."""
        raise NotImplementedError


@dataclass(frozen=True)
class Model:
    """One entry of the door `objectif.models`: data with its source and licence, and a way to build it.

    approach: 'classical' and 'frozen' get a head on fixed features; 'finetune' trains the features too.
    features: name of the extractor; models that share it share its export and its computed features.
    build: channels -> Features. Called only in the process that exports or trains.
    size: side in pixels of the prepared image; multiple: sides that the extractor can take are multiples of it.
    graph: the extractor where it is a finished ONNX graph; `build` is then not called.
    columns: which part of the vector this model's head sees, (start, stop); stop None is the end.
    """

    name: str
    approach: Approach
    title: str
    source: str
    licence: str
    features: str
    build: Callable[[int], Features]
    size: int
    multiple: int = 1
    columns: tuple[int, int | None] = (0, None)
    pretrained: str = ""
    version: int = 1
    graph: Callable[[], bytes] | None = None
