"""The solver of heads: mean loss + strength / (2 n) ||W||^2 over a linear map, by L-BFGS.

torch differentiates the loss by the (n,C) logits alone; the rest is two matrix products a step. Each coordinate is
scaled by its expected curvature, known from the rotation, which halves the number of steps. Products run in float32,
sums, the penalty and the solver's own vectors in float64.

Rejected: Newton's method (C r x C r systems), and scikit-learn's LogisticRegression (one loss of fifteen).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize as lbfgs

from objectif.errors import TrialError
from objectif.learn.losses.base import Batch, Loss

Array = NDArray[np.float64]
CURVATURE = 0.1  # of a typical loss by a logit; only the speed depends on it


@dataclass(frozen=True)
class Rows:
    """What a head is fitted on: coordinates (n,r) float32, truth (n,) or (n,C), weight (n,) float64, classes C."""

    coordinates: NDArray[np.float32]
    truth: NDArray[np.int64]
    weight: Array
    classes: int

    def batch(self) -> Batch:
        """Everything at once, in float64, at the end of training."""
        hot = self.truth if self.truth.ndim == 2 else np.eye(self.classes)[self.truth]
        return Batch(torch.from_numpy(self.weight), torch.from_numpy(self.weight @ hot), progress=1.0)


@dataclass(frozen=True)
class Minimum:
    """theta (r + 1, C): weights, then the bias; value of the objective; steps; whether the solver was satisfied."""

    theta: Array
    value: float
    steps: int
    converged: bool


def _unit(rows: Rows, penalty: float) -> Array:
    """(r + 1, 1) square root of the curvature to expect along each coordinate and the bias."""
    share = rows.weight / rows.weight.sum()
    squares = np.einsum("n,nr->r", share, rows.coordinates.astype(np.float64) ** 2)
    unit: Array = np.sqrt(np.append(CURVATURE * squares + penalty, CURVATURE))[:, None]
    return unit


def minimise(
    rows: Rows,
    loss: Loss,
    strength: float,
    start: Array | None = None,
    *,
    tolerance: float = 1e-7,
    steps: int = 400,
) -> Minimum:
    """The minimum of mean loss + strength / (2 n) ||W||^2, n the sum of weights; the bias is free.

    start: theta to begin with, else zeros. tolerance: relative gain of a step below which it ends.
    TrialError where the loss is not finite.
    """
    width, classes = rows.coordinates.shape[1], rows.classes
    penalty = strength / float(rows.weight.sum())
    unit = _unit(rows, penalty)
    truth = torch.from_numpy(rows.truth if rows.truth.ndim == 1 else rows.truth.astype(np.float64))
    batch = rows.batch()

    def objective(flat: Array) -> tuple[float, Array]:
        theta = flat.reshape(width + 1, classes) / unit
        logits = (rows.coordinates @ theta[:-1].astype(np.float32)).astype(np.float64) + theta[-1]
        output = torch.from_numpy(logits).requires_grad_(True)
        value = loss(output, truth, batch, None)
        (slope,) = torch.autograd.grad(value, output)
        back = slope.numpy()
        gradient = np.empty_like(theta)
        gradient[:-1] = rows.coordinates.T @ back.astype(np.float32) + penalty * theta[:-1]
        gradient[-1] = back.sum(axis=0)
        total = float(value.detach()) + 0.5 * penalty * float((theta[:-1] ** 2).sum())
        if not np.isfinite(total):
            raise TrialError(f"loss {loss.name!r} is {total} on a head; expected a finite number")
        return total, (gradient / unit).ravel()

    theta = np.zeros((width + 1, classes)) if start is None else start
    options = {"maxiter": steps, "ftol": tolerance, "gtol": 1e-6, "maxcor": 10}
    found = lbfgs(objective, (theta * unit).ravel(), jac=True, method="L-BFGS-B", options=options)
    return Minimum(
        found.x.reshape(width + 1, classes) / unit, float(found.fun), int(found.nfev), bool(found.success)
    )
