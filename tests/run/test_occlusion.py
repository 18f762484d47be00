"""Occlusion finds the part that an answer rests on, and what hides is nothing new in the picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from objectif.errors import InputError
from objectif.run.occlusion import blended, blurred, occlusion

SIDES = st.integers(8, 70)


def noise(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@settings(max_examples=20, deadline=None)
@given(height=SIDES, width=SIDES, reach=st.floats(0.1, 0.5), seed=st.integers(0, 99))
def test_a_blur_is_neither_darker_nor_lighter_than_the_picture(
    height: int, width: int, reach: float, seed: int
) -> None:
    pixels = noise(height, width, seed)
    soft = blurred(pixels, reach)
    assert soft.shape == pixels.shape
    assert soft.min() >= pixels.min() - 1e-2
    assert soft.max() <= pixels.max() + 1e-2
    assert soft.std() < pixels.std()


def test_what_is_not_hidden_stays_and_what_is_becomes_the_fill() -> None:
    pixels = noise(20, 30)
    fill = blurred(pixels, 0.2)
    assert np.array_equal(blended(pixels, fill, np.zeros((20, 30))), pixels)
    assert np.array_equal(blended(pixels, fill, np.ones((20, 30))), np.rint(fill).astype(np.uint8))


@pytest.mark.parametrize("place", [(1, 1), (2, 6), (7, 0)])
def test_the_hottest_cell_is_the_one_that_counts(place: tuple[int, int]) -> None:
    pixels = np.full((64, 96, 3), 60, np.uint8)
    pixels[8 * place[0] : 8 * place[0] + 8, 12 * place[1] : 12 * place[1] + 12] = 250

    def brightest(batch: NDArray[Any]) -> NDArray[np.float64]:
        return batch.max(axis=(1, 2, 3))[:, None].astype(np.float64)

    [cells] = occlusion(pixels, brightest, 8)
    assert cells.shape == (8, 8)
    assert np.unravel_index(cells.argmax(), cells.shape) == place
    assert cells.min() >= 0
    assert np.count_nonzero(cells > 1) <= 9, "hiding what is far away changes nothing"


def test_it_says_which_grids_are_of_use() -> None:
    with pytest.raises(InputError, match=r"a grid of 1 windows .* expected 2 to 32"):
        occlusion(noise(8, 8), lambda batch: np.zeros((len(batch), 1)), 1)
