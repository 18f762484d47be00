"""Lovasz-softmax: IoU made piecewise linear, the closest convex function of the errors that agrees with it at 0 and 1.

    L(z, y) = mean over classes c of the integral over t in 0..1 of J_c({i : m_i(c) >= t})

m_i(c) = |[y_i = c] - p_i(c)|, p = softmax(z), is the error of pixel i, and J_c(M) = 1 - IoU of class c where the pixels M are
wrong. The gradient of a pixel is by how much IoU falls when it is added to those with larger errors.
Source: M. Berman, A. Rannen Triki, M. B. Blaschko, 2018, "The Lovasz-Softmax Loss: A Tractable Surrogate for the Optimization of
the Intersection-over-Union Measure in Neural Networks", for classes that occur and over the pixels of the batch, as here.
When it helps: mIoU as the objective; to finish what cross-entropy began, since it starts slowly alone.
Errors are sorted into LEVELS levels, by counting; within a level pixels that should be of the class come first. This moves
the value by less than 1 / LEVELS (it is 1-Lipschitz in the errors) and takes a tenth of the time of an exact sort.
Not convex in the logits, though convex in the errors.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from objectif.learn.losses.base import Batch, Kind
from objectif.learn.losses.pixels import class_mean, pixel_weight

LEVELS = 4096


@dataclass(frozen=True)
class Lovasz:
    """The Lovasz extension of 1 - IoU, at the errors of softmax."""

    name = "lovasz"
    title = "Lovasz-softmax"
    kind: Kind = "mask"
    convex = False
    balanced = False
    source = "Berman et al. 2018, The Lovasz-Softmax Loss"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        p = torch.softmax(output, 1)
        weight = pixel_weight(output, truth, batch.weight)
        slope, start, occurs = jaccard_slope(p.detach(), truth, weight)
        return class_mean(start + (slope * p).sum((0, 2, 3)), occurs)


def jaccard_slope(p: Tensor, truth: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """1 - IoU of each class as start + sum(slope p), exact where no error passes another.

    p (N, C, H, W) in 0..1; truth (N, H, W); weight (N, H, W) of the pixels. -> slope (N, C, H, W), start (C,), and whether the
    class occurs (C,) bool. Errors are p where a pixel is of another class, 1 - p where it is of this one: there the slope
    is below 0 and start has what is missed at p = 0.
    """
    classes = p.shape[1]
    number = torch.arange(classes, dtype=torch.int32, device=p.device)[:, None, None]
    key = (p * LEVELS).to(torch.int32).clamp_(0, LEVELS - 1)
    key = key.add_(truth[:, None] == number, alpha=LEVELS).add_(2 * LEVELS * number).flatten()
    mass = torch.bincount(key, weight[:, None].expand_as(p).flatten(), minlength=2 * classes * LEVELS)
    false, missed = mass.double().view(classes, 2, LEVELS).unbind(1)  # at each level of p, the lowest first
    false = false.flip(1)  # the largest errors first: the surest where false, the least sure where missed
    total = missed.sum(1, keepdim=True)
    occurs = total > 0
    before = torch.where(
        occurs, total + false.cumsum(1) - false, 1
    )  # the union, with false pixels of larger errors
    after = before + false
    left = (total - missed.cumsum(1)).clamp_min(
        0
    )  # the intersection, without pixels missed by as much or more
    table = torch.stack([(left / (before * after)).flip(1), -1 / before], 1).to(p)
    slope = table.flatten().index_select(0, key).view_as(p).mul_(weight[:, None])
    return slope, (missed / before).sum(1).to(p), occurs[:, 0]


LOSS = Lovasz()
