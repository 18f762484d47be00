"""SURE: the squared error to clean pictures that nobody has, estimated from noisy ones.

truth (N, H, W, 3C) float32 in 0..255: a target, the picture seen, the picture as it was given (images/recorrupt.py); NaN
beyond smaller pictures. answers (N, H, W, C) are restorations of the picture seen. Of f, y and w = (seen - y) / sqrt(a),

    SURE = mean (f - y)^2 + 2 / sqrt(a) mean (f - b) w - mean w^2,

the mean over images, in squared levels, where b is y blurred: (y - b) w has mean 0, as w was drawn apart from y, and taking it
away leaves half of the spread. It is unbiased for white Gaussian noise of the stated, or rightly estimated, strength, and may be
below 0 for a small picture. A mean of squares and not of dB, because the logarithm of an estimate is not unbiased.
Differences of two restorations are far surer than their values, as the noise of the target is in both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from objectif.images.recorrupt import SHARE
from objectif.metrics.base import Scores, Truth
from objectif.metrics.pictures import IDLE, PEAK, Measured, Picture, PictureMetric, extent


def is_noisy(truth: Picture, answers: Picture) -> bool:
    """Whether truth holds noisy pictures alone."""
    return bool(truth.shape[-1] == 3 * answers.shape[-1])


def thirds(truth: Picture) -> tuple[Picture, Picture, Picture]:
    """(target, seen, given) (..., C) each, of truth (..., 3C)."""
    channels = truth.shape[-1] // 3
    return truth[..., :channels], truth[..., channels : 2 * channels], truth[..., 2 * channels :]


def seen(truth: Truth, classes: int) -> Scores:
    """(N, H, W, C) the pictures seen: the answer of one who does nothing."""
    return np.nan_to_num(thirds(truth)[1], nan=0.0)


def sure(truth: Picture, answer: Picture) -> float:
    """Squared levels, of truth (H, W, 3C) and answer (H, W, C) of one picture."""
    _, shown, given = (np.asarray(third, np.float64) for third in thirds(truth))
    more = (shown - given) / math.sqrt(SHARE)
    answer = np.asarray(answer, np.float64)
    aside = np.stack([_blurred(given[..., k]) for k in range(given.shape[-1])], axis=-1)
    drawn = 2 / math.sqrt(SHARE) * np.mean((answer - aside) * more)
    return float(np.mean((answer - given) ** 2) + drawn - np.mean(more**2))


def _blurred(plane: Picture) -> Picture:
    import cv2  # listing metrics does without it

    return np.asarray(
        cv2.GaussianBlur(np.ascontiguousarray(plane), (0, 0), 1.0, borderType=cv2.BORDER_REFLECT)
    )


def in_decibels(squared: float) -> float | None:
    """The PSNR that goes with a mean squared error; None where that is not above 0."""
    return 10 * math.log10(PEAK**2 / squared) if squared > 0 else None


@dataclass(frozen=True)
class NoisyMetric(PictureMetric):
    """A PictureMetric whose measure takes truth (H, W, 3C) instead of the clean picture."""

    def check(self, truth: Truth, scores: Scores) -> None:
        """ValueError where truth is not of noisy pictures alone, or of others."""
        if truth.ndim != 4 or truth.shape[:3] != scores.shape[:3] or not is_noisy(truth, scores):
            raise ValueError("it estimates an error that is known here, as there are clean pictures")

    def prepared(self, truth: Truth, scores: Scores) -> Measured:
        """Each image measured once."""
        self.check(truth, scores)
        values: Any = np.empty(len(truth))
        for row, (right, answer) in enumerate(zip(truth, scores, strict=True)):
            height, width = extent(right)
            values[row] = self.measure(right[:height, :width], answer[:height, :width])
        return Measured(self, truth, scores, values)


SURE = NoisyMetric(
    "SURE",
    "SURE (estimated squared error)",
    False,
    False,
    False,
    False,
    sure,
    blind=seen,
    idle=IDLE,
    task="restore",
    axes=4,
)
