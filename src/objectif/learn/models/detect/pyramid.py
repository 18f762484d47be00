"""A light feature pyramid and light heads: depthwise 3 x 3 and pointwise convolutions, nothing else.

Sources: Lin et al. 2017, "Feature pyramid networks", arXiv:1612.03144 (top-down); Liu et al. 2018, "Path aggregation",
arXiv:1803.01534 (bottom-up). The heads' convolutions are shared by the levels, so that an object seen at one size is
known at the others, and their norms are not, because the levels' statistics differ.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from objectif.learn.models.detect.dense import start_low


class Separable(nn.Module):
    """Depthwise k x k, pointwise, each with norm and ReLU."""

    def __init__(self, width: int, stride: int = 1, kernel: int = 3) -> None:
        super().__init__()
        self.deep = nn.Conv2d(width, width, kernel, stride, kernel // 2, groups=width, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.point = nn.Conv2d(width, width, 1, bias=False)
        self.point_norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.norm(self.deep(x)))
        return functional.relu(self.point_norm(self.point(x)))


class Pyramid(nn.Module):
    """Maps of several widths, each half the size of the one before -> maps of one width, mixed both ways."""

    def __init__(self, widths: Sequence[int], width: int) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(
            nn.Sequential(nn.Conv2d(w, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
            for w in widths
        )
        steps = len(widths) - 1
        self.down = nn.ModuleList(Separable(width) for _ in range(steps))
        self.shrink = nn.ModuleList(Separable(width, stride=2) for _ in range(steps))
        self.up = nn.ModuleList(Separable(width) for _ in range(steps))

    def forward(self, levels: Sequence[Tensor]) -> list[Tensor]:
        maps = [layer(level) for layer, level in zip(self.lateral, levels, strict=True)]
        for i in range(len(maps) - 2, -1, -1):
            larger = functional.interpolate(maps[i + 1], scale_factor=2.0, mode="nearest")
            maps[i] = self.down[i](maps[i] + larger)
        for i in range(1, len(maps)):
            maps[i] = self.up[i - 1](maps[i] + self.shrink[i - 1](maps[i - 1]))
        return maps


class Shared(nn.Module):
    """`depth` separable convolutions for naming and for boxing, shared by the levels, then one convolution for each."""

    def __init__(self, width: int, classes: int, levels: int = 3, depth: int = 2) -> None:
        super().__init__()
        self.naming = nn.ModuleList(_Levelled(width, levels) for _ in range(depth))
        self.boxing = nn.ModuleList(_Levelled(width, levels) for _ in range(depth))
        self.logits = start_low(nn.Conv2d(width, classes, 1))
        self.sides = nn.ModuleList(nn.Conv2d(width, 4, 1) for _ in range(levels))
        for layer in self.sides:
            nn.init.normal_(layer.weight, std=0.01)  # type: ignore[arg-type]
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        found = []
        for level, x in enumerate(maps):
            name = box = x
            for layer in self.naming:
                name = layer(name, level)
            for layer in self.boxing:
                box = layer(box, level)
            found.append(torch.cat([self.sides[level](box), self.logits(name)], 1))
        return found


class _Levelled(nn.Module):
    """A separable convolution with norms for each level."""

    def __init__(self, width: int, levels: int) -> None:
        super().__init__()
        self.deep = nn.Conv2d(width, width, 3, 1, 1, groups=width, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(levels))
        self.point = nn.Conv2d(width, width, 1, bias=False)
        self.point_norms = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(levels))

    def forward(self, x: Tensor, level: int) -> Tensor:
        x = functional.relu(self.norms[level](self.deep(x)))
        return functional.relu(self.point_norms[level](self.point(x)))
