"""The head of numbers and stages, solved at once: ridge of a strength chosen on held-out subjects, conformal intervals.

Features are standardised and divided by the root of how many stand in their block, so that one column that is known beside
the picture weighs as much as a thousand features of it. The rotation is shared by all strengths. Numbers have three rows: the
answer under the loss that is raced, and both ends of the interval under the pinball loss (Koenker & Bassett 1978). Every
subject is held out once; what the ends then miss is added to them (conformalised quantile regression, Romano et al. 2019,
by cross-validation: Barber et al. 2021), so that the exported network carries intervals for subjects it has not seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from objectif.learn.fit.minimise import Rows, minimise
from objectif.learn.losses.base import Batch, Loss
from objectif.learn.losses.poisson import mean_of
from objectif.learn.losses.quantile import Quantile
from objectif.learn.losses.reading import probabilities
from objectif.tasks.conformal import COVERAGE, needed, reach
from objectif.tasks.regress import chosen

STRENGTHS = (0.01, 0.1, 1.0, 10.0)
INNER = 10
"""Parts into which subjects are dealt, each held out once to choose by."""
TAILS = ((1 - COVERAGE) / 2, (1 + COVERAGE) / 2)
_TOLERANCE, _STEPS = 1e-5, 80

Reals = NDArray[np.float64]
Starts = dict[int, Reals]


@dataclass(frozen=True)
class Joint:
    """A loss of the rows of a head together: of an answer and both ends of its interval, or of steps between stages."""

    loss: Loss
    name: str = "joint"

    @property
    def shared(self) -> bool:
        """Whether thresholds are the same for all images."""
        return getattr(self.loss, "reading", "") == "cumulative"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: Any = None) -> Tensor:
        """output (n, 3) or (n, S-1), truth (n, 1)."""
        told = truth[:, 0]
        if self.loss.kind == "stage":
            if self.shared:
                gaps = output[:, 1:].mean(0, keepdim=True).expand(len(output), -1)
                output = torch.cat([output[:, :1], gaps], 1)
            return self.loss(output, told.long(), batch, model)
        low, high = (
            Quantile(tau=t)(output[:, k], told, batch, model) for k, t in zip((0, 2), TAILS, strict=True)
        )
        return self.loss(output[:, 1], told, batch, model) + low + high


@dataclass(frozen=True)
class Lone:
    """The loss of a number's answer alone, by which a strength is chosen."""

    loss: Loss
    name: str = "lone"
    shared: bool = False

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: Any = None) -> Tensor:
        """output and truth (n, 1)."""
        return self.loss(output[:, 0], truth[:, 0], batch, model)


@dataclass(frozen=True)
class Fitted:
    """A solved head. weight (D, K), bias (K): on standardised features. widen: for numbers, in spreads; mass: for stages."""

    weight: Reals
    bias: Reals
    widen: float
    mass: float
    strength: float


def solve(features: Reals, truth: Reals, subjects: Reals, weight: Reals, loss: Loss, width: int) -> Fitted:
    """The head (D features to `width` rows) on features (n, D), truth (n,) numbers in spreads, or stages."""
    left, sizes, right = np.linalg.svd(features, full_matrices=False)
    kept = sizes > 1e-7 * max(1e-12, float(sizes.max(initial=0.0)))
    coordinates = (left[:, kept] * sizes[kept]).astype(np.float32)
    if not kept.any():
        coordinates, right, kept = (
            np.zeros((len(truth), 1), np.float32),
            np.zeros((1, features.shape[1])),
            np.ones(1, bool),
        )
    joint = Joint(loss)
    lone = joint if loss.kind == "stage" else Lone(loss)
    rows = width if loss.kind == "stage" else 1
    starts: Starts = {}
    outputs = {
        s: _held_out(coordinates, truth, subjects, weight, lone, s, rows, starts) for s in reversed(STRENGTHS)
    }
    batch = Batch(torch.from_numpy(weight), torch.zeros(1))
    told = torch.from_numpy(truth[:, None])
    worth = {s: float(lone(torch.from_numpy(o), told, batch)) for s, o in outputs.items()}
    strength = min(worth, key=lambda s: worth[s])
    if lone is not joint:
        outputs[strength] = _held_out(coordinates, truth, subjects, weight, joint, strength, width, {})
    theta = _fit(coordinates, truth, weight, joint, strength, width)
    bias = theta[-1].copy()
    turned = theta[:-1]
    if joint.shared:
        bias[1:] += coordinates.astype(np.float64).mean(0) @ turned[:, 1:]
        turned = turned.copy()
        turned[:, 1:] = 0.0
    widen, mass = _intervals(joint, outputs[strength], truth, subjects)
    return Fitted(right[kept].T @ turned, bias, widen, mass, strength)


def _fit(
    x: NDArray[np.float32],
    y: Reals,
    weight: Reals,
    joint: Joint | Lone,
    strength: float,
    width: int,
    start: Reals | None = None,
) -> Reals:
    rows = Rows(x, y[:, None], weight, width)  # type: ignore[arg-type]  # a column of numbers
    return minimise(rows, joint, strength, start, tolerance=_TOLERANCE, steps=_STEPS).theta  # type: ignore[arg-type]


def _held_out(
    x: NDArray[np.float32],
    y: Reals,
    subjects: Reals,
    weight: Reals,
    joint: Joint | Lone,
    strength: float,
    width: int,
    starts: Starts,
) -> Reals:
    """(n, width) rows of each image by a head that has not seen its subject; of its own where there is one subject.

    starts: of each part the head to begin with, replaced by what is found: the next strength's is not far from it.
    """
    part = parts(subjects)
    found = np.zeros((len(y), width))
    for number in range(int(part.max()) + 1):
        held = part == number
        inner = ~held if (~held).any() else held
        theta = _fit(x[inner], y[inner], weight[inner], joint, strength, width, starts.get(number))
        starts[number] = theta
        found[held] = x[held].astype(np.float64) @ theta[:-1] + theta[-1]
        if joint.shared:
            found[held, 1:] = x[inner].astype(np.float64).mean(0) @ theta[:-1, 1:] + theta[-1, 1:]
    return found


def parts(subjects: Reals) -> NDArray[np.int64]:
    """(n,) which part each image is in: subjects dealt at random, always the same, into at most INNER parts."""
    names, which = np.unique(subjects, return_inverse=True)
    dealt = np.random.default_rng(0).permutation(len(names)) % min(INNER, len(names))
    return np.asarray(dealt[which], np.int64)


def _intervals(joint: Joint, output: Reals, truth: Reals, subjects: Reals) -> tuple[float, float]:
    """What has to be added to both ends, and what a range of stages must hold."""
    if joint.loss.kind == "stage":
        said = probabilities(torch.from_numpy(output), joint.loss.reading).numpy()  # type: ignore[attr-defined]
        score = needed(said, chosen(said, "absolute"), truth.astype(np.int64))
        return 0.0, min(1.0, reach(score, subjects))
    middle = mean_of(torch.from_numpy(output[:, 1])).numpy() if log_link(joint.loss) else output[:, 1]
    low, high = np.minimum(output[:, 0], middle), np.maximum(output[:, 2], middle)
    return reach(np.maximum(low - truth, truth - high), subjects), 1.0


def log_link(loss: Loss) -> bool:
    """Whether the loss's number is the log of the answer."""
    return getattr(loss, "link", "identity") == "log"
