"""One curve through which probabilities pass so that they mean what they say; learn/fit/isotonic.py fits it.

One for all classes and not one each: the order of the classes of an image stays as it is, so that no answer changes and
what was measured is what ships.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]
EDGE = 1e-6


def odds(p: NDArray[np.floating]) -> Reals:
    """log p / (1 - p), within about 14 of 0."""
    q = np.clip(np.asarray(p, np.float64), EDGE, 1 - EDGE)
    return np.asarray(np.log(q) - np.log1p(-q), np.float64)


def share(x: Reals) -> Reals:
    """The inverse of odds."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)), np.float64)


def bent(p: NDArray[np.floating], curve: tuple[tuple[float, float], ...], several: bool) -> Reals:
    """Probabilities (N, C) through a curve of (log-odds given, log-odds meant); sums to 1 unless several labels an image.

    Beyond its ends the curve goes on with slope 1.
    """
    x, y = np.array(curve, np.float64).T
    given = odds(p)
    inside = np.interp(given, x, y)
    meant = inside + np.minimum(given - x[0], 0.0) + np.maximum(given - x[-1], 0.0)
    found = share(meant)
    return found if several else np.asarray(found / found.sum(1, keepdims=True), np.float64)
