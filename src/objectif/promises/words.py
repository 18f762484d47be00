"""Promises in sentences: kept, or infeasible with what the data do allow."""

from __future__ import annotations

from dataclasses import dataclass

from objectif.problem.promises import Promise
from objectif.promises.record import Best


@dataclass(frozen=True)
class Facts:
    """What a sentence is made of; `why` is '' where the promise is kept, 'few' where it is not proved."""

    promise: Promise
    why: str
    estimate: float | None
    reached: float | None
    positives: int
    called: str
    groups: int
    holder: str
    work: float
    saves: str
    beside: str
    best: Best | None
    needed: int | None


def sentence(facts: Facts) -> str:
    """For people, without a full stop."""
    p = facts.promise
    if facts.why == "":
        sign = ">=" if p.up else "<="
        return (
            f"kept: {p.short} with {_percent(p.confidence)} confidence; on {_counted(facts)} it is {facts.estimate:.3f}{facts.beside}, and "
            f"{sign} {facts.reached:.3f} is proved; {facts.work:.1%} {facts.saves}"
        )
    if facts.why != "few":
        head = f"infeasible: {p.short}: {facts.why}"
    else:
        head = f"infeasible: {p.short} is not proved with {_counted(facts)}"
    if facts.best is None:
        return head if facts.why != "few" else f"{head}, nor is any other bound"
    text = f"infeasible: with {_counted(facts)} the best promise at {_percent(p.confidence)} is {facts.best.promise}"
    if facts.why != "few":
        text = f"{head}; with {_counted(facts)} the best promise at {_percent(p.confidence)} is {facts.best.promise}"
    text += f", which would save {facts.best.work_saved:.1%} of the work"
    if facts.needed is not None and facts.needed > (facts.groups if facts.holder else facts.positives):
        what = f"{facts.holder} with {facts.called}" if facts.holder else facts.called
        text += f"; about {facts.needed} {what} would allow {p.bound:g}"
    else:
        text += f"; how many would allow {p.bound:g} is not to be seen from these scores"
    return text


def _counted(facts: Facts) -> str:
    images = f"{facts.positives} {facts.called}"
    return f"{images} of {facts.groups} {facts.holder} (each counts the same)" if facts.holder else images


def _percent(share: float) -> str:
    return f"{100 * share:g} %"
