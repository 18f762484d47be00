"""Is a promise still kept? On fresh images with known truth, under the rule as it stands."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from objectif.problem.promises import parse
from objectif.promises.bounds import lower, upper
from objectif.promises.calibration import FEWEST_GROUPS, Calibration
from objectif.promises.fit import given_by
from objectif.promises.record import Record
from objectif.promises.rule import Rule, glue

Verdict = Literal["still kept", "no longer kept", "cannot tell from n"]


@dataclass(frozen=True)
class Check:
    """What fresh images say of a promise: estimate, with low and high its bounds at the promise's confidence each."""

    promise: str
    verdict: Verdict
    sentence: str
    estimate: float | None
    low: float | None
    high: float | None
    n: int
    work_saved: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def check(rule: Rule, record: Record, calibration: Calibration) -> Check:
    """Whether the promise of `record` holds under the rule on these images, or whether they are too few to tell."""
    data, promise = calibration.once(), parse(record.promise)
    task = glue(data.task)
    shipped = getattr(task, "shipped", None)  # where answers carry what was promised
    seen = shipped(promise, data) if shipped else task.seen(promise, data)
    groups = f"{seen.holder} with " if seen.holder else ""
    given = given_by(
        [task.seen(guard.promise, data) for guard in rule.guards], [g.limit for g in rule.guards], len(data)
    )
    own = next((g.limit for g in rule.guards if g.promise == promise), None)
    own = -np.inf if shipped else own
    lost, level = seen.losses(own, given), 1.0 - promise.confidence
    work = seen.bounded_work(own, given, level)[0] if own is not None and len(data) else 0.0
    if len(lost.means) == 0 or (seen.holder == "groups" and len(lost.means) < FEWEST_GROUPS):
        text = f"cannot tell from n: {promise.short} is about {len(lost.means)} {groups}{seen.called} here"
        return Check(record.promise, "cannot tell from n", text, None, None, None, len(lost.means), work)
    low, high = lower(lost, level), upper(lost, level)
    values, estimate = sorted((seen.value(low), seen.value(high))), seen.value(lost.mean)
    also = "" if own is None else seen.second(own, level)
    verdict = _verdict(low, high, seen.allowed, also)
    beside = "" if own is None else seen.beside(own)
    text = (
        f"{verdict}: {promise.short}; on {len(lost.means)} {groups}{seen.called} it is {estimate:.3f}{beside}, between "
        f"{values[0]:.3f} and {values[1]:.3f} with {100 * promise.confidence:g} % confidence on either side; {work:.1%} "
        f"{seen.saves}"
    )
    return Check(record.promise, verdict, text, estimate, values[0], values[1], len(lost.means), work)


def _verdict(low: float, high: float, allowed: float, also: str) -> Verdict:
    """By the bounds of the mean loss, and by what else must hold."""
    if low > allowed or also == "broken":
        return "no longer kept"
    return "still kept" if high <= allowed and also in ("", "kept") else "cannot tell from n"
