"""Poisson: minus the log-likelihood of a count whose log is linear.

    L(o, t) = exp(o) - t o,    the answer is exp(o)

Source: J. A. Nelder, R. W. M. Wedderburn, 1972, "Generalized Linear Models".
When it helps: numbers are counts, and their spread grows with them. For numbers of 0 or more; in other units than counts it is the
quasi-likelihood with the same best answer (Wedderburn 1974). Above CAP the exponential goes on as a line, so that
nothing overflows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from objectif.learn.losses.base import Batch, Kind, weighted_mean

CAP = 12.0


@dataclass(frozen=True)
class Poisson:
    """Weighted mean of exp(o) - t o."""

    name = "poisson"
    title = "Poisson"
    kind: ClassVar[Kind] = "number"
    convex = True
    balanced = False
    source = "Nelder & Wedderburn 1972, Generalized Linear Models"
    link = "log"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        return weighted_mean(mean_of(output) - truth.to(output) * output, batch.weight)


def mean_of(output: Tensor) -> Tensor:
    """exp(output), from CAP on along its tangent."""
    low = output.clamp_max(CAP)
    return torch.exp(low) * (1 + output - low)


LOSS = Poisson()
