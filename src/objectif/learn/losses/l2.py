"""L2: squared distance; its best answer is the mean.

    L(o, t) = (o - t)^2 / 2

Source: A.-M. Legendre, 1805, "Nouvelles methodes pour la determination des orbites des cometes".
When it helps: errors are as likely above as below and none is wild; a head on fixed features then has a closed form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from objectif.learn.losses.base import Batch, Kind, weighted_mean


@dataclass(frozen=True)
class L2:
    """Half the weighted mean of squared distances."""

    name = "l2"
    title = "L2"
    kind: ClassVar[Kind] = "number"
    convex = True
    balanced = False
    source = "Legendre 1805, least squares"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        return weighted_mean((output - truth.to(output)).square() / 2, batch.weight)


LOSS = L2()
