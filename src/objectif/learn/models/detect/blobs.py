"""blobs: a window slides over a pyramid of scales and is named and boxed by linear functions of hand-made measures.

At each of three scales a place is seen through 5 x 5 cells: mean colour, energy of edges in four directions relative to
the edges around, how light and colour differ from the surroundings (differences of Gaussians: Lindeberg 1998, "Feature
detection with automatic scale selection"; cells of edge directions: Dalal & Triggs 2005, "Histograms of oriented
gradients"). A logistic function of them says what is there, a linear one where its sides are. Nothing in it is pretrained,
a step takes milliseconds, and it is what a detector has to beat.

Rejected as proposals: regions by threshold or watershed. They need a picture of known light and contrast, and do not
export; a dense grid of blobs does, and shares training, losses and decoding with the networks.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from objectif.learn.models.base import Learner
from objectif.learn.models.detect.dense import STRIDES, Dense, from_sides, start_low
from objectif.learn.models.detect.view import view

CELLS = 5  # the window, in cells of a stride
FINE = 4  # pixels of the scale's own image along a cell
MEASURES = 14


class Filters(nn.Module):
    """(N,C,H,W) in 0..255 -> (N,MEASURES,h,w) at each of STRIDES. Nothing in it learns."""

    slopes: Tensor

    def __init__(self) -> None:
        super().__init__()
        slope = torch.outer(torch.tensor([1.0, 2.0, 1.0]) / 4, torch.tensor([-0.5, 0.0, 0.5]))
        self.register_buffer("slopes", torch.stack([slope, slope.T])[:, None])

    @torch.no_grad()
    def forward(self, image: Tensor) -> list[Tensor]:
        x = _opponent(image / 255.0)
        x = functional.avg_pool2d(x, STRIDES[0] // FINE)
        maps = []
        for number in range(len(STRIDES)):
            x = functional.avg_pool2d(x, 2) if number else x
            maps.append(self._measures(x))
        return maps

    def _measures(self, x: Tensor) -> Tensor:
        """(N,3,h,w) of one scale -> (N,MEASURES,h/FINE,w/FINE)."""
        slopes = functional.conv2d(functional.pad(x[:, :1], (1, 1, 1, 1), mode="replicate"), self.slopes)
        right, down = slopes[:, :1], slopes[:, 1:]
        both = 0.5 * (right + down), 0.5 * (right - down)
        edges = torch.cat([right.abs(), down.abs(), both[0].abs(), both[1].abs()], 1)
        cells = functional.avg_pool2d(torch.cat([x, edges, x[:, :1].square()], 1), FINE)
        colour, edges, square = cells[:, :3], cells[:, 3:7], cells[:, 7:]
        around = functional.avg_pool2d(colour, CELLS, 1, CELLS // 2, count_include_pad=False)
        near = functional.avg_pool2d(colour, 3, 1, 1, count_include_pad=False)
        busy = functional.avg_pool2d(
            edges.sum(1, keepdim=True), CELLS, 1, CELLS // 2, count_include_pad=False
        )
        rough = torch.sqrt((square - colour[:, :1].square()).clamp_min(1e-6))
        contrast = near - around
        return torch.cat([colour, edges / (busy + 0.02), busy, rough, contrast, contrast[:, :2].abs()], 1)


def _opponent(image: Tensor) -> Tensor:
    """(N,C,H,W) in 0..1 -> gray, red against green, blue against yellow; one channel has no colours."""
    gray = image.mean(1, keepdim=True)
    if image.shape[1] < 3:
        return torch.cat([gray, torch.zeros_like(gray), torch.zeros_like(gray)], 1)
    red, green, blue = image[:, :1], image[:, 1:2], image[:, 2:3]
    return torch.cat([gray, red - green, blue - 0.5 * (red + green)], 1)


class Standard(nn.Module):
    """Each measure of each scale with mean 0 and spread 1 over the training images; never learned further."""

    def __init__(self) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.BatchNorm2d(MEASURES, affine=False, momentum=0.05) for _ in STRIDES)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        return [norm(x).clamp(-4.0, 4.0) for norm, x in zip(self.norms, maps, strict=True)]


class Linear(nn.Module):
    """One linear function of the window for all scales; a window that reaches over the edge sees means there."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.logits = start_low(nn.Conv2d(MEASURES, classes, CELLS, 1, CELLS // 2))
        self.sides = nn.Conv2d(MEASURES, 4, CELLS, 1, CELLS // 2)
        nn.init.zeros_(self.sides.weight)
        nn.init.zeros_(self.sides.bias)  # type: ignore[arg-type]
        self.shift = nn.Parameter(torch.zeros(len(STRIDES), classes))

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        found = []
        for shift, x in zip(self.shift, maps, strict=True):
            found.append(torch.cat([self.sides(x), self.logits(x) + shift[None, :, None, None]], 1))
        return found


def _build(channels: int, classes: int) -> Dense:
    return Dense(Filters(), Standard(), Linear(classes), from_sides)


BLOBS = Learner(
    name="blobs",
    approach="classical",
    title="Sliding window over scales, linear on colour, edges and contrast",
    source="Dalal & Triggs 2005; Lindeberg 1998",
    licence="Apache-2.0 (no weights inside)",
    task="detect",
    sizes=(320,),
    build=_build,
    view=view,
    losses=("dense", "box"),
    usual=("quality_focal", "giou"),
    epochs=(10, 400),
    steps=250,
    rate=1e-2,
    decay=1e-3,
)
