"""Dense: a detector that answers at every place of three maps, without anchors. What all detectors here share.

Trunk -> levels at strides 8, 16 and 32 -> neck -> head. A place gives four numbers, which `decode` turns into a box, and
a logit for each class, whose sigmoid is asked to be the quality of that box (no centre-ness, no objectness of its own:
one number ranks). NMS is not part of it: its thresholds are tuned on held-out images and belong to the Solution.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from objectif.learn.models.base import Whole
from objectif.learn.models.detect.assign import CLASS, IGNORE, Settings, assign

if TYPE_CHECKING:
    from objectif.learn.losses.base import Batch, Loss

STRIDES = (8, 16, 32)
PRIOR = 0.01  # a place's score before it has learned anything (Lin et al. 2017, arXiv:1708.02002)
BOX_GAIN = 2.0
Decode = Callable[[Tensor, Tensor, Tensor], Tensor]


class Dense(Whole):
    """trunk: (N,C,H,W) in 0..255 -> maps at STRIDES. neck: maps -> maps. head: maps -> one (N,4+C,h,w) for each.

    decode: (raw (N,A,4), points (A,2), strides (A,1)) -> boxes (N,A,4) in pixels.
    fixed: parts of the trunk that never learn; they run without gradient, their norms stay as they are.
    """

    outputs = ("boxes", "scores", "embedding")

    def __init__(
        self, trunk: nn.Module, neck: nn.Module, head: nn.Module, decode: Decode, *, trunk_rate: float = 1.0
    ) -> None:
        super().__init__()
        self.trunk, self.neck, self.head = trunk, neck, head
        self.decode = decode
        self.trunk_rate = trunk_rate
        self.settings = Settings()
        self.box_gain = BOX_GAIN
        self.strides = STRIDES

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        boxes, logits, embedding, _, _ = self.places(image)
        return boxes, torch.sigmoid(logits), embedding

    def places(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Boxes (N,A,4), logits (N,A,C), embedding (N,D), points (A,2) and strides (A,1)."""
        levels = self.trunk(image.permute(0, 3, 1, 2).to(torch.float32))
        maps = self.head(self.neck(levels))
        rows = torch.cat([m.flatten(2) for m in maps], 2).transpose(1, 2)
        points, strides = _grid([(m.shape[2], m.shape[3]) for m in maps], self.strides, rows)
        boxes = self.decode(rows[..., :4], points, strides)
        return boxes, rows[..., 4:], levels[-1].mean((2, 3)), points, strides

    def objective(self, image: Tensor, truth: Tensor, losses: tuple[Loss, ...], batch: Batch) -> Tensor:
        dense, box = losses
        boxes, logits, _, points, strides = self.places(image)
        boxes, logits = boxes.float(), logits.float()
        scores = logits.detach().sigmoid()
        wanted = assign(points, strides[:, 0], boxes.detach(), scores, truth, self.settings)
        rows = replace(batch, weight=(wanted.counted * batch.weight[:, None]).flatten())
        total = dense(logits.flatten(0, 1), wanted.quality.flatten(0, 1), rows, self)
        if wanted.chosen.any():
            quality = wanted.quality.sum(2) * batch.weight[:, None]
            matched = replace(batch, weight=quality[wanted.chosen])
            total = total + self.box_gain * box(
                boxes[wanted.chosen], wanted.boxes[wanted.chosen], matched, self
            )
        return total

    def rates(self) -> list[dict[str, Any]]:
        groups = []
        for part, rate in ((self.trunk, self.trunk_rate), (self.neck, 1.0), (self.head, 1.0)):
            moving = [p for p in part.parameters() if p.requires_grad]
            groups += [
                {"params": [p for p in moving if p.ndim > 1], "lr": rate, "weight_decay": 1.0},
                {"params": [p for p in moving if p.ndim <= 1], "lr": rate, "weight_decay": 0.0},
            ]
        return groups

    def counts(self, truth: NDArray[np.floating[Any]], classes: int) -> Tensor:
        """Objects of each class, without those to be ignored."""
        rows = truth.reshape(-1, truth.shape[-1])
        labels = rows[(rows[:, CLASS] >= 0) & (rows[:, IGNORE] == 0), CLASS].astype(np.int64)
        return torch.from_numpy(np.bincount(labels, minlength=classes).astype(np.float32))


def _grid(shapes: list[tuple[int, int]], strides: tuple[int, ...], like: Tensor) -> tuple[Tensor, Tensor]:
    """Centres (A,2) of the cells of maps of these shapes, in pixels, and their strides (A,1)."""
    points, sizes = [], []
    for (height, width), stride in zip(shapes, strides, strict=True):
        y, x = torch.meshgrid(torch.arange(int(height)), torch.arange(int(width)), indexing="ij")
        cells = (torch.stack([x, y], 2).reshape(-1, 2) + 0.5) * stride
        points.append(cells)
        sizes.append(torch.full((len(cells), 1), float(stride)))
    return torch.cat(points).to(like), torch.cat(sizes).to(like)


def from_sides(raw: Tensor, points: Tensor, strides: Tensor) -> Tensor:
    """Distances to left, top, right and bottom: exp(raw) * 2 strides."""
    sides = torch.exp(raw.clamp(-6.0, 5.0)) * (2.0 * strides)
    return torch.cat([points - sides[..., :2], points + sides[..., 2:]], -1)


def from_centre(raw: Tensor, points: Tensor, strides: Tensor) -> Tensor:
    """Shift of the centre from the cell's corner in strides, and logarithms of the sides in strides (as YOLOX)."""
    centre = points + (raw[..., :2] - 0.5) * strides
    half = torch.exp(raw[..., 2:].clamp(-6.0, 6.0)) * (0.5 * strides)
    return torch.cat([centre - half, centre + half], -1)


def start_low(layer: nn.Conv2d, prior: float = PRIOR) -> nn.Conv2d:
    """Small weights and a bias that gives every place the prior: background is most of what there is."""
    nn.init.normal_(layer.weight, std=0.01)
    if layer.bias is not None:
        nn.init.constant_(layer.bias, -math.log((1 - prior) / prior))
    return layer
