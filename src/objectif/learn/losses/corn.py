"""CORN: for each stage but the last, whether it is passed by those who have reached it.

    P(y > k | y >= k) = sigmoid(o_k),    P(y > k) = prod_{j <= k} sigmoid(o_j)

Source: X. Shi, W. Cao, S. Raschka, 2023, "Deep Neural Networks for Rank-Consistent Ordinal Regression Based on Conditional
Probabilities".
When it helps: stages are in order and what tells one step from the next differs from step to step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from objectif.learn.losses.base import Batch, Kind, weighted_mean


@dataclass(frozen=True)
class Corn:
    """Minus the weighted mean of the log-likelihood of the true stage."""

    name = "corn"
    title = "CORN"
    kind: ClassVar[Kind] = "stage"
    convex = True
    balanced = False
    source = "Shi, Cao & Raschka 2023, Rank-Consistent Ordinal Regression Based on Conditional Probabilities"
    reading = "conditional"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        steps = torch.arange(output.shape[1], device=output.device)
        reached = (truth[:, None] >= steps).to(output)
        passed = (truth[:, None] > steps).to(output)
        each = functional.binary_cross_entropy_with_logits(output, passed, reduction="none")
        return weighted_mean((reached * each).sum(1), batch.weight)


LOSS = Corn()
