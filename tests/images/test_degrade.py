"""Degradations: words, the noise that can be repeated anywhere, sizes, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from objectif.errors import DataError
from objectif.images.degrade import Degradation, bicubic, clean, degradation, degraded
from objectif.images.prepare import Preparation, prepare


@given(
    some.booleans(),
    some.booleans(),
    some.sampled_from((0.0, 0.5, 1.6)),
    some.sampled_from((1, 2, 3)),
    some.sampled_from((0, 25.5)),
)
def test_words_come_back(given: bool, gray: bool, blur: float, shrink: int, noise: float) -> None:
    how = Degradation(given, gray, blur, shrink, float(noise))
    if not given and (blur or shrink > 1 or noise):
        assert degradation(str(how)) == how
    if given and not blur and shrink == 1:
        assert degradation(str(how)) == how


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("fog 3", r"'fog 3' is not known; expected 'noise 25'"),
        ("", "is not known"),
        ("noise -5", r"noise -5; expected a standard deviation above 0"),
        ("noise", "noise None; expected"),
        ("noise nan", "noise nan; expected"),
        ("noise 300", "up to 255"),
        ("shrink 2.5", "expected 2, 3 or 4"),
        ("noise 5, blur 1", "'blur' stands twice or too late"),
        ("gray", "leaves nothing to restore"),
        ("gray 1, noise 2", "'gray' takes no number"),
    ],
)
def test_words_that_mean_nothing_are_refused(words: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        degradation(words)


def test_noise_is_that_of_its_number_and_is_not_clipped() -> None:
    picture = np.full((40, 50, 1), 3, np.uint8)
    how = degradation("noise 25")
    found = degraded(clean(picture, how), how, 7)
    expected = 3 + np.random.default_rng(7).normal(0, 25, (40, 50))
    assert np.allclose(found[:, :, 0], expected, atol=1e-4)
    assert found.min() < 0
    kept = prepare(found, Preparation(8, 8, 1, "keep"))
    assert np.array_equal(kept, found)


def test_sixteen_bits_keep_their_fractions() -> None:
    picture = np.array([[[257 * 100 + 64]]], np.uint16)
    assert clean(picture, degradation("noise 1"))[0, 0, 0] == pytest.approx(100 + 64 / 257)


def test_small_pictures_come_back_at_the_size_of_the_clean_one() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (33, 50, 3)).astype(np.uint8)
    how = degradation("gray, shrink 2")
    right = clean(picture, how)
    small = degraded(right, how, 0)
    assert (right.shape, small.shape) == ((32, 50, 1), (16, 25, 1))
    grown = prepare(small, Preparation(8, 8, 1, "keep", grow=2))
    assert grown.shape == right.shape
    assert np.allclose(grown, bicubic(small, 32, 50))
    with pytest.raises(DataError, match="cannot be shrunk"):
        clean(picture[:1], how)


def test_blur_keeps_what_is_constant() -> None:
    how = degradation("blur 1.6")
    assert np.allclose(degraded(np.full((9, 5, 3), 77, np.float32), how, 0), 77, atol=1e-3)
