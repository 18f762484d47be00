"""PSNR and SSIM: values known by hand, means over images, and what stands beyond a smaller picture."""

from __future__ import annotations

import numpy as np
import pytest

from objectif.metrics.catalog import metric
from objectif.metrics.pictures import extent, psnr, ssim, stored

RNG = np.random.default_rng(0)


def case() -> tuple[np.ndarray, np.ndarray]:
    """Three pictures of several sizes in one array, and answers that are wrong beyond them."""
    truth = np.full((3, 30, 40, 2), np.nan, np.float32)
    answers = np.full((3, 30, 40, 1), 1e6, np.float32)
    for row, (high, wide) in enumerate([(30, 40), (20, 25), (13, 40)]):
        clean = RNG.uniform(0, 255, (high, wide, 1))
        truth[row, :high, :wide] = np.concatenate([clean, clean + 10], axis=2)
        answers[row, :high, :wide] = clean + 5
    return truth, answers


def test_psnr_is_that_of_the_mean_square() -> None:
    truth, answers = case()
    found = metric("PSNR")
    assert found.value(truth, answers) == pytest.approx(20 * np.log10(255 / 5), abs=1e-4)
    assert found.value(truth, found.blind(truth, 1)) == pytest.approx(20 * np.log10(255 / 10), abs=1e-4)
    assert [extent(t) for t in truth] == [(30, 40), (20, 25), (13, 40)]


def test_a_perfect_answer_is_finite() -> None:
    flat = np.full((20, 20, 1), 7.0)
    assert psnr(flat, flat) == 100
    assert ssim(flat, flat) == pytest.approx(1)


def test_ssim_of_two_constants_is_that_of_lightness() -> None:
    x, y, c1 = 100.0, 120.0, (0.01 * 255) ** 2
    found = ssim(np.full((30, 30, 1), x), np.full((30, 30, 1), y))
    assert found == pytest.approx((2 * x * y + c1) / (x * x + y * y + c1))
    assert 0 < ssim(np.full((3, 2, 1), x), np.full((3, 2, 1), y)) < 1  # smaller than the window


def test_ssim_falls_with_noise_and_shift_of_sign() -> None:
    clean = np.cumsum(RNG.normal(0, 5, (40, 40, 3)), axis=1) + 128
    noisy = [clean + s * RNG.standard_normal(clean.shape) for s in (2, 10, 40)]
    values = [ssim(clean, n) for n in noisy]
    assert 1 > values[0] > values[1] > values[2] > 0
    assert ssim(clean, 256 - clean) < 0


@pytest.mark.parametrize("name", ["PSNR", "SSIM"])
def test_weights_count_images_as_often(name: str) -> None:
    truth, answers = case()
    answers[1] += 20
    found = metric(name)
    heavy = found.value(truth, answers, np.array([1.0, 2.0, 0.0]))
    rows = [0, 1, 1]
    assert heavy == pytest.approx(found.value(truth[rows], answers[rows]))
    value, influence, parts = found.expand(truth, answers)
    assert influence.sum() == pytest.approx(0, abs=1e-9)
    assert parts.sum() == pytest.approx(value)
    assert found.replicates(truth, answers, np.ones((2, 3))) == pytest.approx([value] * 2)


def test_what_is_kept_has_the_same_figures() -> None:
    truth, answers = case()
    for name in ("PSNR", "SSIM"):
        one = metric(name)
        assert one.value(*stored(truth[1:], answers[1:])) == pytest.approx(
            one.value(truth[1:], answers[1:]), abs=2e-3
        )
    assert stored(truth[1:2], answers[1:2])[0].shape == (1, 20, 25, 2)


def test_shapes_that_do_not_fit_are_refused() -> None:
    truth, answers = case()
    with pytest.raises(ValueError, match="clean and given"):
        metric("PSNR").value(truth, answers[:, :-1])
