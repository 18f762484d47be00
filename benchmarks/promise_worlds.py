"""Made-up populations whose true risk is known, for promises.py: what a promise is worth on images that nobody saw.

All are at the level of scores. Of classifications the risk is a sum over a fine grid of scores, of groups where a share of
what is answered is promised a sum over a hundred thousand groups; of the other tasks it is a formula.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.metrics.distributions import normal_cdf, normal_quantile
from objectif.problem.promises import Promise, parse
from objectif.promises import Calibration
from objectif.promises.anomaly import of_scores
from objectif.promises.calibration import Units
from objectif.promises.classify import seen as on_images
from objectif.promises.detect import Found
from objectif.promises.fit import prove
from objectif.promises.identify import Searched
from objectif.promises.seen import Seen
from objectif.promises.segment import Checked

Reals = NDArray[np.float64]
CLASSES = ("other", "looked for")
GRID = 20_001
IN_GROUP = 0.5  # share of the noise of a score that a group's images have in common


@dataclass(frozen=True)
class Result:
    """One world: whether the promise was granted, whether it is broken, work saved, that of one who knows the population."""

    granted: bool
    broken: bool
    work: float
    oracle: float


def images_of(
    truth: NDArray[np.int64], noise: Reals, apart: float, prevalence: float, groups: Any = None
) -> Calibration:
    """Calibrated probabilities of two normal classes that are `apart`."""
    odds = apart * (noise + apart * truth) - apart**2 / 2 + math.log(prevalence / (1 - prevalence))
    p = 0.5 * (1 + np.tanh(0.5 * odds))
    answers = np.stack([1 - p, p], 1)
    chosen = np.stack([p < 0.5, p >= 0.5], 1)
    return Calibration("classify", CLASSES, False, truth, answers, chosen, groups)


@dataclass(frozen=True)
class Binary:
    """Two classes; groups of 1 to 7 images where grouped, all of one class (a patient is ill or not)."""

    apart: float
    prevalence: float
    grouped: bool = False

    def draw(self, n: int, rng: np.random.Generator) -> Calibration:
        """About n images."""
        if not self.grouped:
            return images_of(
                (rng.random(n) < self.prevalence).astype(np.int64),
                rng.normal(size=n),
                self.apart,
                self.prevalence,
            )
        count = max(10, n // 4)
        sizes = rng.integers(1, 8, count)
        code = np.repeat(np.arange(count), sizes)
        truth = (rng.random(count) < self.prevalence)[code].astype(np.int64)
        shared = rng.normal(size=count)[code]
        noise = math.sqrt(IN_GROUP) * shared + math.sqrt(1 - IN_GROUP) * rng.normal(size=len(code))
        return images_of(truth, noise, self.apart, self.prevalence, code)

    @cached_property
    def whole(self) -> tuple[Calibration, Reals]:
        """All scores on a grid, with their weights."""
        noise = np.linspace(-6.0, 6.0, GRID)
        density = np.exp(-(noise**2) / 2)
        density /= density.sum()
        data = images_of(np.repeat([0, 1], GRID), np.tile(noise, 2), self.apart, self.prevalence)
        return data, np.concatenate([density * (1 - self.prevalence), density * self.prevalence])

    def curve(self, promise: Promise) -> Curve:
        """Loss and work at every limit."""
        return _curve_of(self, promise)


@dataclass(frozen=True)
class Curve:
    """Rising limits, with the loss and the work of each."""

    limits: Reals
    loss: Reals
    work: Reals
    allowed: float

    def at(self, limit: float) -> tuple[float, float]:
        """Loss and work of what is above a limit."""
        place = int(np.searchsorted(self.limits, limit, side="right")) - 1
        place = min(max(place, 0), len(self.limits) - 1)
        return float(self.loss[place]), float(self.work[place])

    @cached_property
    def oracle(self) -> float:
        """The most work at a limit that keeps the promise."""
        return float(self.work[self.loss <= self.allowed].max(initial=0.0))


SHARES = ("precision", "npv", "accuracy", "risk")


def _curve_of(population: Binary, promise: Promise) -> Curve:
    """Limits of promises about shares are log-odds above those of the bound."""
    bound = promise.bound if promise.up else 1 - promise.bound
    grouped = population.grouped and promise.kind in SHARES
    of = _of_groups if grouped else _of_images
    limits, loss, work = of(replace(population, grouped=grouped), promise.kind, promise.of)
    shift = math.log(bound / (1 - bound)) if promise.kind in SHARES else 0.0
    return Curve(limits - shift, loss, work, 1 - bound)


@lru_cache(maxsize=4096)
def _of_images(population: Binary, kind: str, of: str | None) -> tuple[Reals, Reals, Reals]:
    data, weight = population.whole
    curve = _curve(on_images(Promise(kind, of, 0.5), data), weight)
    return curve.limits, curve.loss, curve.work


def _curve(seen: Any, weight: Reals) -> Curve:
    """Sums over all scores, for the limits at which something changes."""
    limits = np.unique(np.concatenate([seen.margin[seen.guards], seen.at[seen.about]]))
    limits = np.append(-np.inf, limits)

    def above(values: Reals, of: Reals) -> Reals:
        order = np.argsort(values, kind="stable")
        sums = np.append(np.cumsum(of[order][::-1])[::-1], 0.0)
        return sums[np.searchsorted(values[order], limits, side="right")]

    work = above(seen.margin, weight * seen.guards)
    lost = above(seen.at, weight * seen.about * seen.loss)
    base = work if seen.conditional else np.full(len(limits), float((weight * seen.about).sum()))
    loss = np.where(base > 1e-9, lost / np.maximum(base, 1e-300), 0.0)
    return Curve(limits, loss, work, seen.allowed)


@lru_cache(maxsize=4096)
def _of_groups(population: Binary, kind: str, of: str | None) -> tuple[Reals, Reals, Reals]:
    """Limits for a bound of one half, whose log-odds are 0: loss is the mean over groups of that of their given answers."""
    data = population.draw(120_000, np.random.default_rng(1))
    seen = on_images(Promise(kind, of, 0.5), data)
    order = np.flatnonzero(seen.guards)
    code, margin, lost = seen.units.code[order], seen.margin[order], seen.loss[order]
    count, sizes = int(data.groups.max()) + 1, np.bincount(data.groups)
    limits = np.append(-np.inf, np.quantile(margin, np.linspace(0, 0.995, 200)))
    loss, work = [], []
    for limit in limits:
        given = margin > limit
        own = np.bincount(code[given], minlength=count)
        sums = np.bincount(code[given], lost[given], minlength=count)
        some = own > 0
        loss.append(float((sums[some] / own[some]).mean()) if some.any() else 0.0)
        work.append(float((own / sizes).mean()))
    return limits, np.array(loss), np.array(work)


def classified(promise: Promise, population: Binary, data: Calibration) -> Result:
    """One promise on one drawn world of a classification."""
    (limit,), (record,) = prove([on_images(promise, data)], [1 - promise.confidence], advise=False)
    curve = population.curve(promise)
    loss, work = (0.0, 0.0) if limit is None else curve.at(limit)
    return Result(record.kept, record.kept and loss > curve.allowed, work * record.kept, curve.oracle)


# --- the other tasks --------------------------------------------------------


def units(n: int, rng: np.random.Generator, code: Any = None) -> Units:
    """Independent units with lots of their own."""
    lots = rng.random(n)
    return Units(n, lambda: lots, code)


def _finished(
    seen: Seen, promise: Promise, truth: Callable[[float], tuple[float, float]], oracle: float
) -> Result:
    (limit,), (record,) = prove([seen], [1 - promise.confidence], advise=False)
    loss, work = (0.0, 0.0) if limit is None else truth(limit)
    return Result(record.kept, record.kept and loss > seen.allowed * (1 + 1e-9), work * record.kept, oracle)


def anomalous(kind: str, bound: float, n: int, k: int, rng: np.random.Generator) -> Result:
    """Good pictures score as a normal, anomalous ones as one that lies apart."""
    apart, share = (2.0, 3.0, 4.0)[k % 3], (0.1, 0.3)[k % 2]
    up = kind == "recall"
    promise = parse(f"{kind} {'>=' if up else '<='} {bound if up else 1 - bound:.6g}")
    odd = rng.random(n) < share
    seen = of_scores(promise, units(n, rng), rng.normal(size=n) + apart * odd, odd)

    def truth(limit: float) -> tuple[float, float]:
        score = -limit if up else limit
        below, odd_below = normal_cdf(score), normal_cdf(score - apart)
        if up:
            return odd_below, (1 - share) * below + share * odd_below
        return 1 - below, (1 - share) * (1 - below) + share * (1 - odd_below)

    best = apart + normal_quantile(1 - bound) if up else normal_quantile(bound)
    return _finished(seen, promise, truth, truth(-best if up else best)[1])


def interval(kind: str, bound: float, n: int, k: int, rng: np.random.Generator) -> Result:
    """Numbers with an error of two sizes that the network does not tell."""
    from objectif.promises.regress import seen as on_numbers

    spreads = ((0.5, 1.5), (1.0, 1.0), (0.3, 3.0))[k % 3]
    promise = parse(f"interval_coverage >= {bound}")
    middle = 6.0 * rng.normal(size=n)
    y = middle + np.array(spreads)[rng.integers(0, 2, n)] * rng.normal(size=n)
    answers = np.stack([middle - 1, middle, middle + 1], 1)
    seen = on_numbers(
        promise, Calibration("regress", ("mm",), False, np.stack([y, np.arange(n)], 1), answers)
    )
    blind = 2 * _two_sided(bound, [math.hypot(6.0, s) for s in spreads])

    def truth(limit: float) -> tuple[float, float]:
        half = max(0.0, 1 + limit)
        missed = sum(2 * normal_cdf(-half / s) for s in spreads) / 2
        return missed, 1 - 2 * half / blind

    return _finished(seen, promise, truth, 1 - 2 * _two_sided(bound, spreads) / blind)


def _two_sided(bound: float, spreads: Any) -> float:
    """Half the width that holds the share `bound` of a mixture of normals."""
    low, high = 0.0, 100.0
    for _ in range(60):
        half = (low + high) / 2
        missed = sum(2 * normal_cdf(-half / s) for s in spreads) / len(spreads)
        low, high = (half, high) if missed > 1 - bound else (low, half)
    return high


def detected(kind: str, bound: float, n: int, k: int, rng: np.random.Generator) -> Result:
    """One to four objects an image with normal scores (log-odds), and a few false answers with lower ones."""
    apart, rate = (4.0, 5.0, 6.0)[k % 3], 3.0
    promise = parse(f"object_recall >= {bound} at 0.5 false positives per image")
    counts = rng.integers(1, 5, n)
    place = np.repeat(np.arange(n), counts)
    scores = 2.5 + 0.7 * rng.normal(size=n)[place] + 0.714 * rng.normal(size=len(place))
    others = np.full(len(place), np.inf)
    false = np.repeat(np.arange(n), rng.poisson(rate, n))
    false_scores = 2.5 - apart + rng.normal(size=len(false))
    own = units(n, rng)

    def odds(values: Reals) -> Reals:
        return 0.5 * (1 + np.tanh(0.5 * values))

    seen = Found(
        promise, own, own.things(place), np.ones(len(place), np.bool_), np.ones(len(place)), -odds(scores),
        1 - bound, "objects", place=place, other=others, false_place=false, false_score=odds(false_scores),
    )  # fmt: skip

    def truth(limit: float) -> tuple[float, float]:
        missed, wrong, clean = _detector(apart, rate, round(math.log(-limit / (1 + limit)), 9))
        return (missed if wrong <= 0.5 else 1.0), clean

    able = [_detector(apart, rate, score) for score in np.round(np.linspace(-6, 4, 201), 9).tolist()]
    oracle = max(
        (clean for missed, wrong, clean in able if missed <= 1 - bound and wrong <= 0.5), default=0.0
    )
    return _finished(seen, promise, truth, oracle)


@lru_cache(maxsize=65536)
def _detector(apart: float, rate: float, score: float) -> tuple[float, float, float]:
    """Share missed, false answers an image, share of images without either, at a threshold (log-odds)."""
    missed, wrong = normal_cdf(score - 2.5), rate * normal_cdf(2.5 - apart - score)
    shared = np.linspace(-5, 5, 201)
    weight = np.exp(-(shared**2) / 2)
    hit = np.array([normal_cdf((2.5 + 0.7 * u - score) / 0.714) for u in shared])
    clean = float((weight * sum(hit**c for c in (1, 2, 3, 4)) / 4).sum() / weight.sum()) * math.exp(-wrong)
    return missed, wrong, clean


def segmented(kind: str, bound: float, n: int, k: int, rng: np.random.Generator) -> Result:
    """Masks that miss a share of each image: on average more, a little more, less than is allowed."""
    factor = (0.3, 0.6, 1.001, 1.2)[k % 4]
    mean = (1 - bound) * factor
    promise = parse(f"{kind} <= {1 - bound:.6g}")
    pixels = kind == "missed_pixels"  # 4: shares of an image, that vary less than 0 and 1
    loss = rng.beta(4 * mean, 4 * (1 - mean), n) if pixels else (rng.random(n) < mean).astype(np.float64)
    own = units(n, rng)
    seen = Checked(
        promise, own, own, np.ones(n, np.bool_), loss, np.zeros(n), promise.bound, "images",
        spared=np.full(n, 0.9), others=np.ones(n),
    )  # fmt: skip
    return _finished(seen, promise, lambda limit: (mean, 0.9), 0.9 if mean <= promise.bound else 0.0)


def identified(kind: str, bound: float, n: int, k: int, rng: np.random.Generator) -> Result:
    """Strangers with one to five images each, alike in their best score; known people who score higher."""
    apart = (3.0, 4.0, 5.0)[k % 3]
    promise = parse(f"fpir <= {1 - bound:.6g}")
    people = max(10, n // 3)
    code = np.repeat(np.arange(people), rng.integers(1, 6, people))
    best = 0.7 * rng.normal(size=people)[code] + math.sqrt(0.51) * rng.normal(size=len(code))
    mates = apart + rng.normal(size=n)
    whom, own = units(len(code), rng, code), units(n, rng)
    seen = Searched(
        promise, whom, whom, np.ones(len(code), np.bool_), np.ones(len(code)), best, promise.bound, "strangers",
        right=mates, known=own, entries=50,
    )  # fmt: skip

    def truth(limit: float) -> tuple[float, float]:
        return normal_cdf(-limit), normal_cdf(apart - limit)

    return _finished(seen, promise, truth, truth(normal_quantile(bound))[1])
