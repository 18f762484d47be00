"""What these images do allow where a promise is not kept: the best bound, and about how many images the asked one needs."""

from __future__ import annotations

import math
from dataclasses import replace

from objectif.promises import limits as search
from objectif.promises.bounds import most
from objectif.promises.record import Best
from objectif.promises.search import ranks
from objectif.promises.seen import Guarded, Seen

_FINEST = 20  # halvings that look for the best bound


def best(seen: Seen, level: float) -> tuple[Best | None, int | None]:
    """The best bound that these images allow for this promise alone, and how many would allow the one that was asked."""
    promise, low, high = seen.promise, seen.allowed, 1.0 - 1e-6
    found = _alone(seen, high, level)
    if found is None:
        return None, None
    for _ in range(_FINEST):
        middle = (low + high) / 2.0
        one = _alone(seen, middle, level)
        low, high, found = (middle, high, found) if one is None else (low, middle, one)
    bound = seen.value(high)
    bound = math.floor(bound * 1000) / 1000 if promise.up else math.ceil(bound * 1000) / 1000
    if not 0.0 < bound < 1.0 and promise.kind != "risk":
        return None, None
    lost, work = found
    needed = (
        _answers_needed(seen, level)
        if isinstance(seen, Guarded) and seen.conditional
        else _needed(lost, seen.allowed, level)
    )
    return Best(replace(promise, bound=bound).short, bound, work), needed


def _alone(seen: Seen, allowed: float, level: float) -> tuple[float, float] | None:
    """Mean loss and work saved where that loss may be `allowed`; None where that cannot be promised either."""
    one = replace(seen, allowed=allowed)
    (limit,) = search.find([one], [level])
    if limit is None:
        return None
    given = one.passes(limit)
    work, low, _ = one.bounded_work(limit, given, level)
    if low <= 0.0 or one.chance(limit, given) > level:
        return None
    return one.losses(limit, given).mean, work


def _answers_needed(seen: Guarded, level: float) -> int | None:
    """As _needed(), where only the safest of the answers need be given."""
    steps = ranks(seen.margin, seen.guards, seen.units)
    total, wanted = seen.units.count(seen.guards), []
    for limit in steps:
        lost = seen.units.losses(seen.loss, seen.about & (seen.margin > limit))
        enough = _needed((float(lost.means.sum()) + 0.5) / (len(lost.means) + 1.0), seen.allowed, level)
        if enough is not None and len(lost.means):
            wanted.append(_rounded(enough * total / len(lost.means)))
    return min(wanted, default=None)


def _needed(lost: float, allowed: float, level: float) -> int | None:
    """About how many units would prove a loss of `allowed` where they lose `lost` on average; None where none would."""
    if lost >= 0.9 * allowed:
        return None
    exact = math.ceil(math.log(level) / math.log1p(-allowed))
    while most(exact, allowed, level) < lost * exact and exact < 10**6:
        exact = math.ceil(exact * 1.05)
    return _rounded(exact)


def _rounded(count: float) -> int:
    """Up, to two digits."""
    digits: int = 10 ** max(0, len(str(math.ceil(count))) - 2)
    return math.ceil(count / digits) * digits
