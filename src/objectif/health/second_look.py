"""Labels that deserve a second look, whatever the task is: what is given, what was answered, how much speaks against it.

Of classes and stages a model of wrong labels gives a probability (health/doubts.py). Of boxes, numbers and masks there is none that
data could hold to account, so labels are put in order by how unusual their disagreement is: the share of comparable labels,
of the same data, that agree better with their answers. The worst of any data come first, wrong or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.health.words import percent
from objectif.metrics.boxes import ANSWER_CLASS, IGNORE, SCORE, TRUTH_CLASS, iou
from objectif.metrics.masks import VOID, classes_of

Arrays = NDArray[Any]
Reals = NDArray[np.float64]
NOTHING = "nothing"
_OVERLAP = 0.5
_NEAR = 0.1  # IoU from which an answer is about the same place


@dataclass(frozen=True)
class SecondLook:
    """One label of the image `path`; what is given and what it looks like, in words.

    part: 'out-of-fold' or 'test', the answers by which it was judged. wrong: probability that the label is wrong; None where
    nothing tells how often labels of this kind are wrong. against: share of comparable labels that agree better with their
    answers, 0..1; the order where `wrong` is None.
    """

    path: str
    part: str
    given: str
    looks: str
    wrong: float | None
    against: float

    @property
    def rank(self) -> tuple[float, float]:
        """Sorts the worst first."""
        return (-1.0 if self.wrong is None else self.wrong, self.against)


def share_below(values: Reals) -> Reals:
    """(n,) share of the other values that are smaller."""
    ordered = np.sort(values)
    return np.asarray(np.searchsorted(ordered, values, side="left") / max(1, len(values) - 1), np.float64)


# --- numbers ------------------------------------------------------------------------------------------------------


def of_numbers(paths: Sequence[str], truth: Arrays, answers: Arrays, part: str) -> list[SecondLook]:
    """Numbers far from what was answered, in widths of their intervals. truth (N, 2+K), answers (N, 3), see tasks/regress.py."""
    y, subject = truth[:, 0].astype(np.float64), truth[:, 1].astype(np.int64)
    low, middle, high = (answers[:, k].astype(np.float64) for k in range(3))
    width = np.maximum(high - low, 1e-9 * (1 + np.abs(middle)))
    far = np.abs(y - middle) / width
    outside = (y < low) | (y > high)
    against = share_below(far)
    found = []
    for k in np.argsort(-far, kind="stable").tolist():
        own = subject == subject[k]
        more = (
            f"; of this subject {outside[own].sum()} of {own.sum()} photos are outside"
            if own.sum() > 1
            else ""
        )
        looks = f"{middle[k]:.4g} ({low[k]:.4g} to {high[k]:.4g}){more}"
        found.append(SecondLook(paths[k], part, f"{y[k]:.4g}", looks, None, float(against[k])))
    return found


# --- masks --------------------------------------------------------------------------------------------------------


def of_masks(
    paths: Sequence[str], classes: Sequence[str], truth: Arrays, answers: Arrays, part: str
) -> list[SecondLook]:
    """Pictures whose masks (N, H, W) disagree most: by the mean IoU of the classes that either shows."""
    agreement, words = np.zeros(len(paths)), []
    for k, (told, answered) in enumerate(zip(truth, answers, strict=True)):
        right, met = classes_of(told), classes_of(answered)
        counted = (right != VOID) & (met != VOID)
        right, met = right[counted], met[counted]
        there = np.union1d(np.unique(right), np.unique(met)).tolist()
        ious = {
            c: float(((right == c) & (met == c)).sum() / ((right == c) | (met == c)).sum()) for c in there
        }
        agreement[k] = np.mean(list(ious.values())) if ious else 1.0
        worst = min(ious, key=lambda c: ious[c], default=0)
        shares = (float((m == worst).mean()) if len(m) else 0.0 for m in (right, met))
        name = classes[worst] if worst < len(classes) else f"class {worst}"
        words.append(tuple(f"{name} on {percent(share)} of the pixels" for share in shares))
    against = share_below(-agreement)
    return [
        SecondLook(
            paths[k],
            part,
            words[k][0],
            f"{words[k][1]}; mean IoU {agreement[k]:.2f}",
            None,
            float(against[k]),
        )
        for k in np.argsort(agreement, kind="stable").tolist()
    ]


# --- boxes --------------------------------------------------------------------------------------------------------


@dataclass
class _Object:
    """A label, or an answer beside one. doubt: see of_boxes()."""

    row: int
    given: str
    looks: str
    doubt: float


def of_boxes(
    paths: Sequence[str], classes: Sequence[str], truth: Arrays, answers: Arrays, part: str
) -> list[SecondLook]:
    """Objects answered where none is labelled, and labels that nothing answers. truth (N, G, 6), answers (N, M, 6).

    An answer without a label is judged by the share of answers of its class, at least as sure, that have one; a label that is
    not answered by the share of labels of its class that are answered at least half as surely as usual. So a class that is
    often missed makes no missed label suspicious.
    """
    found = _matched(truth, answers)
    looks = [*_unlabelled(classes, truth, answers, found), *_unanswered(classes, truth, answers, found)]
    looks.sort(key=lambda look: -look.doubt)
    once = {
        (o.row, o.given, o.looks): o for o in reversed(looks)
    }  # a label and the answer beside it are one case
    kept = [o for o in looks if once[o.row, o.given, o.looks] is o]
    return [SecondLook(paths[o.row], part, o.given, o.looks, None, o.doubt) for o in kept]


@dataclass(frozen=True)
class _Matched:
    """labelled: (N, M) whether an answer lies on an object of its class or one to ignore. best: (N, G) the surest answer of the
    label's class on it, 0 where there is none."""

    labelled: NDArray[np.bool_]
    best: Reals


def _matched(truth: Arrays, answers: Arrays) -> _Matched:
    labelled = np.zeros(answers.shape[:2], bool)
    best = np.zeros(truth.shape[:2])
    for k, (told, met) in enumerate(zip(truth, answers, strict=True)):
        shares = iou(met, told)
        same = met[:, None, ANSWER_CLASS] == told[None, :, TRUTH_CLASS]
        on = (shares >= _OVERLAP) & (told[None, :, TRUTH_CLASS] >= 0)
        labelled[k] = (on & (same | (told[None, :, IGNORE] > 0))).any(1)
        best[k] = np.where(on & same, met[:, None, SCORE], 0.0).max(0, initial=0.0)
    return _Matched(labelled, best)


def _unlabelled(classes: Sequence[str], truth: Arrays, answers: Arrays, found: _Matched) -> list[_Object]:
    out = []
    for c, name in enumerate(classes):
        row, place = np.nonzero(answers[:, :, ANSWER_CLASS] == c)
        score, right = answers[row, place, SCORE].astype(np.float64), found.labelled[row, place]
        order = np.argsort(-score, kind="stable")
        as_sure = np.searchsorted(-score[order], -score, side="right")
        precision = np.cumsum(right[order])[as_sure - 1] / as_sure
        for k in np.flatnonzero(~right & (score >= _usual(score[right]) / 2)).tolist():
            box, labels = answers[row[k], place[k]], truth[row[k]]
            given = _nearest(classes, box, labels, labels[:, TRUTH_CLASS])
            out.append(_Object(int(row[k]), given, _at(name, box), float(precision[k])))
    return out


def _unanswered(classes: Sequence[str], truth: Arrays, answers: Arrays, found: _Matched) -> list[_Object]:
    out = []
    for c, name in enumerate(classes):
        row, place = np.nonzero((truth[:, :, TRUTH_CLASS] == c) & (truth[:, :, IGNORE] == 0))
        best = found.best[row, place]
        if not best.any():  # nothing answers this class: that is no doubt about its labels
            continue
        usual = _usual(best[best > 0])
        answered = float((best >= usual / 2).mean())
        for k in np.flatnonzero(best < usual / 2).tolist():
            box = truth[row[k], place[k]]
            doubt = answered * (1.0 - best[k] / usual)
            met = answers[row[k]]
            sure = np.where(met[:, SCORE] >= usual / 10, met[:, ANSWER_CLASS], -1)
            out.append(_Object(int(row[k]), _at(name, box), _nearest(classes, box, met, sure), doubt))
    return out


def _usual(scores: Reals) -> float:
    """The median of what is found; nothing is sure enough where nothing is."""
    return float(np.median(scores)) if len(scores) else np.inf


def _nearest(classes: Sequence[str], box: Arrays, others: Arrays, kinds: Arrays) -> str:
    """The one of boxes others (n, 6), of kinds (n,), that overlaps most with a box; NOTHING where none is about its place."""
    shares = np.where(kinds >= 0, iou(others, box[None])[:, 0], 0.0)
    if shares.max(initial=0.0) < _NEAR:
        return NOTHING
    k = int(shares.argmax())
    return _at(classes[int(kinds[k])], others[k])


def _at(name: str, box: Arrays) -> str:
    return f"{name} at {', '.join(f'{side:.0f}' for side in box[:4])}"
