"""Promises of segmentation: how much of a class is missed, pixels or whole objects.

Masks carry no scores, so there is no threshold to choose: the masks are checked as they are. A mask that claims everything
misses nothing. So the work that is saved is the share of the picture of which the mask says that the class is not there,
where nobody needs to look; and the masks must miss less of their own picture than the mask of another picture would, which
a mask that is always the same does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.answers import Judgement
from objectif.metrics.instances import numbered
from objectif.metrics.masks import VOID, classes_of, has_background
from objectif.problem.promises import Promise
from objectif.promises.bounds import Losses, bets, p_value
from objectif.promises.calibration import Bools, Calibration, Reals
from objectif.promises.rule import Guard, Rule
from objectif.promises.seen import Seen

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Checked(Seen):
    """spared: (N,) share of each picture that is answered as something else. others: (N,) the loss with another's mask."""

    spared: Reals
    others: Reals

    graded = True
    idle = "it would save no work: the masks leave no part of a picture out"
    saves = "of the picture need not be looked at"

    def losses(self, limit: float | None, given: Bools) -> Losses:
        """Of each unit; by bets where shares of pixels are counted, because these vary little."""
        lost = self.loss if limit in (None, -np.inf) else np.zeros_like(self.loss)
        pixels = self.promise.kind == "missed_pixels"
        return self.units.betted(lost, self.about) if pixels else self.units.losses(lost, self.about)

    def work(self, limit: float, given: Bools) -> Reals:
        """The share of each picture where nobody needs to look; nothing unless masks are given."""
        return self.spared if limit == -np.inf else np.zeros_like(self.spared)

    def ranked(self, limit: float, weight: Reals) -> float | None:
        """The masks as they are, or nothing."""
        return limit if limit == -np.inf else None

    def chance(self, limit: float, given: Bools) -> float:
        """That masks miss no less of their own picture than of another."""
        better = np.where(self.about, (1.0 + self.loss - self.others) / 2.0, 0.5)
        return bets(self.images.ordered(better), 0.5)

    def find(self, level: float) -> float | None:
        """Minus infinity: the masks as they are; None where that is not proved."""
        return -np.inf if p_value(self.losses(None, self.about), self.allowed) <= level else None


def seen(promise: Promise, data: Calibration) -> Checked:
    """The promise on these masks."""
    kinds = _kinds(promise, data.classes)
    count = _objects if promise.kind == "missed_objects" else _pixels
    own = np.array([count(t, a, kinds) for t, a in zip(data.truth, data.answers, strict=True)]).reshape(-1, 2)
    turned = np.roll(np.arange(len(data)), 1)
    other = np.array(
        [count(t, data.answers[k], kinds) for t, k in zip(data.truth, turned, strict=True)]
    ).reshape(-1, 2)
    about = own[:, 1] > 0
    units = data.units(promise.unit)
    return Checked(
        promise,
        units,
        units,
        about,
        own[:, 0] / np.maximum(own[:, 1], 1),
        np.zeros(len(data)),
        promise.bound,
        f"images with {promise.of or 'something to find'}",
        spared=np.array([_spared(a, kinds) for a in data.answers]),
        others=other[:, 0] / np.maximum(other[:, 1], 1),
    )


def _kinds(promise: Promise, classes: tuple[str, ...]) -> Ints:
    """Numbers of the classes that it is about: the one that is named, else all but background."""
    if promise.of is not None:
        return np.array([classes.index(promise.of)], np.int64)
    return np.arange(int(has_background(classes)), len(classes), dtype=np.int64)


def _pixels(truth: NDArray[Any], answer: NDArray[Any], kinds: Ints) -> tuple[int, int]:
    """Pixels of these classes that are answered as another one, and all of them."""
    true, told = classes_of(truth), classes_of(answer)
    there = np.isin(true, kinds)
    return int((there & (told != true)).sum()), int(there.sum())


def _objects(truth: NDArray[Any], answer: NDArray[Any], kinds: Ints) -> tuple[int, int]:
    """Objects of these classes of which not one pixel is answered as their class, and all of them."""
    number, of = numbered(truth, kinds)
    hit = classes_of(answer) == classes_of(truth)
    found = np.bincount(number[hit], minlength=len(of) + 1)[1:]
    return int((found == 0).sum()), len(of)


def _spared(answer: NDArray[Any], kinds: Ints) -> float:
    told = classes_of(answer)
    there = told != VOID
    return float((there & ~np.isin(told, kinds)).sum() / max(1, int(there.sum())))


def guard(promise: Promise, data: Calibration) -> Guard:
    """The guard of a promise that lets all through."""
    return Guard(promise, -np.inf)


def judge(rule: Rule, answers: NDArray[Any], chosen: Bools | None) -> list[Judgement]:
    """Every mask is answered: none has a score of its own by which it could be held back."""
    told = ", ".join(guard.promise.short for guard in rule.guards)
    words = f"checked: {told} holds over all masks together" if told else "no promise is about this answer"
    return [Judgement("answer", words)] * len(answers)
