"""Temperature finds the scale of logits that were scaled, and never asks for certainty."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from objectif.learn.fit.calibrate import log_loss, temperature


def drawn(rows: int, classes: int, several: bool) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and truths drawn with just the probabilities that they say."""
    rng = np.random.default_rng(0)
    logits = 2 * rng.standard_normal((rows, classes))
    if several:
        return logits, (rng.random((rows, classes)) < 1 / (1 + np.exp(-logits))).astype(np.int64)
    noisy = logits + rng.gumbel(size=logits.shape)
    return logits, noisy.argmax(1)


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("scale", [0.2, 1.0, 6.0])
def test_finds_the_scale(several: bool, scale: float) -> None:
    logits, truth = drawn(3000, 4, several)
    found, value = temperature(logits * scale, truth, np.ones(3000))
    assert found == pytest.approx(scale, rel=0.1)
    assert value == pytest.approx(log_loss(logits, truth, np.ones(3000)), rel=0.02)


def test_a_small_holdout_without_an_error_asks_for_no_certainty() -> None:
    logits, truth = np.eye(3)[np.arange(12) % 3] * 5, np.arange(12) % 3
    found, _ = temperature(logits, truth, np.ones(12))
    confidence = 1 / (1 + 2 * np.exp(-5 / found))
    assert 0.9 < confidence < 0.97  # 1 - 1/14 and a third of a fourteenth


def test_weights_count_as_copies() -> None:
    logits, truth = drawn(40, 3, False)
    weight = np.where(np.arange(40) % 2 == 0, 3.0, 1.0)
    copies = np.repeat(np.arange(40), weight.astype(int))
    assert log_loss(logits, truth, weight) == pytest.approx(
        log_loss(logits[copies], truth[copies], np.ones(80))
    )


def test_extreme_logits_are_finite() -> None:
    logits = np.array([[1e4, -1e4], [-1e4, 1e4]])
    for truth in (np.array([1, 0]), np.array([[0, 1], [1, 0]])):
        assert np.isfinite(temperature(logits, truth, np.ones(2))).all()
