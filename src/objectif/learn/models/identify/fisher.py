"""fisher: gray pixels at 32 px, contrast taken out, weighed by what varies within identities: Fisherfaces, for any subject.

What a network has to beat. Pixels are compared where they lie, so it lives by pictures that are cut alike.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from objectif.learn.models.base import Features, Learner
from objectif.learn.models.identify.projected import Projected
from objectif.learn.models.identify.view import plainly

SIDE = 32


class Gray(Features):
    """(N, 1024): gray values at 32 x 32 without mean and scale of each picture, so that light counts less."""

    width = SIDE * SIDE

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        gray = image.to(torch.float32).mean(3, keepdim=True).permute(0, 3, 1, 2)
        small = functional.avg_pool2d(gray, int(gray.shape[2]) // SIDE)[:, :, :SIDE, :SIDE].flatten(1)
        centred = small - small.mean(1, keepdim=True)
        return (centred / (centred.square().mean(1, keepdim=True) + 1.0).sqrt(),)


FISHER = Learner(
    name="fisher",
    approach="classical",
    title="Gray pixels, whitened within identities (Fisherfaces)",
    source="Belhumeur, Hespanha & Kriegman 1997, Eigenfaces vs. Fisherfaces; Turk & Pentland 1991",
    licence="Apache-2.0 (no weights inside)",
    task="identify",
    sizes=(64,),
    build=lambda channels, classes: Projected(Gray(), whitened=True),
    view=plainly,
    epochs=(1, 1),
    steps=0,
    multiple=64,
    solved=True,
)
