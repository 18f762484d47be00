"""Tails of the normal, Student and beta distributions, and the two classical intervals of a share.

scipy stays in the learning wing; these few functions are all that intervals need. Tails are computed as
tails, not as one minus something, because simultaneous intervals ask for quantiles far out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from statistics import NormalDist

_NORMAL = NormalDist()
_TINY = 1e-300


def normal_cdf(z: float) -> float:
    """P(Z <= z)."""
    return 0.5 * math.erfc(-z / math.sqrt(2.0))


def normal_quantile(p: float) -> float:
    """z with P(Z <= z) = p, 0 < p < 1."""
    return _NORMAL.inv_cdf(p)


def beta_cdf(x: float, a: float, b: float) -> float:
    """Regularised incomplete beta function I_x(a, b), by Lentz's continued fraction (DLMF 8.17.22)."""
    if x <= 0.0 or x >= 1.0:
        return 0.0 if x <= 0.0 else 1.0
    if x > (a + 1.0) / (a + b + 2.0):  # the fraction converges fast only on this side
        return 1.0 - beta_cdf(1.0 - x, b, a)
    front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    c, d = 1.0, 1.0 / _away_from_zero(1.0 - (a + b) * x / (a + 1.0))
    fraction = d
    for m in range(1, 10_000):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        for term in (even, odd):
            d = 1.0 / _away_from_zero(1.0 + term * d)
            c = _away_from_zero(1.0 + term / c)
            fraction *= c * d
        if abs(c * d - 1.0) < 1e-14:
            break
    return math.exp(front) * fraction / a


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def student_tail(t: float, df: float) -> float:
    """P(T > t) for t >= 0 and df > 0 degrees of freedom."""
    return 0.5 * beta_cdf(df / (df + t * t), df / 2.0, 0.5)


@lru_cache(maxsize=4096)
def student_from_normal(z: float, df: float) -> float:
    """The Student quantile (df degrees of freedom) with the tail that z >= 0 has under the normal.

    Turns a critical value found for a known spread into one for a spread estimated from df + 1 units.
    """
    tail = 0.5 * math.erfc(z / math.sqrt(2.0))
    if df > 1e5 or tail <= 0.0 or z <= 0.0:
        return z
    # Newton's method on log tail by log t, nearly straight lines under heavy tails; from z it climbs
    log_front = math.lgamma((df + 1) / 2) - math.lgamma(df / 2) - 0.5 * math.log(df * math.pi)
    t = z
    for _ in range(50):
        here = student_tail(t, df)
        density = math.exp(log_front - (df + 1) / 2 * math.log1p(t * t / df))
        step = math.log(here / tail) * here / (t * density)
        t *= math.exp(step)
        if abs(step) < 1e-12:
            break
    return t


def wilson(successes: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a share; usable where all are successes or none is."""
    if n <= 0:
        raise ValueError(f"a share of n = {n} has no interval; n must be above 0")
    z = normal_quantile(0.5 + level / 2.0)
    share, z2 = successes / n, z * z
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def clopper_pearson(successes: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """The exact two-sided interval of a share; for a one-sided bound at 95 % take level = .90."""
    if not 0 <= successes <= n or n == 0:
        raise ValueError(f"{successes} of {n} is not a share; expected 0 <= successes <= n and n > 0")
    tail = (1.0 - level) / 2.0
    low = high = 0.0
    if successes > 0:  # P(X >= k | p) = I_p(k, n - k + 1)
        low = _bisect(lambda p: tail - beta_cdf(p, successes, n - successes + 1), 0.0, 1.0)
    if successes < n:
        high = _bisect(lambda p: (1.0 - tail) - beta_cdf(p, successes + 1, n - successes), 0.0, 1.0)
    return low, high if successes < n else 1.0


def _bisect(falling: Callable[[float], float], low: float, high: float) -> float:
    """The root of a falling function between low and high."""
    for _ in range(200):
        middle = (low + high) / 2.0
        if middle in (low, high):
            break
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return (low + high) / 2.0
