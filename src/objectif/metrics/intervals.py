"""An estimate with its interval: bootstrap over groups, DeLong for a binary AUROC, Wilson at the ends.

The bootstrap interval is BCa (Efron 1987): percentiles moved for median bias (from the draws) and for
skewness (from influence values). Percentiles of a bootstrap are too narrow by sqrt((G-1)/G) and assume a
normal spread; with G groups the nominal tails are therefore moved to Student's with G - 1 degrees of freedom
and widened by sqrt(G/(G-1)) (Hesterberg 2015, "expanded percentile"). Both matter below fifty groups.
Below ten groups there is no interval: a spread between so few units is not known.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from objectif.metrics.base import Metric, Reals, Scores, Truth
from objectif.metrics.distributions import normal_cdf, normal_quantile, student_from_normal, wilson
from objectif.metrics.ranking import AUROC, placements
from objectif.metrics.resample import FEWEST_GROUPS, Scorer

FEW = "fewer than ten groups ({groups}): no interval"


@dataclass(frozen=True)
class Interval:
    """An estimate in the metric's units; low and high are None where there is no interval (see reason).

    method: "bootstrap", "delong", "wilson" or "none". n: images. groups: units that were resampled.
    """

    estimate: float
    low: float | None
    high: float | None
    level: float
    method: str
    n: int
    groups: int
    reason: str = ""

    def to_dict(self) -> dict[str, object]:
        """JSON-ready."""
        return asdict(self)


def interval(
    metric: Metric,
    truth: Truth,
    scores: Scores,
    groups: NDArray[np.int64] | None = None,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Interval:
    """The metric of scores (N, ...), or the mean over seeds of (S, N, ...), with its interval over groups."""
    stack = scores[None] if scores.ndim == metric.axes else scores
    if not np.isfinite(stack).all():
        raise ValueError(f"{metric.name}: scores hold NaN or infinite values; mend or drop what gave them")
    scorer = Scorer(metric, truth, [stack], groups, draws)
    estimate = float(scorer.values.mean())
    binary = metric is AUROC and truth.ndim == 1 and stack.shape[0] == 1 and stack.shape[2] == 2
    if binary and scorer.units == len(truth) >= FEWEST_GROUPS and 0.0 < estimate < 1.0:
        return _delong(truth, stack[0], level)
    if scorer.units < FEWEST_GROUPS or _ends(metric, estimate):
        return from_replicates(metric, truth, estimate, None, None, scorer.units, level)
    replicates = scorer.by_candidate(scorer.bootstrap(draws, seed))[:, 0]
    return from_replicates(
        metric, truth, estimate, replicates, scorer.influence.mean(axis=1), scorer.units, level
    )


def from_replicates(
    metric: Metric,
    truth: Truth,
    estimate: float,
    replicates: Reals | None,
    influence: Reals | None,
    units: int,
    level: float = 0.95,
) -> Interval:
    """The interval of one estimate from replicates (B,) and group influence (G,) that are there already."""
    n = len(truth)
    if units < FEWEST_GROUPS:
        return Interval(estimate, None, None, level, "none", n, units, FEW.format(groups=units))
    if not math.isfinite(estimate):
        reason = f"{metric.name} is not defined on these images: no interval"
        return Interval(estimate, None, None, level, "none", n, units, reason)
    if _ends(metric, estimate):
        size = min(float(units), metric.support(truth))
        low, high = wilson(size * round(estimate), size, level)
        word = "right" if estimate > 0.5 else "wrong"
        return Interval(estimate, low, high, level, "wilson", n, units, f"all {word}: Wilson's interval")
    if replicates is not None:
        replicates = replicates[np.isfinite(replicates)]  # a draw may hold nothing that the metric is about
    if replicates is None or influence is None or not len(replicates) or float(np.ptp(replicates)) <= 1e-12:
        reason = "every image has the same value, so the resampled values do not vary: no interval"
        return Interval(estimate, None, None, level, "none", n, units, reason)
    low, high = bca(estimate, replicates, influence, level)
    return Interval(estimate, low, high, level, "bootstrap", n, units)


def _ends(metric: Metric, estimate: float) -> bool:
    return metric.fraction and (estimate <= 1e-12 or estimate >= 1.0 - 1e-12)


def bca(estimate: float, replicates: Reals, influence: Reals, level: float) -> tuple[float, float]:
    """Expanded BCa limits from replicates (B,) and group influence (G,)."""
    units = len(influence)
    z = student_from_normal(normal_quantile(0.5 + level / 2.0), units - 1) * math.sqrt(units / (units - 1))
    slack = 1e-9 * max(1.0, abs(estimate))
    below = (replicates < estimate - slack).mean() + 0.5 * (np.abs(replicates - estimate) <= slack).mean()
    edge = 1.0 / len(replicates)
    z0 = normal_quantile(float(np.clip(below, edge, 1.0 - edge)))
    squares = float((influence**2).sum())
    a = float((influence**3).sum()) / (6.0 * squares**1.5) if squares > 0 else 0.0
    ends = []
    for tail in (z0 - z, z0 + z):
        moved = z0 + tail / max(1.0 - a * tail, 0.1)
        ends.append(float(np.quantile(replicates, normal_cdf(moved))))
    return ends[0], ends[1]


def _delong(truth: Truth, scores: Scores, level: float) -> Interval:
    """DeLong, DeLong & Clarke-Pearson 1988, on the logit scale so that it stays within 0 and 1."""
    parts = placements((truth == 1).astype(np.float64), scores[:, 1].astype(np.float64))
    plus, minus = parts[truth == 1], parts[truth == 0]
    area, n = float(plus.mean()), len(truth)
    if min(len(plus), len(minus)) < 2:
        reason = f"one class has {min(len(plus), len(minus))} image: no interval"
        return Interval(area, None, None, level, "none", n, n, reason)
    spread = math.sqrt(float(plus.var(ddof=1)) / len(plus) + float(minus.var(ddof=1)) / len(minus))
    half = normal_quantile(0.5 + level / 2.0) * spread / (area * (1.0 - area))
    centre = math.log(area / (1.0 - area))
    low, high = (1.0 / (1.0 + math.exp(-(centre + s * half))) for s in (-1.0, 1.0))
    return Interval(area, low, high, level, "delong", n, n)
