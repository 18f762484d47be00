"""Quantile (pinball): an error above costs otherwise than one below; its best answer is a quantile.

    L(o, t) = max(tau u, (tau - 1) u),    u = t - o

Source: R. Koenker, G. Bassett, 1978, "Regression Quantiles".
When it helps: too little and too much do not cost the same; at tau one half it has the answers of L1. The bounds of every
interval are learned by it (fit/regress/head.py), whatever the loss of the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from objectif.learn.losses.base import Batch, Kind, weighted_mean


@dataclass(frozen=True)
class Quantile:
    """tau: the quantile, in 0..1."""

    name = "quantile"
    title = "quantile (pinball)"
    kind: ClassVar[Kind] = "number"
    convex = True
    balanced = False
    source = "Koenker & Bassett 1978, Regression Quantiles"
    tau: float = 0.5

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        u = truth.to(output) - output
        return weighted_mean((self.tau * u).maximum((self.tau - 1) * u), batch.weight)


LOSS = Quantile()
