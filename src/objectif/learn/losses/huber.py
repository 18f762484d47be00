"""Huber: squared near the truth, absolute far from it.

    L(o, t) = u^2 / 2 where |u| <= delta, else delta (|u| - delta / 2),    u = o - t

Source: P. J. Huber, 1964, "Robust Estimation of a Location Parameter".
When it helps: most numbers are good and some are wild; delta is in units of the spread of the numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional

from objectif.learn.losses.base import Batch, Kind, weighted_mean


@dataclass(frozen=True)
class Huber:
    """delta: where it turns from squared to absolute, in spreads of the numbers."""

    name = "huber"
    title = "Huber"
    kind: ClassVar[Kind] = "number"
    convex = True
    balanced = False
    source = "Huber 1964, Robust Estimation of a Location Parameter"
    delta: float = 0.5

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        far = functional.huber_loss(output, truth.to(output), reduction="none", delta=self.delta)
        return weighted_mean(far, batch.weight)


LOSS = Huber()
