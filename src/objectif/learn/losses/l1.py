"""L1: absolute distance; its best answer is the median.

    L(o, t) = |o - t|

Source: P.-S. Laplace, 1774, "Memoire sur la probabilite des causes par les evenemens".
When it helps: the objective is MAE, or some numbers are wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from objectif.learn.losses.base import Batch, Kind, weighted_mean


@dataclass(frozen=True)
class L1:
    """Weighted mean of absolute distances."""

    name = "l1"
    title = "L1"
    kind: ClassVar[Kind] = "number"
    convex = True
    balanced = False
    source = "Laplace 1774, least absolute deviations"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        return weighted_mean((output - truth.to(output)).abs(), batch.weight)


LOSS = L1()
