"""Do probabilities mean what they say? Expected calibration error, reliability bins, temperature.

Guo, Pleiss, Sun & Weinberger 2017. The temperature is fitted by Newton's method on its inverse, in which the
log loss is convex: one number needs no optimiser from a training package.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from objectif.metrics.base import Reals, Scores, Truth


@dataclass(frozen=True)
class Bin:
    """One bar of a reliability diagram: images whose confidence lies in (low, high].

    confidence: their mean confidence. accuracy: the share answered rightly. n: how many (0: both are NaN).
    """

    low: float
    high: float
    confidence: float
    accuracy: float
    n: int


def reliability(truth: Truth, scores: Scores, bins: int = 15) -> tuple[Bin, ...]:
    """Equal-width bins of the confidence in the answer (multi-label: of every yes, against its truth)."""
    confidence, right = _confidence(truth, scores)
    edges = np.linspace(0.0, 1.0, bins + 1)
    place = np.clip(np.digitize(confidence, edges, right=True) - 1, 0, bins - 1)
    found = []
    for b in range(bins):
        inside = place == b
        n = int(inside.sum())
        means = (float(confidence[inside].mean()), float(right[inside].mean())) if n else (np.nan, np.nan)
        found.append(Bin(float(edges[b]), float(edges[b + 1]), *means, n))
    return tuple(found)


def ece(truth: Truth, scores: Scores, bins: int = 15) -> float:
    """Expected calibration error: the mean gap between confidence and accuracy over bins, by their images."""
    filled = [b for b in reliability(truth, scores, bins) if b.n]
    total = sum(b.n for b in filled)
    return float(sum(b.n * abs(b.confidence - b.accuracy) for b in filled) / total)


def _confidence(truth: Truth, scores: Scores) -> tuple[Reals, Reals]:
    if truth.ndim == 2:
        return scores.astype(np.float64).ravel(), (truth > 0).astype(np.float64).ravel()
    return scores.max(axis=1).astype(np.float64), (scores.argmax(axis=1) == truth).astype(np.float64)


def temperature(
    truth: Truth,
    logits: NDArray[np.floating],
    weight: Reals | None = None,
    bounds: tuple[float, float] = (0.05, 20.0),
) -> float:
    """The T > 0 by which logits (N, C) are divided for least log loss on truth (N,) or (N, C), within bounds.

    Newton steps on 1 / T, halved into the bracket when they leave it. Where everything is right the loss
    falls for ever as T does: the lower bound is returned.
    """
    z = logits.astype(np.float64)
    w = np.ones(len(z)) if weight is None else np.asarray(weight, np.float64)
    low, high = 1.0 / bounds[1], 1.0 / bounds[0]
    for end, outward in ((high, -1.0), (low, 1.0)):
        if _derivatives(truth, z, w, end)[0] * outward >= 0.0:  # still falling there: no optimum inside
            return float(1.0 / end)
    beta = float(np.clip(1.0, low, high))
    for _ in range(100):
        slope, bend = _derivatives(truth, z, w, beta)
        low, high = (beta, high) if slope < 0 else (low, beta)
        step = beta - slope / bend if bend > 0 else np.inf
        new = step if low < step < high else (low + high) / 2.0
        if abs(new - beta) <= 1e-10 * beta:
            break
        beta = new
    return float(1.0 / beta)


def _derivatives(truth: Truth, z: Reals, w: Reals, beta: float) -> tuple[float, float]:
    """First and second derivative of the summed log loss by the inverse temperature."""
    if truth.ndim == 2:
        p = 1.0 / (1.0 + np.exp(-np.clip(beta * z, -700.0, 700.0)))
        return float(w @ (z * (p - truth)).sum(axis=1)), float(w @ (z * z * p * (1.0 - p)).sum(axis=1))
    p = np.exp(beta * (z - z.max(axis=1, keepdims=True)))
    p /= p.sum(axis=1, keepdims=True)
    mean = (p * z).sum(axis=1)
    spread = (p * (z - mean[:, None]) ** 2).sum(axis=1)
    return float(w @ (mean - z[np.arange(len(z)), truth])), float(w @ spread)
