"""One-versus-rest binary cross-entropy: each class asks alone "is it me?".

    L(z, y) = log(1 + exp(-z_y)) + sum_{k != y} log(1 + exp(z_k))

Source: R. Rifkin, A. Klautau, 2004, "In Defense of One-Vs-All Classification"; for deep networks R. Wightman,
H. Touvron, H. Jegou, 2021, "ResNet Strikes Back".
When it helps: classes that do not exclude each other in the picture, and answers that should stay low for
all classes where nothing fits. Each term is convex.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from objectif.learn.losses.base import Batch, Kind, weighted_mean


@dataclass(frozen=True)
class OneVsRest:
    """Binary cross-entropy summed over the classes, truth one-hot."""

    name = "one_vs_rest_bce"
    title = "One-versus-rest BCE"
    kind: Kind = "single"
    convex = True
    balanced = False
    source = "Rifkin & Klautau 2004, In Defense of One-Vs-All Classification"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        hot = torch.zeros_like(output).scatter_(1, truth[:, None], 1.0)
        values = functional.binary_cross_entropy_with_logits(output, hot, reduction="none").sum(dim=1)
        return weighted_mean(values, batch.weight)


LOSS = OneVsRest()
