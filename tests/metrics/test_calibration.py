"""Calibration: bins hold every image once; the temperature is the optimum."""

from __future__ import annotations

import numpy as np
import pytest

from objectif.metrics.calibration import ece, reliability, temperature
from objectif.metrics.catalog import metric


def softmax(z: np.ndarray) -> np.ndarray:
    odds = np.exp(z - z.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def sample(n: int = 4000, sharper: float = 1.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Truth drawn from softmax(z); logits are z times `sharper`."""
    rng = np.random.default_rng(seed)
    z = 1.5 * rng.normal(size=(n, 4))
    truth = (softmax(z).cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)
    return truth, sharper * z


def test_honest_probabilities_have_little_error_and_sharp_ones_much() -> None:
    truth, z = sample()
    assert ece(truth, softmax(z)) < 0.03
    assert ece(truth, softmax(3 * z)) > 0.1


def test_bins_hold_every_image_once() -> None:
    truth, z = sample(500)
    bins = reliability(truth, softmax(z), 10)
    assert sum(b.n for b in bins) == 500
    assert all(b.low < b.confidence <= b.high for b in bins if b.n)
    assert reliability(np.zeros(3, np.int64), np.eye(2)[[0, 0, 0]])[-1].n == 3


@pytest.mark.parametrize("sharper", [0.4, 1.0, 3.0])
def test_temperature_undoes_sharpening(sharper: float) -> None:
    truth, z = sample(sharper=sharper)
    found = temperature(truth, z)
    assert found == pytest.approx(sharper, rel=0.1)
    loss = metric("log_loss")
    best = loss.value(truth, softmax(z / found))
    assert best <= min(loss.value(truth, softmax(z / (found * f))) for f in (0.99, 1.01))


def test_multi_label_temperature() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(size=(3000, 3))
    truth = (rng.random(z.shape) < 1 / (1 + np.exp(-z))).astype(np.int64)
    assert temperature(truth, 2.5 * z) == pytest.approx(2.5, rel=0.1)


def test_everything_right_stops_at_the_bound() -> None:
    truth = np.array([0, 1, 0, 1])
    assert temperature(truth, 5.0 * np.eye(2)[truth]) == pytest.approx(0.05, rel=1e-6)
    assert temperature(truth, -5.0 * np.eye(2)[truth]) == pytest.approx(20.0, rel=1e-6)


def test_weights_count() -> None:
    truth, z = sample(300)
    weight = np.random.default_rng(1).integers(0, 3, 300).astype(float)
    rows = np.repeat(np.arange(300), weight.astype(int))
    assert temperature(truth, z, weight) == pytest.approx(temperature(truth[rows], z[rows]), rel=1e-6)
