"""tv: the picture that is near the given one and has little total variation, by the first-order primal-dual algorithm.

    minimise over x    1/2 |x - y|^2 + weight * sum over pixels of |gradient of x|

Source: Rudin, Osher, Fatemi 1992, "Nonlinear total variation based noise removal algorithms"; solved by Chambolle & Pock 2011,
"A first-order primal-dual algorithm for convex problems with applications to imaging", algorithm 2, whose gap falls with the
square of the steps because the data term is strongly convex. STEPS of them are unrolled in the graph: with them the gap
between primal and dual value is below a thousandth of the primal value on a scene with noise of 25 (a test holds it to
that). Gradients are forward differences, 0 beyond the edge; each channel is by itself.

It is a prior for noise. Blur it leaves, and its weight is then chosen small.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from objectif.learn.models.base import Learner
from objectif.learn.models.restore.strength import Prior
from objectif.learn.models.restore.view import view

STEPS = 80
NORM = 8.0  # of gradient and divergence, squared, at most


class TotalVariation(Prior):
    """weight: levels of 0..255."""

    def __init__(self, channels: int) -> None:
        super().__init__(weight=15.0)

    def restored(self, given: Tensor) -> Tensor:
        return solved(given, self.strength("weight"))[0]


def gradient(x: Tensor) -> tuple[Tensor, Tensor]:
    """Forward differences (N,C,H,W) to the right and downwards, 0 at the last column and row."""
    right = functional.pad(x, (0, 1, 0, 0), mode="replicate")[:, :, :, 1:] - x
    down = functional.pad(x, (0, 0, 0, 1), mode="replicate")[:, :, 1:] - x
    return right, down


def divergence(p: Tensor, q: Tensor) -> Tensor:
    """Minus the adjoint of gradient(), of fields that are 0 at the last column (p) and row (q)."""
    right = p - functional.pad(p, (1, 0, 0, 0))[:, :, :, :-1]
    return right + q - functional.pad(q, (0, 0, 1, 0))[:, :, :-1]


def solved(given: Tensor, weight: Tensor, steps: int | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """(x, p, q): the picture, and the dual field that proves how near it is."""
    x = ahead = given
    p, q = torch.zeros_like(given), torch.zeros_like(given)
    primal = 4.0 / math.sqrt(NORM)  # the product with the dual step stays 1 / NORM
    dual = 1.0 / (NORM * primal)
    for _ in range(STEPS if steps is None else steps):
        right, down = gradient(ahead)
        p, q = p + dual * right, q + dual * down
        scale = torch.clamp(torch.sqrt(p * p + q * q + 1e-12) / weight, min=1.0)
        p, q = p / scale, q / scale
        before = x
        x = (x + primal * (divergence(p, q) + given)) / (1.0 + primal)
        theta = 1.0 / math.sqrt(1.0 + 2.0 * primal)
        primal, dual = theta * primal, dual / theta
        ahead = x + theta * (x - before)
    return x, p, q


def gap(given: Tensor, weight: float, x: Tensor, p: Tensor, q: Tensor) -> tuple[float, float]:
    """(primal value, primal minus dual value): the second is 0 where x is the solution."""
    right, down = gradient(x)
    primal = 0.5 * (x - given).square().sum() + weight * torch.sqrt(right**2 + down**2).sum()
    flow = divergence(p, q)
    dual = -0.5 * flow.square().sum() - (flow * given).sum()
    return float(primal), float(primal - dual)


def _build(channels: int, classes: int) -> TotalVariation:
    return TotalVariation(channels)


TV = Learner(
    name="tv",
    approach="classical",
    title="Total variation, Chambolle-Pock",
    source="Rudin, Osher & Fatemi 1992; Chambolle & Pock 2011",
    licence="Apache-2.0 (no weights inside)",
    task="restore",
    sizes=(64,),
    build=_build,
    view=view,
    losses=("picture",),
    usual=("picture_l2",),
    epochs=(1, 1),
    steps=0,
    solved=True,
)
