"""Unlike: a network made of fixed features of parts of a picture, and a measure of how far they are from good ones.

Nothing is trained by steps. `solve` takes the good pictures of the training images, and only these: a defect that got into
what is good would be answered as good for ever. The measure (memory.py, gaussian.py) is arithmetic that ONNX has, fixed
once it is fitted, so the exported file gives the answers of this module.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from objectif.errors import TrialError
from objectif.learn.models.base import Whole

if TYPE_CHECKING:
    from objectif.learn.losses.base import Batch, Loss

BATCH = 8
PRIOR = 5.0
"""Pictures that the mean of all places counts as, beside those that tell of one place."""
NEAR = 5
"""Cells along a side that tell together what is usual at their middle."""
LEAST = 1e-3
"""Standard deviation of distances, which are about 1: constant pictures have none."""
PREPARATIONS = ("equalise_gray", "denoise", "clahe")
"""Steps that take exposure or noise away, in which good pictures differ as much as defects do from them."""
AROUND = 3
"""Cells along a side over which features are averaged: a defect is seen in its surroundings (Roth et al. 2022)."""


class Measure(nn.Module):
    """How far features are from those of good pictures."""

    def fit(self, features: Tensor) -> Tensor:
        """features (n,D,h,w) of all good pictures to learn from; returns how far (m,h,w) some of them would be, were they new."""
        raise NotImplementedError

    def forward(self, features: Tensor) -> Tensor:
        """(N,D,h,w) -> (N,h,w)."""
        raise NotImplementedError


class Unlike(Whole):
    """Maps of a trunk, brought to one grid, a Measure on them, and how far that usually is at each place.

    At the border of a picture a network sees nothing beyond, and good pictures vary there more than in their middle: the
    most unusual place of nearly every picture, good or not, lay at its border. So a distance is told in standard deviations
    from what is usual at its place. On good magnetic tiles with made-up defects, held out, this took the image AUROC from
    0.63 to 0.92 and the pixel AUROC from 0.90 to 0.95.

    trunk: (N,C,H,W) in 0..255 -> maps, the first of which has the grid of the answer.
    """

    outputs = ("anomaly", "embedding")
    usual: Tensor
    varies: Tensor

    def __init__(self, trunk: nn.Module, measure: Measure, around: int = AROUND) -> None:
        super().__init__()
        self.trunk, self.measure, self.around = trunk.requires_grad_(False).eval(), measure, around
        self.register_buffer("usual", torch.zeros(1, 1))
        self.register_buffer("varies", torch.ones(1, 1))

    def train(self, mode: bool = True) -> Unlike:
        """Always as in use: there is nothing that training would move."""
        super().train(False)
        return self

    def features(self, image: Tensor) -> Tensor:
        """image (N,H,W,C) -> (N,D,h,w)."""
        maps: Sequence[Tensor] = self.trunk(image.to(torch.float32).permute(0, 3, 1, 2))
        grid = _size(maps[0])
        alike = []
        for one in maps:
            seen = functional.avg_pool2d(one, self.around, 1, self.around // 2, count_include_pad=False)
            if _size(seen) != grid:
                factor = tuple(to / there for to, there in zip(grid, _size(seen), strict=True))
                seen = functional.interpolate(seen, scale_factor=factor, mode="bilinear", align_corners=False)
            alike.append(seen)
        return torch.cat(alike, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        found = self.features(image)
        return (self.measure(found) - self.usual) / self.varies, found.mean((2, 3))

    @torch.no_grad()
    def solve(self, image: Tensor, truth: Tensor, losses: tuple[Loss, ...], batch: Batch) -> None:
        """Fit the measure to the good pictures. TrialError where there is none."""
        rows = torch.nonzero(truth[:, -1, 0] == 0)[:, 0]
        if not len(rows):
            raise TrialError("no good picture is among the images to learn from")
        features = torch.cat([self.features(image[some]) for some in torch.split(rows, BATCH)])
        distances = self.measure.fit(features)
        self.usual = _drawn(distances.mean(0), len(distances))
        squares = (distances - self.usual).square().mean(0)
        self.varies = _drawn(squares, len(distances)).sqrt().clamp_min(LEAST)


def _size(one: Tensor) -> tuple[int, int]:
    """(h, w) as plain numbers, which an export takes for constants."""
    return int(one.shape[2]), int(one.shape[3])


def _drawn(places: Tensor, pictures: int) -> Tensor:
    """(h,w) smoothed, and drawn towards the mean of all places by how few pictures tell of them."""
    smooth = functional.avg_pool2d(places[None, None], NEAR, 1, NEAR // 2, count_include_pad=False)[0, 0]
    return (pictures * smooth + PRIOR * places.mean()) / (pictures + PRIOR)


def view(
    images: NDArray[Any],
    truth: NDArray[Any],
    size: tuple[int, int],
    generator: np.random.Generator,
    progress: float,
    symmetries: tuple[str, ...],
) -> tuple[NDArray[Any], NDArray[Any]]:
    """A View (see learn/models/base.py) that shows pictures as they are in use: what is unusual there must not be learned."""
    if images.shape[1:3] == size:
        return images, truth
    seen = [cv2.resize(one, size[::-1], interpolation=cv2.INTER_AREA) for one in images]
    return np.stack(seen).reshape(len(images), *size, images.shape[3]), truth
