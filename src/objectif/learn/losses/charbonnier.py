"""Charbonnier: mean of sqrt((x - y)^2 + epsilon^2), L1 with a round foot.

Source: P. Charbonnier, L. Blanc-Feraud, G. Aubert, M. Barlaud, 1994, "Two deterministic half-quadratic regularization algorithms for
computed imaging"; for networks W.-S. Lai et al., 2017, "Deep Laplacian Pyramid Networks". When it helps: as L1, and small errors
are still lowered in proportion, so training ends more quietly.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from objectif.learn.losses.base import Batch, Kind
from objectif.learn.losses.pictures import image_mean


@dataclass(frozen=True)
class Charbonnier:
    """epsilon: below it the loss is a parabola; pictures lie in 0..1."""

    name = "charbonnier"
    title = "Charbonnier"
    kind: Kind = "picture"
    convex = True
    balanced = False
    source = "Charbonnier et al. 1994; Lai et al. 2017, Deep Laplacian Pyramid Networks"
    epsilon: float = 1e-3

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        return image_mean(torch.sqrt((output - truth.to(output)).square() + self.epsilon**2), batch.weight)


LOSS = Charbonnier()
