"""Promises of detection: the share of objects that are found, at a rate of false ones in each image. Both are bounded.

From above to below, thresholds are tested for the rate of false answers, until one is not proved (by bets, because counts
vary little); from below to above for the objects that are missed. Each gets half of the level. Where the two runs
overlap, both hold at every threshold, and that is taken at which most images need no correction. A match at IoU .5 counts,
by the rules of COCO. Of an image at most ten times the promised rate of false answers is counted: without a most, no number
of images could rule out that one in a thousand has a hundred of them.

The work saved is the share of the images that need no correction: all objects found and nothing else. And a detector must
find more of an image's objects than it would with the answers of another image: boxes that are always the same do not.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.answers import Judgement
from objectif.metrics.boxes import IGNORE, TRUTH_CLASS
from objectif.metrics.matching import match
from objectif.problem.promises import Promise
from objectif.promises.bounds import bets
from objectif.promises.calibration import Bools, Calibration, Reals
from objectif.promises.rule import Guard, Rule, probability
from objectif.promises.seen import Seen
from objectif.tasks.detect import THRESHOLD

Ints = NDArray[np.int64]
GRID = probability(np.linspace(7.0, -7.0, 141))
"""Thresholds at which the rate of false answers is tested, falling."""
_MOST = 10.0  # times the promised rate


@dataclass(frozen=True, eq=False, kw_only=True)
class Found(Seen):
    """Objects (M,) in images `place` (M,); `at` is minus the score by which each is found, inf where it is not.

    other: the same by the answers of another image. false_place, false_score: images and scores of answers that found
    nothing. memory: lowest thresholds by level, which no bound on objects changes.
    """

    place: Ints
    other: Reals
    false_place: Ints
    false_score: Reals
    memory: dict[float, float | None] = field(default_factory=dict)

    idle = "it would save no work: every image needs a correction"
    saves = "of the images need no correction"
    tests = 2

    def find(self, level: float) -> float | None:
        """Minus the best threshold that both bounds allow; None where there is none."""
        recall = super().find(level / 2)
        if recall is None:
            return None
        if level not in self.memory:
            self.memory[level] = self._lowest(level / 2)
        lowest = self.memory[level]
        if lowest is None or -lowest < recall:
            return None
        able = [float(t) for t in GRID if lowest <= t <= -recall]
        able = able[:: -(-len(able) // 16)] or able  # sixteen are enough to be near the best
        none = np.zeros(0, np.bool_)
        return -max(able, key=lambda t: float(self.work(-t, none).mean()))

    def second(self, limit: float, level: float) -> str:
        """Of the rate of false answers."""
        counted = self._counted(-limit)
        if bets(counted, 1.0 / _MOST, level) <= level:
            return "kept"
        return "broken" if bets(1.0 - counted, 1.0 - 1.0 / _MOST, level) <= level else "open"

    def _counted(self, threshold: float) -> Reals:
        """(U,) false answers of each unit, as a share of the most that are counted, in the order of lots."""
        most = _MOST * (self.promise.at or 1.0)
        return self.images.ordered(np.minimum(self.false(threshold) / most, 1.0))

    def ranked(self, limit: float, weight: Reals) -> float | None:
        """Minus a threshold with the promised rate of false answers, the lowest or the highest that finds enough."""
        order = np.argsort(-self.false_score, kind="stable")
        counted = np.cumsum(weight[self.false_place[order]])
        over = np.flatnonzero(counted > (self.promise.at or 0.0) * float(weight.sum()))
        lowest = float(np.nextafter(self.false_score[order[over[0]]], np.inf)) if len(over) else 0.0
        if -lowest < limit:
            return None
        none = np.zeros(0, np.bool_)
        able = (lowest, -limit if np.isfinite(limit) else lowest)
        return -max(able, key=lambda t: float(np.average(self.work(-t, none), weights=weight)))

    def _lowest(self, level: float) -> float | None:
        """The lowest threshold down to which the rate of false answers is proved."""
        lowest = None
        for threshold in GRID:
            if bets(self._counted(threshold), 1.0 / _MOST, level) > level:
                break
            lowest = float(threshold)
        return lowest

    def beside(self, limit: float) -> str:
        """The rate of false answers."""
        return f" at {self.false(-limit).mean():.2f} false positives per image"

    def false(self, threshold: float) -> Reals:
        """(N,) answers of each image that found nothing, at a threshold."""
        counted = self.false_place[self.false_score >= threshold]
        return np.bincount(counted, minlength=self.images.size).astype(np.float64)

    def work(self, limit: float, given: Bools) -> Reals:
        """(N,) 1 for each image that needs no correction."""
        missed = np.bincount(self.place[self.about & (self.at > limit)], minlength=self.images.size)
        return np.asarray((missed == 0) & (self.false(-limit) == 0), np.float64)

    def chance(self, limit: float, given: Bools) -> float:
        """That no more is found by an image's own answers than by those of another."""
        more = (self.at <= limit).astype(np.float64) - (self.other <= limit)
        n = self.images.size
        counts = np.bincount(self.place[self.about], minlength=n)
        sums = np.bincount(self.place[self.about], more[self.about], minlength=n)
        own = sums / np.maximum(counts, 1)
        return bets(self.images.ordered((1.0 - own) / 2.0), 0.5)


def seen(promise: Promise, data: Calibration) -> Found:
    """The promise on these boxes."""
    kind = None if promise.of is None else data.classes.index(promise.of)
    place, score, false_place, false_score = _matched(data.truth, data.answers, kind)
    _, other, _, _ = _matched(data.truth, np.roll(data.answers, 1, axis=0), kind)
    images = data.units(promise.unit)
    units = images.things(place)
    return Found(
        promise,
        images,
        units,
        np.ones(len(place), np.bool_),
        np.ones(len(place)),
        -score,
        1.0 - promise.bound,
        f"objects{'' if promise.of is None else ' of ' + promise.of}",
        place=place,
        other=-other,
        false_place=false_place,
        false_score=false_score,
    )


def _matched(truth: NDArray[Any], answers: NDArray[Any], kind: int | None) -> tuple[Ints, Reals, Ints, Reals]:
    """Image and score (-inf: not found) of each object; image and score of each answer that found nothing."""
    there = (truth[:, :, TRUTH_CLASS] >= 0) & (truth[:, :, IGNORE] == 0)
    if kind is not None:
        there &= truth[:, :, TRUTH_CLASS] == kind
    scores = np.full(truth.shape[:2], -np.inf)
    found = match(truth, answers)
    hit = found.state[0] == 1
    scores[found.image[hit], found.found[0, hit]] = found.score[hit]
    wrong = found.state[0] == 0
    if kind is not None:
        wrong &= found.label == kind
    return np.nonzero(there)[0], scores[there], found.image[wrong], found.score[wrong]


def guard(promise: Promise, data: Calibration) -> Guard:
    """The guard of a promise that answers all."""
    return Guard(promise, -np.inf)


def judge(rule: Rule, answers: NDArray[Any], chosen: Bools | None) -> list[Judgement]:
    """Every image is answered: objects from the promised threshold on."""
    told = ", ".join(f"{g.promise.short} holds from a score of {-g.limit:.3g}" for g in rule.guards)
    return [Judgement("answer", told or "no promise is about this answer")] * len(answers)


def decoding(rule: Rule, decoding: Any) -> Any:
    """With the promised threshold for the class of each promise, or for all."""
    limits = list(decoding.thresholds or ())
    limits += [THRESHOLD] * (len(rule.classes) - len(limits))
    for one in sorted(rule.guards, key=lambda g: g.promise.of is not None):
        threshold = min(1.0, max(-one.limit, 1e-6))
        for place, name in enumerate(rule.classes):
            if one.promise.of in (None, name):
                limits[place] = threshold
    return replace(decoding, thresholds=tuple(limits)) if rule.guards else decoding
