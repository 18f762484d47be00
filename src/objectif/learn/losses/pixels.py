"""What losses of masks share: pixels that are open, means over the pixels of an image, sums over a batch by class.

Outputs are (N, C, H, W) logits, truth is (N, H, W) int64 classes with VOID where nobody knows; such pixels, and the padding
that is also VOID, have no part in any sum. There are two ways to give images their weight, and each loss says which is its own:

- image_mean: the mean over the known pixels of an image, then the weighted mean over images. An image without a known pixel
  is not there.
- confusion: sums over the pixels of the batch, each with the weight of its image, and ratios of the sums. A ratio for each image
  punishes a few pixels of a class that hardly shows as hard as a whole object, and is undefined where the class is
  missing; sums over the batch are steadier for rare classes, and are what mIoU and Dice count over a data set.

Ratios are of classes that occur in the truth of the batch. Others have no overlap to lose; smoothing constants that make up one
would punish the first false pixel as hard as a class missed altogether. What is falsely given to an absent class is missing
from the class that is there, so it is punished all the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from objectif.learn.losses.base import log_likelihood, weighted_mean
from objectif.metrics.masks import VOID


@dataclass(frozen=True)
class Confusion:
    """(C,) masses of pixels by class: rightly given, falsely given, and missed; probabilities count as parts of a pixel."""

    true_positive: Tensor
    false_positive: Tensor
    false_negative: Tensor

    @property
    def occurs(self) -> Tensor:
        """(C,) bool: whether the truth has pixels of the class."""
        return (self.true_positive + self.false_negative) > 0


def pixel_log_likelihood(output: Tensor, truth: Tensor) -> Tensor:
    """(N, H, W) log of the softmax probability given to the true class; of class 0 where truth is VOID."""
    return log_likelihood(output, _filled(truth))


def image_mean(values: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """The weighted mean over images of the mean of (N, H, W) values over known pixels; 0 where none is known."""
    known = truth != VOID
    count = known.sum((1, 2))
    mean = torch.where(known, values, 0).sum((1, 2)) / count.clamp_min(1)
    return weighted_mean(mean, weight * (count > 0))


def confusion(output: Tensor, truth: Tensor, weight: Tensor) -> Confusion:
    """What is right and wrong with softmax(output), summed over the batch's known pixels with weight (N,) of their images."""
    truth_known, mass = _filled(truth), pixel_weight(output, truth, weight)
    p = torch.softmax(output, 1)
    right = p.gather(1, truth_known[:, None]).squeeze(1)
    true_positive = _by_class(mass * right, truth_known, output)
    given = torch.bmm(p.flatten(2), mass.flatten(1)[:, :, None]).sum(0).squeeze(1)
    return Confusion(
        true_positive=true_positive,
        false_positive=(given - true_positive).clamp_min(0),  # rounding may leave less than nothing
        false_negative=_by_class(mass * (1 - right), truth_known, output),
    )


def class_mean(values: Tensor, occurs: Tensor) -> Tensor:
    """Mean of (C,) values over the classes that occur; 0 where none does."""
    return weighted_mean(values, occurs)


def pixel_weight(output: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """(N, H, W) the weight of each pixel's image in the dtype of `output`; 0 where truth is VOID."""
    return weight.to(output)[:, None, None] * (truth != VOID)


def _filled(truth: Tensor) -> Tensor:
    return truth.masked_fill(truth == VOID, 0)


def _by_class(values: Tensor, truth: Tensor, output: Tensor) -> Tensor:
    """(C,) sums of (N, H, W) values. In float64, because they are added one by one."""
    sums = torch.zeros(output.shape[1], dtype=torch.float64, device=output.device)
    return sums.index_add(0, truth.flatten(), values.flatten().double()).to(output)
