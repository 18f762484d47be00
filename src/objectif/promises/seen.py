"""One promise on the images of a calibration: which answers it guards, how safe each is, and what it would lose if given.

All tasks come down to this. A rule gives an answer where its margin is above a limit, and the loss of a limit is the mean
over the images that the promise speaks of. So the search for limits, and its proofs, are written once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from objectif.problem.promises import Promise
from objectif.promises.bounds import Losses
from objectif.promises.calibration import Bools, Reals, Units


@dataclass(frozen=True, eq=False)
class Seen:
    """A promise on N images, of which `units` are independent.

    guards: (N,) bool, which answers may be vetoed for it. margin: (N,) how safe each is; given where above the limit.
    about: (N,) bool, the images whose mean loss is bounded; where conditional, those of them that are given.
    loss: (N,) in [0, 1], what is lost where `at` (N,) is above the limit; `at` is the margin unless said otherwise.
    allowed: the mean loss that is promised, of `scale` units. sides: what it guards, to know which promises meet; data are
    not asked. score: what the margin is made of, so that promises of the same score can share a limit; None where nothing
    else is. shift: what was taken off it. answer, truth: (N,) numbers; answers that save work are to go with the truth. called: what the images `about` are called.
    """

    promise: Promise
    units: Units
    guards: Bools
    margin: Reals
    about: Bools
    loss: Reals
    at: Reals
    allowed: float
    conditional: bool
    sides: frozenset[tuple[int, bool]]
    score: tuple[int, bool] | None
    shift: float
    answer: NDArray[np.int64]
    truth: NDArray[np.int64]
    called: str
    scale: float = 1.0

    def passes(self, limit: float | None) -> Bools:
        """(N,) which images this promise lets through."""
        if limit is None:
            return np.ones(len(self.guards), np.bool_)
        return ~self.guards | (self.margin > limit)

    def losses(self, limit: float | None, given: Bools) -> Losses:
        """Of each unit that the promise is about, under its limit and among the answers (N,) that are given."""
        if self.conditional:
            return self.units.losses(self.loss, self.about & given)
        lost = self.loss if limit is None else np.where(self.at > limit, self.loss, 0.0)
        return self.units.losses(lost, self.about)

    def value(self, loss: float) -> float:
        """A mean loss in the words of the promise: 0.03 is a recall of 0.97."""
        return 1.0 - loss if self.promise.up else loss * self.scale

    def twin(self, other: Seen) -> bool:
        """Whether both guard the same answers by the same score."""
        return self.score is not None and self.score == other.score

    def meets(self, other: Seen) -> bool:
        """Whether some answer is guarded by both."""
        return bool(self.sides & other.sides)
