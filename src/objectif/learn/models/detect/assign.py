"""Which places of a dense detector are to find which object, and how sure they should be of it.

Task alignment (Feng et al. 2021, "TOOD", arXiv:2108.07755): of the places inside an object those are taken that already
do best at both naming and boxing it, by score^alpha * iou^beta; the wanted quality of a place is its alignment, scaled
so that the best place of an object is asked for the overlap that the object's best box has.

Rejected: fixed assignment by size and centre (one more table to tune per data set), and optimal transport (SimOTA): on
blood_cells equal after ten epochs, and slower on one core.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

CLASS, IGNORE = 4, 5  # columns of a truth row: x1 y1 x2 y2 class ignore; padding has class -1


@dataclass(frozen=True)
class Settings:
    """places: the most places per object. alpha, beta: how much naming and boxing decide."""

    places: int = 10
    alpha: float = 0.5
    beta: float = 6.0


@dataclass(frozen=True)
class Wanted:
    """What each of A places of N images is asked for.

    quality: (N,A,C) in 0..1. boxes: (N,A,4), meaningful where `chosen` (N,A). counted: (N,A), 0 where nothing is asked:
    places inside objects that are to be ignored.
    """

    quality: Tensor
    boxes: Tensor
    chosen: Tensor
    counted: Tensor


@torch.no_grad()
def assign(
    points: Tensor, strides: Tensor, boxes: Tensor, scores: Tensor, truth: Tensor, settings: Settings
) -> Wanted:
    """points (A,2) and strides (A,) of the places, their present boxes (N,A,4) and scores (N,A,C); truth (N,G,6)."""
    quality = torch.zeros_like(scores)
    wanted = torch.zeros_like(boxes)
    chosen = torch.zeros(boxes.shape[:2], dtype=torch.bool, device=boxes.device)
    counted = torch.ones(boxes.shape[:2], dtype=boxes.dtype, device=boxes.device)
    for row, objects in enumerate(truth.to(boxes)):
        objects = objects[objects[:, CLASS] >= 0]
        ignored = objects[:, IGNORE] > 0
        objects, left_out = objects[~ignored], objects[ignored]
        if len(objects):
            one = _one(points, strides, boxes[row], scores[row], objects, settings)
            chosen[row], wanted[row], quality[row] = one
        if len(left_out):
            over = _inside(points, strides, left_out[:, :4]).any(0) & ~chosen[row]
            counted[row] = (~over).to(counted)
    return Wanted(quality, wanted, chosen, counted)


def _one(
    points: Tensor, strides: Tensor, boxes: Tensor, scores: Tensor, objects: Tensor, settings: Settings
) -> tuple[Tensor, Tensor, Tensor]:
    """One image with objects (G,6): chosen (A,), boxes (A,4), quality (A,C)."""
    label = objects[:, CLASS].long()
    inside = _inside(points, strides, objects[:, :4])
    overlap = iou(objects[:, None, :4], boxes[None]) * inside
    aligned = scores[:, label].T.pow(settings.alpha) * overlap.pow(settings.beta)
    best = aligned.topk(min(settings.places, aligned.shape[1]), dim=1).indices
    taken = torch.zeros_like(inside).scatter_(1, best, True) & inside & (overlap > 0)
    owner = torch.where(taken, overlap, -1.0).argmax(
        0
    )  # a place wanted by several goes where it overlaps most
    taken &= torch.zeros_like(taken).scatter_(0, owner[None], True)
    aligned, overlap = aligned * taken, overlap * taken
    scale = overlap.amax(1, keepdim=True) / aligned.amax(1, keepdim=True).clamp_min(1e-30)
    chosen = taken.any(0)
    quality = torch.zeros_like(scores)
    quality[torch.arange(len(scores)), label[owner]] = (aligned * scale).amax(0) * chosen
    return chosen, objects[owner, :4], quality


def _inside(points: Tensor, strides: Tensor, boxes: Tensor) -> Tensor:
    """(G,A) whether a place lies in a box; small boxes reach at least one finest stride from their centre."""
    finest = strides.min()
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]) / 2
    reach = half[:, None].expand(-1, len(points), -1)
    near = torch.where((strides == finest)[None, :, None], reach.clamp_min(float(finest)), reach)
    return ((points[None] - centre[:, None]).abs() < near).all(-1)


def iou(a: Tensor, b: Tensor) -> Tensor:
    """Overlap of boxes (..., 4) with boxes (..., 4), broadcast; 0 for what has no area."""
    inner = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp_min(0)
    common = inner[..., 0] * inner[..., 1]
    return common / (_area(a) + _area(b) - common).clamp_min(1e-6)


def _area(boxes: Tensor) -> Tensor:
    sides = (boxes[..., 2:] - boxes[..., :2]).clamp_min(0)
    return sides[..., 0] * sides[..., 1]
