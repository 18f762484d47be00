"""SURE tells the error to a clean picture that it never sees."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from objectif.images.recorrupt import SHARE, recorrupted
from objectif.metrics.catalog import metric
from objectif.metrics.noisy_pictures import SURE, in_decibels
from objectif.metrics.pictures import PSNR

SIGMA, N = 20.0, 12


def picture(side: int = 160) -> np.ndarray:
    """A smooth picture with edges."""
    y, x = np.mgrid[:side, :side] / side
    clean = 60 + 80 * x + 60 * ((x - 0.5) ** 2 + (y - 0.4) ** 2 < 0.06) + 25 * (np.sin(9 * y) > 0)
    return clean[:, :, None].astype(np.float32)


def made() -> tuple[np.ndarray, np.ndarray]:
    """(clean (H, W, 1), truth (N, H, W, 3)), one picture smaller than the others."""
    clean, parts = picture(), []
    for seed in range(N):
        noisy = (clean + np.random.default_rng(100 + seed).normal(0, SIGMA, clean.shape)).astype(np.float32)
        seen, target = recorrupted(noisy, SIGMA, seed)
        parts.append(np.concatenate([target, seen, noisy], axis=2))
    truth = np.stack(parts)
    truth[-1, 150:] = truth[-1, :, 140:] = np.nan
    return clean, truth


@pytest.mark.parametrize("blur", [0.0, 0.6, 1.5, 5.0])
def test_it_is_the_error_to_the_clean_picture(blur: float) -> None:
    clean, truth = made()
    seen = np.nan_to_num(truth[..., 1:2])
    answers = seen if not blur else np.stack([cv2.GaussianBlur(s, (0, 0), blur)[:, :, None] for s in seen])
    right = [np.mean((a - clean)[:150, :140] ** 2) for a in answers]
    found = SURE.value(truth[:, :150, :140], answers[:, :150, :140])
    assert found == pytest.approx(np.mean(right), abs=(0.02 if blur else 0.06) * SIGMA**2)
    if not blur:
        assert found == pytest.approx((1 + SHARE) * SIGMA**2, rel=0.06)
        assert SURE.value(truth, SURE.blind(truth, 1)) == pytest.approx(found, rel=0.03)


def test_it_ranks_as_the_error_does() -> None:
    clean, truth = made()
    truth = truth[:-1]
    blurs = (0.5, 0.8, 1.2, 2.0, 4.0)
    answers = [np.stack([cv2.GaussianBlur(s, (0, 0), b)[:, :, None] for s in truth[..., 1:2]]) for b in blurs]
    right = [float(np.mean((a - clean) ** 2)) for a in answers]
    assert np.array_equal(np.argsort([SURE.value(truth, a) for a in answers]), np.argsort(right))
    assert SURE.sign < 0 and metric("SURE") is SURE


def test_it_and_the_others_refuse_the_truth_of_each_other() -> None:
    _, truth = made()
    answers = truth[..., :1]
    with pytest.raises(ValueError, match="clean pictures, and none are known"):
        PSNR.value(truth, answers)
    with pytest.raises(ValueError, match="there are clean pictures"):
        SURE.value(truth[..., :2], answers)


def test_what_is_not_above_nothing_has_no_decibels() -> None:
    assert in_decibels(255.0**2) == 0
    assert in_decibels(-0.1) is None
