"""Overlap of boxes, row by row, with gradients that stay finite: what the box losses share.

Boxes are (..., 4) x1 y1 x2 y2. Sides below 0 (an inverted box) count as 0, and every denominator has a floor, so that
degenerate boxes give 0 overlap and no NaN. The floor is relative to the boxes at hand: losses then do not depend on the
unit in which pixels are counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

TINY = 1e-7


@dataclass(frozen=True)
class Pairs:
    """What two rows of boxes have in common, each (...,): iou, union, and the smallest box around both (sides, diagonal).

    distance: squared distance of the centres over the squared diagonal of the box around both, 0..1.
    """

    iou: Tensor
    union: Tensor
    around: Tensor
    distance: Tensor
    diagonal: Tensor


def pairs(a: Tensor, b: Tensor) -> Pairs:
    """Compare boxes (..., 4) with boxes (..., 4), broadcast."""
    low = torch.minimum(a[..., :2], b[..., :2])
    high = torch.maximum(a[..., 2:], b[..., 2:])
    sides = (high - low).clamp_min(0)
    inner = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp_min(0)
    diagonal = sides.square().sum(-1)
    floor = TINY * diagonal.detach().clamp_min(TINY)
    common = inner[..., 0] * inner[..., 1]
    union = area(a) + area(b) - common
    gap = (a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]) / 2
    return Pairs(
        iou=common / torch.maximum(union, floor),
        union=union,
        around=sides[..., 0] * sides[..., 1],
        distance=gap.square().sum(-1) / torch.maximum(diagonal, floor),
        diagonal=diagonal,
    )


def area(boxes: Tensor) -> Tensor:
    """(...,) area of boxes (..., 4); 0 for inverted ones."""
    sides = (boxes[..., 2:] - boxes[..., :2]).clamp_min(0)
    return sides[..., 0] * sides[..., 1]


def aspect(a: Tensor, b: Tensor) -> Tensor:
    """(...,) squared difference of the angles of the diagonals, 0..1: 4 / pi^2 (atan(w / h) - atan(w' / h'))^2."""
    return (4 / torch.pi**2) * (_angle(a) - _angle(b)).square()


def _angle(boxes: Tensor) -> Tensor:
    sides = (boxes[..., 2:] - boxes[..., :2]).clamp_min(0)
    floor = 1e-3 * sides.detach().sum(-1).clamp_min(TINY)
    return torch.atan2(sides[..., 0] + floor, sides[..., 1] + floor)
