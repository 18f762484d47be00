"""Promises proved on images that took no part: limits, evidence, and what is said where it does not suffice.

A promise is kept only where its limit is proved, its rule saves work, and the answers that save it go with the truth more
than chance would make them: see apart.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from objectif.errors import ProblemError
from objectif.problem.promises import Promise, validate
from objectif.promises import limits as search
from objectif.promises.best import best as best_of
from objectif.promises.bounds import upper
from objectif.promises.calibration import FEWEST_GROUPS, Bools, Calibration
from objectif.promises.record import Best, Outcome, Record
from objectif.promises.rule import Guard, Rule, glue
from objectif.promises.seen import Guarded, Seen
from objectif.promises.words import Facts, sentence


def fit(
    promises: Sequence[Promise],
    calibration: Calibration,
    *,
    jointly: bool = True,
    tried: int = 1,
    advise: bool = True,
) -> Outcome:
    """The rule that keeps the promises, with the evidence for each.

    jointly: all hold together with the confidence of each; else each one by itself. tried: candidates that met these
    images before one was taken. advise: tell the best promise where one is not kept. ProblemError where a promise does not
    fit the problem.
    """
    if tried < 1:
        raise ProblemError(f"{tried} candidates tried; expected at least the one that the promises are for.")
    data = calibration.once()
    found = validate(promises, data.task, data.classes, data.multilabel)
    parts = (len(found) if jointly else 1) * tried
    seen: list[Seen] = [glue(data.task).seen(p, data) for p in found]
    limits, records = prove(seen, [(1.0 - p.confidence) / parts for p in found], advise)
    guards = tuple(_guard(s, t, data) for s, t in zip(seen, limits, strict=True) if t is not None)
    rule = Rule(data.task, data.classes, data.multilabel, guards)
    return Outcome(all(record.kept for record in records), rule, records)


def prove(
    seen: Sequence[Seen], levels: Sequence[float], advise: bool = True
) -> tuple[list[float | None], tuple[Record, ...]]:
    """The limit and the evidence of each promise at its level (1 - confidence)."""
    limits = _limits(seen, levels)
    given = given_by(seen, limits, seen[0].images.size if seen else 0)
    records = (_record(*one, given, advise) for one in zip(seen, limits, levels, strict=True))
    return limits, tuple(records)


def _limits(seen: Sequence[Seen], levels: Sequence[float]) -> list[float | None]:
    """Of each promise; None where it is not proved, or the images cannot tell."""
    some = [k for k, one in enumerate(seen) if not _lacking(one)]
    found = search.find([seen[k] for k in some], [levels[k] for k in some])
    at = dict(zip(some, found, strict=True))
    return [at.get(k) for k in range(len(seen))]


def given_by(seen: Sequence[Seen], limits: Sequence[float | None], n: int) -> Bools:
    """(N,) which images no promise leaves to a person."""
    passes = [s.passes(t) for s, t in zip(seen, limits, strict=True)]
    return np.asarray(np.logical_and.reduce([np.ones(n, np.bool_), *passes]), np.bool_)


def _guard(seen: Seen, limit: float, data: Calibration) -> Guard:
    made: Guard = glue(data.task).guard(seen.promise, data)
    return replace(made, limit=limit)


def _lacking(seen: Seen) -> str:
    """Why nothing can be said of a promise on these images, '' where something can."""
    count, n = int(seen.about.sum()), len(seen.about)
    if count == 0:
        return f"there are no {seen.called} among the {n} images"
    same = "so it cannot be told apart from a rule that always says the same"
    if seen.called in ("positives", "negatives") and count == n:
        return f"all {n} images are {seen.called}, {same}"
    if isinstance(seen, Guarded) and (seen.truth == seen.truth[0]).all():
        return f"all {n} images have the same truth, {same}"
    units = seen.units.count(seen.about)
    if seen.holder == "groups" and units < FEWEST_GROUPS:
        return f"cannot tell from fewer than ten groups ({units} with {seen.called})"
    return ""


def _why_not(seen: Seen, limit: float | None, given: Bools, level: float, least: float) -> str:
    """Why a promise is not kept, '' where it is, 'few' where it is just not proved; least: lower bound of its work."""
    if lacking := _lacking(seen):
        return lacking
    if limit is None:
        return "few"
    if least <= 0.0:
        return seen.idle
    if seen.chance(limit, given) > level:
        return "the answers that would save work go with the truth no more than chance makes them"
    return ""


def _record(seen: Seen, limit: float | None, level: float, given: Bools, advise: bool) -> Record:
    """The evidence for one promise under the rule by which the images (N,) `given` are answered."""
    promise = seen.promise
    work = (0.0, 0.0, 0.0) if limit is None else seen.bounded_work(limit, given, level)
    lost = None if limit is None else seen.losses(limit, given)
    why = _why_not(seen, limit, given, level, work[1])
    can: tuple[Best | None, int | None] = (None, None)
    if why and advise and not _lacking(seen):
        can = best_of(seen, level)
    if lost is not None and not len(lost.means):
        lost = None
    facts = Facts(
        promise,
        why,
        None if lost is None else seen.value(lost.mean),
        None if lost is None else seen.value(upper(lost, level / seen.tests)),
        int(seen.about.sum()),
        seen.called,
        seen.units.count(seen.about),
        seen.holder,
        work[0],
        seen.saves,
        "" if limit is None else seen.beside(limit),
        *can,
    )
    return _recorded(seen, facts, level, work)


def _recorded(seen: Seen, facts: Facts, level: float, work: tuple[float, float, float]) -> Record:
    promise = seen.promise
    return Record(
        promise=str(promise),
        kept=facts.why == "",
        sentence=sentence(facts),
        estimate=facts.estimate,
        reached=facts.reached,
        n=seen.images.size,
        positives=facts.positives,
        called=seen.called,
        groups=facts.groups,
        unit="group" if seen.holder == "groups" else "image",
        confidence=promise.confidence,
        used=1.0 - level,
        work_saved=work[0],
        work_low=work[1],
        work_high=work[2],
        best=facts.best,
        needed=facts.needed,
    )
