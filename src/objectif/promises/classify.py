"""Promises of a classification: which answers each guards, and the scores by which they are given or left to a person.

The answer is the class that the decoding chooses. recall and npv of a class guard all other answers, because those are
what can miss it; precision, specificity and the false-alarm rate guard that answer itself; coverage, accuracy and risk
guard all. Scores are taken as log-odds, on which the thresholds of small probabilities are as fine as those of large ones.

A set is the chosen class with all classes above the threshold, so that it is never empty and grows as the threshold falls:
sets of likely classes alone can be empty, and then a stricter threshold would answer more images.

Where labels are several, each class is a question of its own with the answers yes and no. An image is given only if none
of its answers is vetoed, so all promises of different classes meet.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from objectif.answers import Judgement
from objectif.errors import ProblemError
from objectif.problem.promises import Promise
from objectif.promises.calibration import Calibration
from objectif.promises.rule import Guard, Rule, log_odds, probability, stated
from objectif.promises.seen import Guarded

Bools = NDArray[np.bool_]
Reals = NDArray[np.float64]
CONDITIONAL = ("precision", "npv", "accuracy", "risk")
OTHERS = ("recall", "npv")  # guard the answers other than their class
SELF = ("precision", "specificity", "false_alarm_rate")


def seen(promise: Promise, data: Calibration) -> Guarded:
    """The promise on these images."""
    odds = log_odds(data.answers)
    chosen = _chosen(data)
    made = guard(promise, data)
    guards, margin = guarded(made, odds, chosen, data.classes)
    n = len(data)
    true = _is(promise, data)
    about, at = np.ones(n, np.bool_), margin
    loss: Reals = np.ones(n)
    if promise.kind == "coverage":
        own = odds[np.arange(n), data.truth]
        at, loss = -own, np.asarray(~chosen[np.arange(n), data.truth], np.float64)
    elif promise.kind in ("accuracy", "risk"):
        loss = _costs_met(promise, data, chosen)
    else:
        about, loss = _of_class(promise, guards, true)
    scale = made.scale
    if promise.kind == "risk" and promise.bound >= scale:
        raise ProblemError(
            f"promise '{promise}': no answer costs more than {scale:g}, so every rule keeps it; expected a bound below that."
        )
    units = data.units(promise.unit)
    return Guarded(
        promise,
        units,
        units,
        about,
        loss,
        at,
        (1.0 - promise.bound) if promise.up else promise.bound / scale,
        _called(promise),
        guards=guards,
        margin=margin,
        conditional=promise.kind in CONDITIONAL,
        sides=_sides(promise, data),
        score=None if promise.of is None else (data.classes.index(promise.of), promise.kind in OTHERS),
        shift=made.shift,
        answer=np.asarray(chosen.argmax(1) if promise.of is None else guards, np.int64),
        truth=np.asarray(data.truth if promise.of is None else true != (promise.kind in OTHERS), np.int64),
        scale=scale,
    )


def guard(promise: Promise, data: Calibration) -> Guard:
    """The guard of a promise that lets all through."""
    costs = data.costs if promise.kind == "risk" else None
    return Guard(promise, -np.inf, _shift(promise, costs), costs)


def _of_class(promise: Promise, guards: Bools, true: Bools) -> tuple[Bools, Reals]:
    """Images that it is about, and what each loses where its guarded answer is given."""
    if promise.kind == "recall":
        return true, np.asarray(guards & true, np.float64)
    if promise.kind in ("specificity", "false_alarm_rate"):
        return ~true, np.asarray(guards & ~true, np.float64)
    wrong = true if promise.kind == "npv" else ~true
    return guards, np.asarray(guards & wrong, np.float64)


def guarded(guard: Guard, odds: Reals, chosen: Bools, classes: Sequence[str]) -> tuple[Bools, Reals]:
    """(N,) which answers it guards, (N,) their margin: log-odds of being right less those that the bound asks for."""
    kind, n = guard.promise.kind, len(odds)
    everything = np.ones(n, np.bool_)
    if kind == "coverage":
        rivals = np.where(chosen, -np.inf, odds).max(axis=1)
        return everything, -rivals
    if kind == "accuracy":
        return everything, odds[chosen] - guard.shift
    if kind == "risk":
        cost = (probability(odds) @ guard.table(len(classes)))[chosen]
        return everything, log_odds(1.0 - np.clip(cost, 0.0, 1.0)) - guard.shift
    place = list(classes).index(guard.promise.of or "")
    if kind in OTHERS:
        return ~chosen[:, place], -odds[:, place] - guard.shift
    return chosen[:, place], odds[:, place] - guard.shift


def judge(rule: Rule, answers: NDArray[np.generic], chosen: Bools) -> list[Judgement]:
    """One judgement for each row of probabilities (N, C)."""
    odds = log_odds(answers)
    found = [(guard, *guarded(guard, odds, chosen, rule.classes)) for guard in rule.guards]
    sets = next((g for g in rule.guards if g.promise.kind == "coverage"), None)
    judgements = []
    for row in range(len(odds)):
        own = [(g, margin[row]) for g, guards, margin in found if guards[row]]
        veto = [g for g, margin in own if not margin > g.limit]
        among: tuple[str, ...] = ()
        if sets is not None:
            order = np.argsort(-odds[row], kind="stable")
            among = tuple(rule.classes[k] for k in order if chosen[row, k] or -odds[row, k] <= sets.limit)
        if veto:
            judgements.append(Judgement("defer", _doubt(veto[0], among), among))
        else:
            judgements.append(Judgement("answer", _sure([g for g, _ in own]), among))
    return judgements


def _doubt(guard: Guard, among: tuple[str, ...]) -> str:
    p = guard.promise
    if p.kind == "coverage":
        return f"it may be {' or '.join(among)}: {p.short}"
    if p.kind in OTHERS:
        return f"{p.of} cannot be ruled out at {stated(p)}"
    if p.kind in SELF:
        return f"not sure enough that it is {p.of}: {p.short} holds {threshold(guard)}"
    return f"not sure enough of the answer: {p.short} holds {threshold(guard)}"


def _sure(guards: Sequence[Guard]) -> str:
    if not guards:
        return "no promise is about this answer"
    return "sure enough: " + ", ".join(f"{g.promise.short} holds {threshold(g)}" for g in guards)


def threshold(guard: Guard) -> str:
    """Where its answers are given, in probabilities."""
    kind, of = guard.promise.kind, guard.promise.of
    if guard.limit == -np.inf:
        return "for all of these answers"
    at = float(probability(np.array(guard.limit + guard.shift)))
    if kind == "coverage":
        return f"with the classes from a probability of {1 - at:.3g}"
    if kind in OTHERS:
        return f"below a probability of {1 - at:.3g} for {of}"
    if kind == "risk":
        return f"below an expected cost of {(1 - at) * guard.scale:.3g}"
    return f"above a probability of {at:.3g}"


def _chosen(data: Calibration) -> Bools:
    if data.chosen is not None:
        return np.asarray(data.chosen, np.bool_)
    if data.multilabel:
        return np.asarray(data.answers >= 0.5)
    chosen = np.zeros(data.answers.shape, np.bool_)
    chosen[np.arange(len(data)), data.answers.argmax(1)] = True
    return chosen


def _is(promise: Promise, data: Calibration) -> Bools:
    """(N,) whether an image is truly of the class that the promise is about; all False without one."""
    if promise.of is None:
        return np.zeros(len(data), np.bool_)
    place = data.classes.index(promise.of)
    return np.asarray(data.truth[:, place] == 1 if data.multilabel else data.truth == place)


def _right(data: Calibration, chosen: Bools) -> Bools:
    return np.asarray(chosen[np.arange(len(data)), data.truth], np.bool_)


def _costs_met(promise: Promise, data: Calibration, chosen: Bools) -> Reals:
    if data.costs is None or promise.kind == "accuracy":
        return np.asarray(~_right(data, chosen), np.float64)
    table = np.asarray(data.costs, np.float64)
    return np.asarray(table[data.truth, chosen.argmax(1)] / table.max(), np.float64)


def _shift(promise: Promise, costs: tuple[tuple[float, ...], ...] | None) -> float:
    """Log-odds that answers guarded by several promises are seen from, so that one limit serves all of them."""
    if promise.kind not in CONDITIONAL:
        return 0.0
    scale = max(map(max, costs)) if promise.kind == "risk" and costs else 1.0
    bound = promise.bound if promise.up else 1.0 - min(promise.bound / scale, 0.999)
    return float(log_odds(np.array(bound)))


def _sides(promise: Promise, data: Calibration) -> frozenset[tuple[int, bool]]:
    """Answers that it guards: (class, yes or no). One class each: yes of a class. Several: a side of one image."""
    count = len(data.classes)
    if promise.of is None:
        return frozenset((k, True) for k in range(count))
    place, others = data.classes.index(promise.of), promise.kind in OTHERS
    if not data.multilabel:
        return frozenset((k, True) for k in range(count) if (k != place) == others)
    # an image has a side of every class, so that only yes and no of one class never meet
    rest = {(k, side) for k in range(count) if k != place for side in (True, False)}
    return frozenset(rest | {(place, not others)})


def _called(promise: Promise) -> str:
    kind = promise.kind
    if kind == "recall":
        return "positives"
    if kind in ("specificity", "false_alarm_rate"):
        return "negatives"
    if kind == "coverage":
        return "images"
    return "answers"
