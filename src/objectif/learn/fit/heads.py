"""Heads: a linear map from fixed features to logits, solved to the optimum of any loss, and calibrated.

    minimise over W, b    mean loss(X W + b, truth) + g / (2 n) ||W||^2

`Rotated` is made once per set of training rows and shared by all losses. `fit_head` walks a warm-started path of
strengths g from strong to weak on one inner holdout, keeps the strength of least held-out log loss after temperature,
solves again on all rows, and folds the temperature into weight and bias. `solve` is one such problem.

Held-out log loss chooses rather than held-out accuracy, measured on four sets x two extractors, labels clean and (but for
flowers) 20 % wrong, mean accuracy and log loss out of fold: cross-entropy .743 .904 against .740 .912, hinge .750 .894 against .749 .901.
A second and a third holdout gain less than .003. A loss that answers for balanced classes chooses and calibrates with
equal weight for each class; temperature and strength leave its shift of the answers alone.
Losses that are not convex begin at the solution of cross-entropy, so that their answer is one and the same each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from objectif.errors import ProblemError
from objectif.learn.fit.calibrate import temperature
from objectif.learn.fit.holdout import inner_holdout
from objectif.learn.fit.minimise import Minimum, Rows, minimise
from objectif.learn.fit.rotate import Span, rotate
from objectif.learn.losses.base import Loss
from objectif.learn.losses.bce import LOSS as BCE
from objectif.learn.losses.cross_entropy import LOSS as CROSS_ENTROPY

STRENGTHS = (5.0, 1.0, 0.2, 0.04, 0.008, 0.0016, 0.00032, 0.000064)
PATH_TOLERANCE = 1e-5  # enough to compare strengths; the last solution is solved further
DEFAULT_STRENGTH = 0.2  # where no holdout is possible
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Head:
    """logits = features @ weight + bias, on raw features.

    weight (D,C), bias (C,) float32, temperature folded in. strength: of the penalty. held_out: log loss on the inner
    holdout (nan without one). steps: evaluations of the last solution; converged: whether its solver was satisfied.
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    loss: str
    strength: float
    temperature: float
    held_out: float
    steps: int
    converged: bool

    def logits(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N,D) raw features -> (N,C) calibrated logits."""
        scores: NDArray[np.float32] = features @ self.weight + self.bias
        return scores


class Rotated:
    """Training rows made ready once for the heads of every loss.

    features: (N,D) raw. truth: (N,) class indices, or (N,C) of 0 and 1. groups: (N,) rows of one group (copies of
    an image, a patient) stay on one side of the inner holdout. weight: (N,) importance, a row of 2 counts as two.
    """

    def __init__(
        self,
        features: NDArray[np.float32],
        truth: NDArray[np.int64],
        *,
        groups: NDArray[np.int64] | None = None,
        weight: NDArray[np.floating] | None = None,
        seed: int = 0,
    ) -> None:
        self.truth = np.asarray(truth, np.int64)
        self.groups = groups
        self.weight: Array = np.ones(len(truth)) if weight is None else np.asarray(weight, np.float64)
        self.span: Span = rotate(features, self.weight)
        self._hold_out(seed)

    def _hold_out(self, seed: int) -> None:
        classes = self.truth.shape[1] if self.truth.ndim == 2 else int(self.truth.max()) + 1
        self.held = inner_holdout(self.truth, classes, groups=self.groups, weight=self.weight, seed=seed)
        self._inner = np.ascontiguousarray(self.span.coordinates[~self.held])
        self._references: dict[tuple[float, int], Array] = {}

    def reseeded(self, seed: int) -> Self:
        """The same rotation with another inner holdout; far cheaper than another rotation."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._hold_out(seed)
        return other

    def rows(self, classes: int, *, inner: bool = False) -> Rows:
        """All rows, or those that train while the inner holdout is held out."""
        if inner:
            return Rows(self._inner, self.truth[~self.held], self.weight[~self.held], classes)
        return Rows(self.span.coordinates, self.truth, self.weight, classes)

    def reference(self, strength: float, classes: int) -> Array:
        """theta of (binary) cross-entropy on the inner rows: where losses that are not convex begin. Solved once."""
        key = (strength, classes)
        if key not in self._references:
            plain: Loss = BCE if self.truth.ndim == 2 else CROSS_ENTROPY
            stronger = [k for k in self._references if k[0] > strength and k[1] == classes]
            start = self._references[min(stronger)] if stronger else None
            found = minimise(self.rows(classes, inner=True), plain, strength, start, tolerance=PATH_TOLERANCE)
            self._references[key] = found.theta
        return self._references[key]


def solve(data: Rotated, loss: Loss, *, classes: int, strength: float, start: Array | None = None) -> Head:
    """One head at one strength, uncalibrated. start: theta in rotated coordinates (see minimise)."""
    _agree(data, loss)
    if start is None and not loss.convex:
        start = data.reference(strength, classes)
    return _finish(
        data, loss, minimise(data.rows(classes), loss, strength, start), strength, 1.0, float("nan")
    )


def fit_head(data: Rotated, loss: Loss, *, classes: int) -> Head:
    """The head of this loss: strength and temperature chosen on the inner holdout, solved on all rows.

    ProblemError where the loss is for another kind of truth; TrialError where it is not finite.
    """
    _agree(data, loss)
    with threadpool_limits(1):  # threads cost forty times what they gain on matrices this small
        return _fit(data, loss, classes)


def _fit(data: Rotated, loss: Loss, classes: int) -> Head:
    if not data.held.any():
        return solve(data, loss, classes=classes, strength=DEFAULT_STRENGTH)
    best = _choose(data, loss, classes)
    found = minimise(data.rows(classes), loss, best.strength, best.theta)
    return _finish(data, loss, found, best.strength, best.temperature, best.held_out)


@dataclass(frozen=True)
class _Step:
    """One strength tried on the inner holdout."""

    strength: float
    theta: Array
    temperature: float
    held_out: float


def _choose(data: Rotated, loss: Loss, classes: int) -> _Step:
    """Walk from strong to weak; end after two steps in a row that do not gain."""
    rows = data.rows(classes, inner=True)
    coordinates, truth = data.span.coordinates[data.held], data.truth[data.held]
    weight = data.weight[data.held] * _evening(data, loss, classes)
    best: _Step | None = None
    theta: Array | None = None
    idle = 0
    for strength in STRENGTHS:
        start = theta if loss.convex else data.reference(strength, classes)
        theta = minimise(rows, loss, strength, start, tolerance=PATH_TOLERANCE).theta
        logits = coordinates.astype(np.float64) @ theta[:-1] + theta[-1]
        step = _Step(strength, theta, *temperature(logits, truth, weight))
        if best is None or step.held_out < best.held_out:
            best, idle = step, 0
        else:
            idle += 1
        if idle == 2:
            break
    assert best is not None
    return best


def _evening(data: Rotated, loss: Loss, classes: int) -> Array:
    """(held,) factors that give each class the same weight where the loss answers for balanced classes, else 1."""
    truth = data.truth[data.held]
    if not loss.balanced or truth.ndim == 2:
        return np.ones(len(truth))
    amount = np.bincount(truth, weights=data.weight[data.held], minlength=classes)
    return float(amount.sum()) / np.maximum(amount, 1e-12)[truth]


def _finish(data: Rotated, loss: Loss, found: Minimum, strength: float, heat: float, held_out: float) -> Head:
    weight, bias = data.span.back(found.theta[:-1] / heat, found.theta[-1] / heat)
    return Head(
        weight.astype(np.float32),
        bias.astype(np.float32),
        loss.name,
        strength,
        heat,
        held_out,
        found.steps,
        found.converged,
    )


def _agree(data: Rotated, loss: Loss) -> None:
    """Losses for one label do not fit several, nor the other way round."""
    has = "multi" if data.truth.ndim == 2 else "single"
    if loss.kind != has:
        raise ProblemError(
            f"loss {loss.name!r} is for {loss.kind}-label truth, these images have {has}-label truth; "
            "`objectif list` says which losses fit"
        )
