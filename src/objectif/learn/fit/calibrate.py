"""Temperature: the one number by which logits are divided so that probabilities mean what they say.

Source: C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, 2017, "On Calibration of Modern Neural Networks". It changes no
ranking of classes. The truths are softened as in J. Platt, 1999, "Probabilistic Outputs for Support Vector Machines":
with n held-out rows the target is 1 - 1/(n + 2), else a small holdout without an error would ask for certainty.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_expit, log_softmax

Array = NDArray[np.float64]
COLDEST, HOTTEST = 0.02, 50.0


def log_loss(logits: Array, truth: NDArray[np.int64], weight: Array, *, soften: bool = False) -> float:
    """Weighted mean log loss in nats: softmax for truth (n,), sum over the classes' sigmoids for truth (n,C)."""
    slack = 1.0 / (len(logits) + 2) if soften else 0.0
    if truth.ndim == 2:
        right = np.where(truth > 0, log_expit(logits), log_expit(-logits))
        wrong = np.where(truth > 0, log_expit(-logits), log_expit(logits))
        values = ((1 - slack) * right + slack * wrong).sum(axis=1)
    else:
        surprise = log_softmax(logits, axis=1)
        own = surprise[np.arange(len(truth)), truth]
        values = (1 - slack) * own + slack * surprise.mean(axis=1)
    return -float(np.average(values, weights=weight))


def temperature(logits: Array, truth: NDArray[np.int64], weight: Array) -> tuple[float, float]:
    """The temperature of least log loss on these rows, and that log loss (truths softened)."""

    def value(log_t: float) -> float:
        return log_loss(logits / np.exp(log_t), truth, weight, soften=True)

    found = minimize_scalar(
        value, bounds=(np.log(COLDEST), np.log(HOTTEST)), method="bounded", options={"xatol": 1e-3}
    )
    return float(np.exp(found.x)), float(found.fun)


def heat_of(scores: NDArray[np.floating], truth: NDArray[np.int64]) -> float:
    """The temperature that best calibrates probabilities (N,C) that were given without one."""
    p = np.clip(scores.astype(np.float64), 1e-9, 1 - 1e-9)
    logits = np.log(p) - np.log1p(-p) if truth.ndim == 2 else np.log(p)
    return temperature(logits, truth, np.ones(len(truth)))[0]


def heated(scores: NDArray[np.float64], heat: float, *, several: bool) -> NDArray[np.float64]:
    """Probabilities (N, C) that were given without a temperature, at this one."""
    p = np.clip(scores, 1e-9, 1 - 1e-9)
    if several:
        return np.asarray(1 / (1 + np.exp(-(np.log(p) - np.log1p(-p)) / heat)), np.float64)
    p = p ** (1 / heat)
    return np.asarray(p / p.sum(1, keepdims=True), np.float64)
