"""Two pictures of one noisy one, whose noise is independent: what stands in for a clean picture where there is none.

    seen   = y + sqrt(a) s w        target = y - s w / sqrt(a)        w white, of mean 0 and variance 1

Where y is a clean picture x with white Gaussian noise of standard deviation s, the noises of both are uncorrelated, so for any
restoration f the mean of (f(seen) - target)^2 is its squared error to x plus a known constant. Sources: T. Pang, H. Zheng, Y. Quan,
H. Ji, 2021, "Recorrupted-to-Recorrupted"; N. Oliveira, J. Lei, R. Tibshirani, 2021, "Unbiased risk estimation in the normal means
problem via coupled bootstrap techniques". What is judged is restoration of slightly more noise, by sqrt(1 + a).

s is stated, or estimated for each picture by its finest slanting details (Donoho & Johnstone 1994, as wavelets' finest level): the
median of their sizes hardly sees edges. It holds for noise of single pixels that is alike everywhere; noise that reaches over
several (JPEG, demosaicking) is taken for less than it is. Rejected: an error at hidden pixels (Noise2Void), which needs no s, but
ranks guesses without the pixel itself and so another thing than what is delivered.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float32]
SHARE = 0.1
"""a: a tenth more variance; less would make the target so noisy that small data tell little."""
_OWN = 20_210_614
LEAST = 0.3
"""Standard deviation, in levels of 0..255, below which no noise is to be seen: rounding to whole levels alone has 0.29."""


def strength(pixels: NDArray[Any]) -> float:
    """Standard deviation of the noise of a picture (H, W, C), in its levels; 0 where it is too small to tell."""
    y = np.asarray(pixels, np.float32)
    if min(y.shape[:2]) < 2:
        return 0.0
    slant = y[1:, 1:] + y[:-1, :-1] - y[1:, :-1] - y[:-1, 1:]
    return float(np.median(np.abs(slant)) / 2 / 0.6745)


def recorrupted(pixels: Reals, noise: float, seed: int) -> tuple[Reals, Reals]:
    """(seen, target) of a noisy picture (H, W, C); noise: s, 0 where it is to be estimated."""
    s = noise or strength(pixels)
    # not default_rng(seed): pictures that somebody made noisy by that would get the very noise that they have
    more = np.random.default_rng([seed, _OWN]).normal(0.0, s, pixels.shape)
    root = math.sqrt(SHARE)
    return np.asarray(pixels + root * more, np.float32), np.asarray(pixels - more / root, np.float32)
