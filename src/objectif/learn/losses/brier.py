"""Brier score: squared distance between the probabilities and the truth.

    L(z, y) = sum_k (p_k - [k = y])^2,    p = softmax(z)

Source: G. W. Brier, 1950, "Verification of Forecasts Expressed in Terms of Probability".
When it helps: wrong labels. Proper like cross-entropy, but bounded by 2, so that one image cannot pull without
limit. The price: flat where the network is confidently wrong, hence not convex in the logits.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from objectif.learn.losses.base import Batch, Kind, weighted_mean


@dataclass(frozen=True)
class Brier:
    """Squared error of the softmax probabilities, summed over the classes."""

    name = "brier"
    title = "Brier score"
    kind: Kind = "single"
    convex = False
    balanced = False
    source = "Brier 1950, Verification of Forecasts Expressed in Terms of Probability"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        hot = torch.zeros_like(output).scatter_(1, truth[:, None], 1.0)
        values = (torch.softmax(output, dim=1) - hot).square().sum(dim=1)
        return weighted_mean(values, batch.weight)


LOSS = Brier()
