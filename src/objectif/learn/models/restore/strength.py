"""Classical: a prior with a few strengths that are chosen on the training pairs by golden section, one after the other.

Strengths are kept as logarithms, because twice is as far from once as once from half. Whatever loss is asked lowers
itself by them, so a self-supervised loss chooses them without a clean picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from objectif.learn.models.restore.restorer import Restorer

if TYPE_CHECKING:
    from objectif.learn.losses.base import Batch, Loss

SECTION = (math.sqrt(5) - 1) / 2
STEPS = 5  # of a golden section: a tenth of the interval is left
REACH = math.log(4.0)  # how far a strength may lie from where it starts, up or down
MOST = 12  # training pictures that are looked at


class Prior(Restorer):
    """Subclasses name their strengths, with where each starts, in levels of 0..255."""

    def __init__(self, **strengths: float) -> None:
        super().__init__()
        self.names = tuple(strengths)
        for name, start in strengths.items():
            self.register_parameter(f"log_{name}", nn.Parameter(torch.tensor(math.log(start))))

    def strength(self, name: str) -> Tensor:
        """One strength, above 0."""
        return torch.exp(getattr(self, f"log_{name}"))

    @torch.no_grad()
    def solve(self, image: Tensor, truth: Tensor, losses: tuple[Loss, ...], batch: Batch) -> None:
        """Each strength in turn, where the loss is least on some of the training pictures."""
        rows = torch.arange(len(image))[:: max(1, len(image) // MOST)][:MOST]
        some = replace(batch, weight=batch.weight[rows])
        for name in self.names:
            value: Tensor = getattr(self, f"log_{name}")

            def at(log: float, value: Tensor = value) -> float:
                value.fill_(log)
                return float(self.objective(image[rows], truth[rows], losses, some))

            middle = float(value)
            value.fill_(least(at, middle - REACH, middle + REACH))


def least(of: Callable[[float], float], low: float, high: float) -> float:
    """Where a function with one minimum in low..high is least, by golden section (Kiefer 1953)."""
    left, right = high - SECTION * (high - low), low + SECTION * (high - low)
    at_left, at_right = of(left), of(right)
    for _ in range(STEPS):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - SECTION * (high - low)
            at_left = of(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + SECTION * (high - low)
            at_right = of(right)
    return left if at_left <= at_right else right
