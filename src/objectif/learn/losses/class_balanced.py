"""Class-balanced cross-entropy: each class weighs by the inverse of its effective number of images.

    L(z, y) = -a_y log p_y,    a_c proportional to (1 - b) / (1 - b^n_c)

n_c is how many training images class c has. The weights are scaled so that their mean over the training images
is 1: the loss keeps the size of cross-entropy, and an L2 penalty its meaning.
Source: Y. Cui, M. Jia, T.-Y. Lin, Y. Song, S. Belongie, 2019, "Class-Balanced Loss Based on Effective Number
of Samples".
When it helps: long-tailed training data, judged with equal weight for each class.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from objectif.learn.losses.base import Batch, Kind, log_likelihood, present, weighted_mean


def class_weights(class_counts: Tensor, beta: float, like: Tensor) -> Tensor:
    """(C,) weights by effective number, of mean 1 over the images that are there."""
    counts = present(class_counts, like)
    weights = (1 - beta) / -torch.expm1(counts * torch.log(torch.as_tensor(beta).to(like)))
    return weights * (counts.sum() / (weights * counts).sum())


@dataclass(frozen=True)
class ClassBalanced:
    """Cross-entropy with class weights; beta = 0 is plain, beta -> 1 is inverse frequency."""

    beta: float = 0.999

    name = "class_balanced"
    title = "Class-balanced cross-entropy"
    kind: Kind = "single"
    convex = True
    balanced = True
    source = "Cui et al. 2019, Class-Balanced Loss Based on Effective Number of Samples"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        weights = class_weights(batch.class_counts, self.beta, output)
        return weighted_mean(-weights[truth] * log_likelihood(output, truth), batch.weight)


LOSS = ClassBalanced()
