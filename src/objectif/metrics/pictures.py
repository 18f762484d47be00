"""PSNR and SSIM: how near a restored picture is to the clean one, for each image by itself, then the mean over images.

truth (N, H, W, 2C) float32 in 0..255: the clean picture, then the one that was given; NaN beyond a smaller picture, which
lies at the top left. answers (N, H, W, C), whatever they like beyond it. The given picture stands in the truth because it is
the answer to be beaten: who does nothing has its PSNR, and of super-resolution it is the bicubic enlargement.

- PSNR = 10 log10(255^2 / MSE), MSE over all pixels and channels of an image, answers not rounded. A perfect answer would
  be infinite; it counts as 100 dB.
- SSIM (Wang, Bovik, Sheikh & Simoncelli 2004): window 11 x 11, Gaussian of 1.5 pixels, K1 = 0.01, K2 = 0.03, data range 255,
  population variances, mean over places where the window lies within the picture (of a picture smaller than it, over all,
  mirrored), each channel by itself, then the mean.

Both are means over images, so a race asks for a weighted sum of numbers that are measured once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.metrics.base import Metric, Prepared, Reals, Scores, Truth

PEAK = 255.0
MOST = 100.0  # dB of a perfect answer
WINDOW, SIGMA = 11, 1.5
K1, K2 = 0.01, 0.03
IDLE = "leaving the pictures as they are"

Picture = NDArray[Any]


def halves(truth: Picture) -> tuple[Picture, Picture]:
    """(clean, given) (..., C) each, of truth (..., 2C)."""
    channels = truth.shape[-1] // 2
    return truth[..., :channels], truth[..., channels:]


def extent(truth: Picture) -> tuple[int, int]:
    """(height, width) of the picture at the top left of truth (H, W, 2C)."""
    there = np.isfinite(truth[..., 0])
    return int(there[:, 0].sum()), int(there[0].sum())


def stored(truth: Picture, answers: Picture) -> tuple[Picture, Picture]:
    """Both as a run folder keeps them: cut to the largest picture, float16, which moves a PSNR by less than 0.002 dB."""
    high, wide = (max(side) for side in zip(*map(extent, truth), strict=True))
    most = 6e4  # what float16 holds
    right, answered = (np.clip(p[:, :high, :wide], -most, most) for p in (truth, answers))
    return right.astype(np.float16), answered.astype(np.float16)


def given(truth: Truth, classes: int) -> Scores:
    """(N, H, W, C) the pictures as they were given: the answer of one who does nothing."""
    return np.nan_to_num(halves(truth)[1], nan=0.0)


def psnr(clean: Picture, answer: Picture) -> float:
    """dB, of one picture (H, W, C) each."""
    error = float(np.mean(np.square(np.asarray(answer, np.float64) - clean)))
    return min(MOST, 10.0 * float(np.log10(PEAK**2 / max(error, 1e-12))))


def ssim(clean: Picture, answer: Picture) -> float:
    """-1..1, of one picture (H, W, C) each."""
    return float(np.mean([_ssim(clean[..., k], answer[..., k]) for k in range(clean.shape[-1])]))


def _ssim(clean: Picture, answer: Picture) -> float:
    x, y = (np.ascontiguousarray(p, np.float64) for p in (clean, answer))
    mean_x, mean_y = _window(x), _window(y)
    spread_x, spread_y = _window(x * x) - mean_x**2, _window(y * y) - mean_y**2
    together = _window(x * y) - mean_x * mean_y
    c1, c2 = (K1 * PEAK) ** 2, (K2 * PEAK) ** 2
    found = (2 * mean_x * mean_y + c1) * (2 * together + c2)
    found /= (mean_x**2 + mean_y**2 + c1) * (spread_x + spread_y + c2)
    edge = WINDOW // 2
    inside = found[edge:-edge, edge:-edge] if min(found.shape) >= WINDOW else found
    return float(inside.mean())


def _window(values: Picture) -> Picture:
    import cv2  # listing metrics does without it

    smooth = cv2.GaussianBlur(values, (WINDOW, WINDOW), SIGMA, borderType=cv2.BORDER_REFLECT)
    return np.asarray(smooth)


@dataclass(frozen=True)
class PictureMetric(Metric):
    """The mean over images of what one image is worth: measure(clean, answer), (H, W, C) each."""

    measure: Callable[[Picture, Picture], float]

    def check(self, truth: Truth, scores: Scores) -> None:
        """ValueError where truth and answers are not pictures of the same images."""
        if truth.ndim == 4 and truth.shape[3] == 3 * scores.shape[3]:  # metrics/noisy_pictures.py
            raise ValueError("it compares with clean pictures, and none are known")
        fits = truth.ndim == scores.ndim == 4 and truth.shape[:3] == scores.shape[:3] and truth.size
        if not fits or truth.shape[3] != 2 * scores.shape[3]:
            raise ValueError(
                f"{self.name}: truth has shape {truth.shape} and answers {scores.shape}; expected (N, H, W, 2C), clean and "
                "given, and (N, H, W, C) of the same N >= 1 images"
            )

    def classes(self, truth: Truth, scores: Scores | None = None) -> int:
        """One: a picture."""
        return 1

    def support(self, truth: Truth) -> float:
        """All images count alike."""
        return float(len(truth))

    def prepared(self, truth: Truth, scores: Scores) -> Measured:
        """Each image measured once."""
        self.check(truth, scores)
        values = np.empty(len(truth))
        for row, (right, answer) in enumerate(zip(truth, scores, strict=True)):
            height, width = extent(right)
            values[row] = self.measure(halves(right)[0][:height, :width], answer[:height, :width])
        return Measured(self, truth, scores, values)

    def value(self, truth: Truth, scores: Scores, weight: Reals | None = None) -> float:
        return float(np.average(self.prepared(truth, scores).values, weights=weight))

    def replicates(self, truth: Truth, scores: Scores, counts: Reals) -> Reals:
        return self.prepared(truth, scores).replicates(counts)

    def influence(self, truth: Truth, scores: Scores) -> Reals:
        return self.prepared(truth, scores).expand()[1]

    def parts(self, truth: Truth, scores: Scores) -> Reals:
        return self.prepared(truth, scores).expand()[2]

    def expand(self, truth: Truth, scores: Scores) -> tuple[float, Reals, Reals]:
        return self.prepared(truth, scores).expand()


@dataclass(frozen=True)
class Measured(Prepared):
    """A PictureMetric of fixed answers. values (N,): what each image is worth."""

    values: Reals

    @property
    def work(self) -> float:
        """Multiply-adds of one replicate."""
        return 2.0 * len(self.values)

    def replicates(self, counts: Reals) -> Reals:
        """(B,) values under each row of weights counts (B, N)."""
        rows = np.asarray(counts, np.float64)
        return np.asarray(rows @ self.values / rows.sum(axis=1), np.float64)

    def expand(self) -> tuple[float, Reals, Reals]:
        """Value, influence (N,) and parts (N,)."""
        value, n = float(self.values.mean()), len(self.values)
        influence = (self.values - value) / n
        return value, influence - influence.mean(), self.values / n


def _metric(name: str, title: str, measure: Callable[[Picture, Picture], float]) -> PictureMetric:
    return PictureMetric(
        name, title, True, False, False, False, measure, blind=given, idle=IDLE, task="restore", axes=4
    )


PSNR = _metric("PSNR", "PSNR (dB, peak 255)", psnr)
SSIM = _metric("SSIM", "SSIM (11 x 11, sigma 1.5, range 255)", ssim)

METRICS = (PSNR, SSIM)
