"""lite0_cosine, lite0_whitened, lite0_embed: EfficientNet-Lite0 as it is, weighed within identities, fine-tuned.

The vector of the frozen ones has mean and spread of all stages: identity is in texture and shape as much as in the last
layer, which was taught to overlook what tells two of a kind apart. The fine-tuned one puts a linear layer of 128 on the
last layer and trains both under a loss of embeddings; norms keep the statistics of ImageNet, as batches are small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from objectif.learn.models.base import Learner, Whole
from objectif.learn.models.identify.projected import Projected
from objectif.learn.models.identify.view import plainly, view
from objectif.learn.models.lite import LICENCE, SOURCE, Lite

if TYPE_CHECKING:
    from objectif.learn.losses.base import Batch, Loss

WIDTH = 128
FIXED = 6  # blocks of the trunk, and the stem, that never move: edges and texture serve all
TRUNK_RATE, PROXY_RATE = 0.1, 10.0


class Embedder(Whole):
    """Lite0, a linear layer on its pooled last map, and a proxy for each training identity, which losses may use."""

    outputs = ("embedding",)

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.trunk = Lite("lite0", channels)
        self.wide = self.trunk.last
        self.mean = nn.Parameter(torch.zeros(self.wide), requires_grad=False)
        self.scale = nn.Parameter(torch.ones(self.wide), requires_grad=False)
        self.neck = nn.Linear(self.wide, WIDTH, bias=False)
        nn.init.orthogonal_(self.neck.weight)
        self.proxies = nn.Parameter(functional.normalize(torch.randn(max(1, classes), WIDTH), dim=1))
        for part in (self.trunk.stem, self.trunk.stem_norm, *self.trunk.blocks[:FIXED]):
            part.requires_grad_(False)

    def train(self, mode: bool = True) -> Embedder:
        """Norms of the trunk stay as they are."""
        super().train(mode)
        self.trunk.eval()
        return self

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        vector = self.trunk.vectors(image)[:, : self.wide]
        found = self.neck((vector - self.mean) * self.scale)
        return (functional.normalize(found, dim=1, eps=1e-6),)

    def begin(self, image: Tensor, truth: Tensor) -> None:
        """Units in which the vector's numbers are alike; pictures without any variety leave it as it is."""
        vector = self.trunk.vectors(image)[:, : self.wide]
        if len(vector) > 1:
            self.mean.copy_(vector.mean(0))
            self.scale.copy_(1 / (vector.std(0) + 0.1 * vector.std(0).mean() + 1e-6))

    def objective(self, image: Tensor, truth: Tensor, losses: tuple[Loss, ...], batch: Batch) -> Tensor:
        (embedding,) = self(image)
        return losses[0](embedding, truth[:, 0, 0].long(), batch, self)

    def rates(self) -> list[dict[str, Any]]:
        trunk = [p for p in self.trunk.parameters() if p.requires_grad]
        return [
            {"params": [p for p in trunk if p.ndim > 1], "lr": TRUNK_RATE, "weight_decay": 1.0},
            {"params": [p for p in trunk if p.ndim <= 1], "lr": TRUNK_RATE, "weight_decay": 0.0},
            {"params": [self.neck.weight], "lr": 1.0, "weight_decay": 1.0},
            {"params": [self.proxies], "lr": PROXY_RATE, "weight_decay": 0.0},
        ]

    def counts(self, truth: NDArray[np.floating[Any]], classes: int) -> Tensor:
        """(C,) images of each identity; 0 of those that are held out, whose proxies then play no part."""
        identity = np.asarray(truth)[:, 0, 0].astype(np.int64)
        return torch.from_numpy(np.bincount(identity, minlength=classes).astype(np.float32))


def _frozen(name: str, title: str, whitened: bool) -> Learner:
    return Learner(
        name=name,
        approach="frozen",
        title=title,
        source=SOURCE,
        licence=LICENCE,
        task="identify",
        sizes=(128, 160, 224),
        build=lambda channels, classes: Projected(Lite("lite0", channels), whitened),
        view=plainly,
        epochs=(1, 1),
        steps=0,
        pretrained="ImageNet",
        solved=True,
    )


LITE0_COSINE = _frozen("lite0_cosine", "EfficientNet-Lite0, all levels, standardised", False)
LITE0_WHITENED = _frozen("lite0_whitened", "EfficientNet-Lite0, all levels, whitened within identities", True)
LITE0_EMBED = Learner(
    name="lite0_embed",
    approach="finetune",
    title="EfficientNet-Lite0 with an embedding of 128, fine-tuned",
    source=SOURCE,
    licence=LICENCE,
    task="identify",
    sizes=(128, 160, 224),
    build=Embedder,
    view=view,
    losses=("embedding",),
    usual=("supervised_contrastive",),
    epochs=(6, 60),
    steps=60,
    batch=32,
    rate=1e-3,
    pretrained="ImageNet",
)
