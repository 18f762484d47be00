"""nlm: each pixel becomes a mean of others, the more of one the more its surroundings look alike: non-local means.

    weight(i, j) = exp(-max(mean over the patch of (y_i - y_j)^2 - 2 s^2, 0) / h^2)

Source: Buades, Coll, Morel 2005, "A non-local algorithm for image denoising"; all patches at once, by one shifted difference and
a box filter for each place of the search window, as Darbon et al. 2008, "Fast nonlocal filtering applied to electron cryomicroscopy".
Patches are PATCH x PATCH, places at most REACH pixels away; distances are means over channels. s and h are chosen on the
training pairs.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from objectif.learn.models.base import Learner
from objectif.learn.models.restore.strength import Prior
from objectif.learn.models.restore.view import view

PATCH, REACH = 5, 6


class NonLocalMeans(Prior):
    """noise (s) and fall (h): levels of 0..255."""

    def __init__(self, channels: int) -> None:
        super().__init__(noise=15.0, fall=12.0)

    def restored(self, given: Tensor) -> Tensor:
        half = PATCH // 2
        margin = REACH + half
        wide = functional.pad(given, (margin, margin, margin, margin), mode="replicate")
        height, width = given.shape[2], given.shape[3]
        around = wide[:, :, REACH : REACH + height + 2 * half, REACH : REACH + width + 2 * half]
        floor, fall = 2 * self.strength("noise") ** 2, self.strength("fall") ** 2
        total, mass = given, torch.ones_like(given[:, :1])
        for down in range(-REACH, REACH + 1):
            for right in range(-REACH, REACH + 1):
                if down == right == 0:
                    continue
                top, left = REACH + down, REACH + right
                there = wide[:, :, top : top + height + 2 * half, left : left + width + 2 * half]
                apart = (there - around).square().mean(1, keepdim=True)
                apart = functional.avg_pool2d(apart, PATCH, 1)
                weight = torch.exp(-functional.relu(apart - floor) / fall)
                total = total + weight * there[:, :, half : half + height, half : half + width]
                mass = mass + weight
        return total / mass


def _build(channels: int, classes: int) -> NonLocalMeans:
    return NonLocalMeans(channels)


NLM = Learner(
    name="nlm",
    approach="classical",
    title="Non-local means",
    source="Buades, Coll & Morel 2005; Darbon et al. 2008",
    licence="Apache-2.0 (no weights inside)",
    task="restore",
    sizes=(64,),
    build=_build,
    view=view,
    losses=("picture",),
    usual=("picture_l2",),
    epochs=(1, 1),
    steps=0,
    solved=True,
)
