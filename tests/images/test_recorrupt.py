"""Two pictures of a noisy one: their noises are independent, and its strength is found where nobody states it."""

from __future__ import annotations

import numpy as np
import pytest

from objectif.images.degrade import Degradation, degradation, degraded
from objectif.images.recorrupt import SHARE, recorrupted, strength


def picture(side: int = 160) -> np.ndarray:
    """A smooth picture with edges."""
    y, x = np.mgrid[:side, :side] / side
    clean = 60 + 80 * x + 60 * ((x - 0.5) ** 2 + (y - 0.4) ** 2 < 0.06) + 25 * (np.sin(9 * y) > 0)
    return clean[:, :, None].astype(np.float32)


@pytest.mark.parametrize("sigma", [2.0, 10.0, 40.0])
def test_noise_is_found_despite_edges_and_parted_into_independent_ones(sigma: float) -> None:
    clean = picture()
    noisy = (clean + np.random.default_rng(0).normal(0, sigma, clean.shape)).astype(np.float32)
    assert strength(noisy) == pytest.approx(sigma, rel=0.06)
    seen, target = (part - clean for part in recorrupted(noisy, sigma, seed=1))
    assert seen.std() == pytest.approx(sigma * np.sqrt(1 + SHARE), rel=0.03)
    assert target.std() == pytest.approx(sigma * np.sqrt(1 + 1 / SHARE), rel=0.03)
    assert abs(np.corrcoef(seen.ravel(), target.ravel())[0, 1]) < 0.03


def test_the_same_number_draws_the_same_and_no_noise_changes_nothing() -> None:
    clean = picture(40)
    how = degradation("given, noise 10")
    assert np.array_equal(degraded(clean, how, 3), degraded(clean, how, 3))
    assert not np.array_equal(degraded(clean, how, 3), degraded(clean, how, 4))
    flat = np.full((20, 20, 1), 90, np.float32)
    assert strength(flat) == 0
    assert np.array_equal(degraded(flat, Degradation(given=True), 0), flat)
    assert strength(np.zeros((1, 9, 1))) == 0
