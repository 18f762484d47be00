"""One promise on the images of a calibration: what it would lose at each limit, and what it would save.

All tasks come down to this. Something is given where a number is above a limit, and the loss of a limit is the mean over
what the promise speaks of. So the search for limits, and its proofs, are written once; a task says what is lost where, what
work is saved, and how a rule is told from one that says the same of every image.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from objectif.problem.promises import Promise
from objectif.promises.apart import apart
from objectif.promises.bounds import Losses, lower, most, p_value, upper
from objectif.promises.calibration import Bools, Reals, Units


@dataclass(frozen=True, eq=False)
class Seen(ABC):
    """A promise on N images.

    images: their independent units. units: those of the M things that the promise is about; the images themselves, or
    objects in them. about: (M,) bool, the things whose mean loss is bounded. loss: (M,) in [0, 1], what is lost where
    `at` (M,) is above the limit. allowed: the mean loss that is promised, of `scale` units. called: the things, for people.
    """

    promise: Promise
    images: Units
    units: Units
    about: Bools
    loss: Reals
    at: Reals
    allowed: float
    called: str

    scale = 1.0
    conditional = False
    saves = "of the images are answered for good"
    idle = "it would save no work: every answer that it is about is left to a person, or there is none"

    graded = False
    tests = 1  # that share the level, all of which must be passed

    def beside(self, limit: float) -> str:
        """What else is to be said of a limit, after a comma; '' where nothing is."""
        return ""

    def second(self, limit: float, level: float) -> str:
        """Of what else must hold, on these images: 'kept', 'broken', or 'open'; '' where nothing must."""
        return ""

    @property
    def holder(self) -> str:
        """What the units are called where they are not the things themselves: 'groups', or 'images' of several things."""
        if self.images.code is not None:
            return "groups"
        return "" if self.units is self.images else "images"

    def value(self, loss: float) -> float:
        """A mean loss in the words of the promise: 0.03 is a recall of 0.97."""
        return 1.0 - loss if self.promise.up else loss * self.scale

    def losses(self, limit: float | None, given: Bools) -> Losses:
        """Of each unit that the promise is about; `given` (N,) images are answered."""
        lost = self.loss if limit is None else np.where(self.at > limit, self.loss, 0.0)
        return self.units.losses(lost, self.about)

    def find(self, level: float) -> float | None:
        """The smallest limit at which the promise is proved; None where it is not at any.

        The loss can only grow as the limit falls. So limits are tested from the strictest on until one is not proved, and no
        confidence is lost on how many there are (Bates et al. 2021): every value at which something changes is one.
        """
        can = self.about & (self.loss > 0)
        if self.units.code is None and bool((self.loss[can] == 1.0).all()):
            allowed = most(int(self.about.sum()), self.allowed, level)
            if allowed < 0:
                return None
            at = np.sort(self.at[can])[::-1]
            return float(at[allowed]) if len(at) > allowed else -np.inf
        return self._walked(np.unique(np.concatenate([[-np.inf], self.at[can]])), level)

    def _walked(self, steps: Reals, level: float) -> float | None:
        """The first of rising limits from which on all are proved."""

        def proved(limit: float) -> bool:
            return p_value(self.losses(limit, self.about), self.allowed) <= level

        if not proved(float(steps[-1])):
            return None
        low, high = 0, len(steps) - 1
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if proved(float(steps[middle])) else (middle + 1, high)
        return float(steps[high])

    def ranked(self, limit: float, weight: Reals) -> float | None:
        """The limit for ranking, without a bound, where the weighted (N,) loss is as promised from `limit` on; None: none."""
        return limit

    def passes(self, limit: float | None) -> Bools:
        """(N,) which images this promise does not leave to a person."""
        return np.ones(self.images.size, np.bool_)

    @abstractmethod
    def work(self, limit: float, given: Bools) -> Reals:
        """(N,) in [0, 1], the work that is saved with each image under the limit; `given` images are answered."""

    def bounded_work(self, limit: float, given: Bools, level: float) -> tuple[float, float, float]:
        """Its mean with a lower and an upper bound: by bets where it is a share of each image."""
        count = self.images.betted if self.graded else self.images.losses
        saved = count(self.work(limit, given), np.ones(self.images.size, np.bool_))
        return saved.mean, lower(saved, level), upper(saved, level)

    @abstractmethod
    def chance(self, limit: float, given: Bools) -> float:
        """The p-value that the answers go with the truth no more than those of a rule that looks at no image."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Guarded(Seen):
    """A promise that guards answers: it gives them where their margin is above the limit, else leaves them to a person.

    guards: (N,) bool, which answers. margin: (N,) how safe each is. conditional: whether its share is of what is given, and
    can rise and fall. sides: what it guards, to know which promises meet; data are not asked. score: what the margin is
    made of, so that promises of one score can share a limit; None where nothing else is. shift: what was taken off it.
    answer, truth: (N,) numbers; answers that save work are to go with the truth. alone: whether no other promise's veto
    takes its answers away.
    """

    guards: Bools
    margin: Reals
    conditional: bool
    sides: frozenset[tuple[int, bool]]
    score: tuple[int, bool] | None
    shift: float
    answer: NDArray[np.int64]
    truth: NDArray[np.int64]
    scale: float = 1.0
    alone: bool = False

    def losses(self, limit: float | None, given: Bools) -> Losses:
        """As above; where conditional, over the images (N,) `given`."""
        if self.conditional:
            return self.units.losses(self.loss, self.about & given)
        return super().losses(limit, given)

    def passes(self, limit: float | None) -> Bools:
        """(N,) which images this promise lets through."""
        if limit is None or self.alone:
            return np.ones(len(self.guards), np.bool_)
        return ~self.guards | (self.margin > limit)

    def saved(self, limit: float, given: Bools) -> Bools:
        """(N,) which images are answered for good under this promise."""
        return self.guards & (self.margin > limit) & (given | self.alone)

    def work(self, limit: float, given: Bools) -> Reals:
        """1 for each image that is answered for good."""
        return self.saved(limit, given).astype(np.float64)

    def chance(self, limit: float, given: Bools) -> float:
        """See apart.py."""
        return apart(self.answer, self.truth, self.saved(limit, given), self.images.code)

    def twin(self, other: Guarded) -> bool:
        """Whether both guard the same answers by the same score."""
        return self.score is not None and self.score == other.score

    def meets(self, other: Guarded) -> bool:
        """Whether some answer is guarded by both."""
        return bool(self.sides & other.sides)
