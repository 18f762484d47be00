"""Cumulative link (proportional odds): one number, and thresholds between the stages.

    P(y > k) = sigmoid(f - b_k),    b_1 < b_2 < ...; f - b_k = o_0 - sum_{j=1..k} softplus(o_j)

Source: P. McCullagh, 1980, "Regression Models for Ordinal Data".
When it helps: stages are cuts of one thing that grows; fewest numbers to learn. A head keeps the gaps between its thresholds equal for
all images (`shared`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from objectif.learn.losses import reading
from objectif.learn.losses.base import Batch, Kind, weighted_mean

LARGE = 1e5  # an outer threshold: nobody is beyond it
TINY = 1e-6


@dataclass(frozen=True)
class CumulativeLink:
    """Minus the weighted mean of the log-likelihood of the true stage."""

    name = "cumulative_link"
    title = "cumulative link"
    kind: ClassVar[Kind] = "stage"
    convex = False
    balanced = False
    source = "McCullagh 1980, Regression Models for Ordinal Data"
    reading = "cumulative"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        above = reading.cumulative(output)
        edge = torch.full_like(above[:, :1], LARGE)
        ends = torch.cat([edge, above, -edge], 1)
        upper = ends.gather(1, truth[:, None]).squeeze(1)
        lower = ends.gather(1, truth[:, None] + 1).squeeze(1)
        # log(sigmoid(u) - sigmoid(l)) = logsigmoid(u) + logsigmoid(-l) + log(1 - exp(l - u)): nothing cancels
        apart = (upper - lower).clamp_min(TINY)
        said = functional.logsigmoid(upper) + functional.logsigmoid(-lower) + torch.log(-torch.expm1(-apart))
        return weighted_mean(-said, batch.weight)


LOSS = CumulativeLink()
