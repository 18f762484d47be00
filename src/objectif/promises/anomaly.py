"""Promises of anomalies: false alarms on good pictures, and the recall of anomalous ones.

A promise of false alarms says from which score a picture may be called anomalous, one of recall up to which it may be
called good. One alone moves the threshold of the answers. Both leave what lies between their scores to a person; where they
cross, nothing does, and the threshold is put in their middle.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.answers import Judgement
from objectif.metrics.maps import kinds, scores
from objectif.problem.promises import Promise
from objectif.promises.calibration import Bools, Calibration, Reals, Units
from objectif.promises.rule import Guard, Rule
from objectif.promises.seen import Guarded


def seen(promise: Promise, data: Calibration) -> Guarded:
    """The promise on these pictures."""
    return of_scores(promise, data.units(promise.unit), scores(data.answers), kinds(data.truth) > 0)


def of_scores(promise: Promise, units: Units, score: Reals, odd: Bools) -> Guarded:
    """The promise on pictures with these scores (N,), which are anomalous where `odd` (N,)."""
    alarms, n = promise.kind == "false_alarm_rate", len(score)
    margin = score if alarms else -score
    return Guarded(
        promise,
        units,
        units,
        ~odd if alarms else odd,
        np.ones(n),
        margin,
        promise.bound if alarms else 1.0 - promise.bound,
        "negatives" if alarms else "positives",
        guards=np.ones(n, np.bool_),
        margin=margin,
        conditional=False,
        sides=frozenset(),
        score=None,
        shift=0.0,
        answer=np.ones(n, np.int64),
        truth=np.asarray(odd == alarms, np.int64),
        alone=True,
    )


def guard(promise: Promise, data: Calibration) -> Guard:
    """The guard of a promise that lets all through."""
    return Guard(promise, -np.inf)


def judge(rule: Rule, answers: NDArray[Any], chosen: NDArray[np.bool_] | None) -> list[Judgement]:
    """One judgement for each picture."""
    odd, good = _limits(rule)
    found = []
    for score in scores(answers):
        told = [g.promise.short for g in rule.guards if _given(g, float(score))]
        if told:
            found.append(Judgement("answer", f"sure enough: {', '.join(told)}"))
        elif odd is not None and good is not None:
            words = f"a score between {good:.4g} and {odd:.4g} is neither good nor anomalous for sure"
            found.append(Judgement("defer", words))
        else:
            found.append(Judgement("answer", "no promise is about this answer"))
    return found


def decoding(rule: Rule, decoding: Any) -> Any:
    """With the threshold that the promises ask for."""
    odd, good = _limits(rule)
    if odd is None and good is None:
        return decoding
    below = np.inf if good is None else float(np.nextafter(good, -np.inf))  # good is what is below
    if odd is None:
        return replace(decoding, threshold=below)
    threshold = odd if good is None or odd >= below else (odd + below) / 2
    return replace(decoding, threshold=float(threshold))


def _given(guard: Guard, score: float) -> bool:
    return (score if guard.promise.kind == "false_alarm_rate" else -score) > guard.limit


def _limits(rule: Rule) -> tuple[float | None, float | None]:
    """The scores above which a picture may be called anomalous, and below which good."""
    odd = next((g.limit for g in rule.guards if g.promise.kind == "false_alarm_rate"), None)
    good = next((-g.limit for g in rule.guards if g.promise.kind == "recall"), None)
    return odd, good
