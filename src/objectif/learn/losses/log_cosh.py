"""Log-cosh: a Huber loss without a corner.

    L(o, t) = s^2 log cosh(u / s),    u = o - t

Source: P. J. Green, 1990, "Bayesian Reconstructions from Emission Tomography Data Using a Modified EM Algorithm".
When it helps: as Huber, where the optimiser uses curvature.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional

from objectif.learn.losses.base import Batch, Kind, weighted_mean


@dataclass(frozen=True)
class LogCosh:
    """scale: where it turns from squared to absolute, in spreads of the numbers."""

    name = "log_cosh"
    title = "log-cosh"
    kind: ClassVar[Kind] = "number"
    convex = True
    balanced = False
    source = "Green 1990, Bayesian Reconstructions from Emission Tomography Data"
    scale: float = 0.5

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        u = (output - truth.to(output)).abs() / self.scale
        soft = u + functional.softplus(-2 * u) - math.log(2)  # log cosh without the overflow of cosh
        return weighted_mean(self.scale**2 * soft, batch.weight)


LOSS = LogCosh()
