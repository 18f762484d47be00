"""The lines of the leaderboard: status, figures and reason of every candidate, best first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from objectif.metrics.compare import Pairs
from objectif.metrics.intervals import from_replicates
from objectif.runs import sentences
from objectif.runs.entry import Entry
from objectif.runs.field import Field
from objectif.runs.outcome import Row, Status

_ORDER = {"winner": 0, "tied": 0, "beaten": 0, "over_limit": 1, "dropped": 2, "failed": 3}


def leaderboard(
    entries: Sequence[Entry], field: Field, winner: int, pairs: Pairs | None, limits: Mapping[str, float]
) -> tuple[Row, ...]:
    """Rows of all entries, best first: compared, then over a limit, dropped (late ones first), failed."""
    index = {e.id: k for k, e in enumerate(field.entries)}
    rows = []
    for e in entries:
        k = index.get(e.id)
        rows.append(unscored(e) if k is None else _row(e, k, field, winner, pairs, limits))
    sign, chosen = field.scorer.metric.sign, field.entries[winner].id
    return in_order(rows, sign, chosen)


def in_order(rows: Sequence[Row], sign: float, winner: str | None) -> tuple[Row, ...]:
    """Rows best first; a winner stands among those compared, whatever limits it breaks."""

    def key(row: Row) -> tuple[int, int, float, str]:
        first = 0 if row.id == winner else _ORDER[row.status]
        late = -row.rung if row.status == "dropped" else 0
        return first, late, np.inf if row.estimate is None else -sign * row.estimate, row.id

    return tuple(sorted(rows, key=key))


def _row(
    e: Entry, k: int, field: Field, winner: int, pairs: Pairs | None, limits: Mapping[str, float]
) -> Row:
    scorer, sign = field.scorer, field.scorer.metric.sign
    own = np.flatnonzero(scorer.owner == k)
    span = from_replicates(
        scorer.metric,
        scorer.truth,
        float(sign * field.utility[k]),
        sign * field.draws[:, k],
        scorer.influence[:, own].mean(axis=1),
        scorer.units,
    )
    status, reason = _status(e, k, field, winner, pairs, limits)
    diff = low = high = None
    if k in field.rivals:
        best = int(field.utility[field.rivals].argmax())
        i = int(np.searchsorted(field.rivals, k))
        diff = float(sign * (field.utility[k] - field.utility[field.rivals[best]]))
        if pairs is not None:
            low, high = _bounded(*sorted(float(sign * x[i, best]) for x in (pairs.low, pairs.high)))
    return replace(
        unscored(e),
        status=status,
        estimate=span.estimate,
        low=span.low,
        high=span.high,
        diff=diff,
        diff_low=low,
        diff_high=high,
        reason=reason or span.reason,
    )


def _bounded(low: float, high: float) -> tuple[float | None, float | None]:
    return (low, high) if np.isfinite(low) and np.isfinite(high) else (None, None)


def _status(
    e: Entry, k: int, field: Field, winner: int, pairs: Pairs | None, limits: Mapping[str, float]
) -> tuple[Status, str]:
    broken = e.excess(limits)
    over = "; ".join(_over(e, name, limits[name]) for name in broken)
    if k == winner:
        return "winner", over or e.reason
    if e.status == "dropped":
        return "dropped", e.reason or f"dropped at rung {e.rung}: not compared"
    if over or e.status == "over_limit":
        return "over_limit", over or e.reason
    i = int(np.searchsorted(field.rivals, k))
    if pairs is None or not pairs.beaten[i]:
        return "tied", e.reason or _untold(field, pairs)
    clearest = int(np.where(pairs.better[:, i], pairs.low[:, i], -np.inf).argmax())
    gap, low, high = (float(x[clearest, i]) for x in (pairs.difference, pairs.low, pairs.high))
    rival = field.entries[field.rivals[clearest]].id
    return "beaten", f"beaten by {rival} by {sentences.figure(gap, low, high)}"


def _untold(field: Field, pairs: Pairs | None) -> str:
    """Why nobody could be told apart, where that is the reason."""
    units = field.scorer.units
    if not field.known:
        return f"fewer than ten groups ({units}): nothing can be told apart"
    if pairs is not None and not np.isfinite(pairs.low).all():
        return f"{units} groups are too few to tell {len(field.rivals)} candidates apart"
    return ""


def _over(e: Entry, name: str, allowed: float) -> str:
    measured = getattr(e, name)
    if measured is None:
        return f"{name} was not measured, the limit is {allowed:g}"
    return f"{name} is {measured:.3g}, the limit is {allowed:g}"


def unscored(e: Entry) -> Row:
    """The row of an entry as it came: no figures."""
    status: Status = "tied" if e.status == "ran" else e.status
    reason = e.reason or (f"dropped at rung {e.rung}: not compared" if e.status == "dropped" else "")
    return Row(
        id=e.id,
        approach=e.approach,
        model=e.model,
        loss=e.loss,
        preparation=e.preparation,
        status=status,
        estimate=None,
        low=None,
        high=None,
        diff=None,
        diff_low=None,
        diff_high=None,
        reason=reason,
        params=e.params,
        macs=e.macs,
        latency_ms=e.latency_ms,
        size_mb=e.size_mb,
        memory_mb=e.memory_mb,
        seeds=e.seeds,
        rung=e.rung,
    )
