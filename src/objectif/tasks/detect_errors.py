"""What kind of error each wrong answer and each missed object is, and what mending a kind would be worth.

Six kinds (after TIDE: Bolya, Foley, Hays & Hoffman 2020), told at the thresholds at which objects are answered.
A wrong answer that overlaps an object of its class by less than .5 is badly placed; one that overlaps an object
of another class by .5 or more is misnamed; one whose object was found by a surer answer is a duplicate; the
rest are both badly placed and misnamed, or lie on the background (no overlap of .1). Objects that no answer
found are missed, unless a badly placed or misnamed answer speaks of them.

A kind is mended where it can be (the box is moved, the class put right), otherwise taken away; what a mended
answer then finds a second time is taken away too. Missed objects are left out of the count. The worth is mAP50
over all answers, those below the thresholds too, so that it stands beside the figure of the leaderboard.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.metrics.boxes import ANSWER_CLASS, IGNORE, TRUTH_CLASS, iou
from objectif.metrics.detection import MAP50
from objectif.metrics.matching import Matches, match

KINDS = ("classification", "localisation", "both", "duplicate", "background", "missed")
MEANING = (
    "the place is right (IoU of .5 or more), the class is another",
    "the class is right, the place is not (IoU of .1 to .5)",
    "place and class are wrong (IoU of .1 to .5 with another class)",
    "the object was found already, by a surer answer",
    "nothing is there (no IoU of .1)",
    "an object that no answer speaks of",
)
_CLASS, _PLACE, _BOTH, _TWICE, _NOTHING = range(5)
_NEAR, _CELLS = 0.1, 2_000_000

Bools = NDArray[np.bool_]
Codes = NDArray[np.int8]


@dataclass(frozen=True)
class Errors:
    """kind (N, M) int8: index into KINDS of each wrong answer, -1 of all others. right (N, M): found an object.

    target (N, M): row of the truth that a wrong answer meant, -1 for none. missed, lost (N, G): objects not
    found; those of them of which no answer speaks.
    """

    kind: Codes
    right: Bools
    target: NDArray[np.int64]
    missed: Bools
    lost: Bools

    def counts(self) -> tuple[int, ...]:
        """How many errors there are of each of KINDS."""
        return (*(int((self.kind == k).sum()) for k in range(5)), int(self.lost.sum()))


def errors(truth: NDArray[Any], answers: NDArray[Any], chosen: Bools) -> Errors:
    """The errors of answers (N, M, 6) to truth (N, G, 6) among those `chosen` (N, M)."""
    found = match(truth, answers)
    state, taken = _unrolled(found, answers.shape[:2])
    wrong, right = chosen & (state == 0), chosen & (state == 1)
    kind, target = np.full(wrong.shape, -1, np.int8), np.full(wrong.shape, -1, np.int64)
    step = max(1, _CELLS // (truth.shape[1] * answers.shape[1]))
    for start in range(0, len(truth), step):
        part = slice(start, start + step)
        kind[part], target[part] = _kinds(truth[part], answers[part])
    kind[~wrong], target[~wrong] = -1, -1
    missed = (truth[:, :, TRUTH_CLASS] >= 0) & (truth[:, :, IGNORE] <= 0)
    image, row = np.nonzero(right)
    missed[image, taken[image, row]] = False
    lost = missed.copy()
    image, row = np.nonzero((kind == _CLASS) | (kind == _PLACE))
    lost[image, target[image, row]] = False
    return Errors(kind, right, target, missed, lost)


def _unrolled(found: Matches, shape: tuple[int, ...]) -> tuple[Codes, NDArray[np.int64]]:
    """State and truth found (N, M) of each answer; padding is -1."""
    state, taken = np.full(shape, -1, np.int8), np.full(shape, -1, np.int64)
    state[found.image, found.row] = found.state[0]
    taken[found.image, found.row] = found.found[0]
    return state, taken


def _kinds(truth: NDArray[Any], answers: NDArray[Any]) -> tuple[Codes, NDArray[np.int64]]:
    """Kind and target (n, M) that each answer has if it is wrong."""
    share = iou(answers[:, :, :4], truth[:, :, :4])
    label = truth[:, None, :, TRUTH_CLASS]
    share[np.broadcast_to((label < 0) | (truth[:, None, :, IGNORE] > 0), share.shape)] = 0.0
    same = label == answers[:, :, None, ANSWER_CLASS]
    own, other = np.where(same, share, 0.0), np.where(same, 0.0, share)
    mine, theirs = own.max(axis=2), other.max(axis=2)
    cases = [(mine >= _NEAR) & (mine < 0.5), theirs >= 0.5, mine >= 0.5, theirs >= _NEAR]
    kind = np.select(cases, [_PLACE, _CLASS, _TWICE, _BOTH], _NOTHING).astype(np.int8)
    target = np.select(
        [(kind == _PLACE) | (kind == _TWICE), kind != _NOTHING],
        [own.argmax(axis=2), other.argmax(axis=2)],
        -1,
    )
    return kind, np.asarray(target, np.int64)


def mended(truth: NDArray[Any], answers: NDArray[Any], told: Errors) -> tuple[float, ...]:
    """mAP50 if all errors of each of KINDS were mended."""
    worth = [MAP50.value(truth, _mend(truth, answers, told, k)) for k in range(5)]
    forgiven = truth.copy()
    forgiven[told.lost, IGNORE] = 1.0
    return (*worth, MAP50.value(forgiven, answers))


def _mend(truth: NDArray[Any], answers: NDArray[Any], told: Errors, kind: int) -> NDArray[Any]:
    """Answers with all errors of a kind mended or taken away."""
    out, touched = answers.copy(), told.kind == kind
    if kind not in (_CLASS, _PLACE):
        out[touched, ANSWER_CLASS] = -1
        return out
    image, row = np.nonzero(touched)
    meant = truth[image, told.target[image, row]]
    if kind == _PLACE:
        out[image, row, :4] = meant[:, :4]
    else:
        out[image, row, ANSWER_CLASS] = meant[:, TRUTH_CLASS]
    state, _ = _unrolled(match(truth, out), answers.shape[:2])
    before, _ = _unrolled(match(truth, answers), answers.shape[:2])
    out[(state == 0) & (touched | (before == 1)), ANSWER_CLASS] = -1
    return out
