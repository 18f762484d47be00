"""The most generous limit that can be proved: fixed sequences of tests, from the safe end.

Where the loss can only grow as more answers are given (recall, specificity, coverage, ...), the limits are tested from the
strictest on until one is not proved; no confidence is lost on how many there are (Bates et al. 2021, Angelopoulos et al.
2021, Learn then test). Every value at which something changes is tested.

Shares of what is answered (precision, NPV, accuracy, risk) can rise and fall. There the limits are ranks: "the m safest of
the guarded answers", for a list of m that is fixed beforehand. Given the margin of the next one, the m above it are
independent draws of all that are above it, so each test is as exact as for a fixed limit. Plain Bonferroni over a list long
enough to lose no work costs a factor of its length. Instead the level is given to a few starts (Bonferroni over these), and
what a start has proved hands its level on to the next longer list (the fallback procedure of Wiens 2003, a fixed sequence
with several starts): at most all of the level, at least a share of it, at each length. Most of it goes to the shortest list
that could be proved with a mistake or two: the safest answers are where mistakes are fewest.
"""

from __future__ import annotations

import math

import numpy as np

from objectif.promises.bounds import most, p_value
from objectif.promises.calibration import Bools, Reals, Units
from objectif.promises.seen import Seen

STEPS = 64
FIRST = 0.8
"""Share of the level that the first start has."""
AHEAD = 1.5
"""How many times as long as the shortest list that can be proved the first is."""


def monotone(seen: Seen, level: float) -> float | None:
    """The smallest limit at which the promise is proved; None where it is not at any."""
    can = seen.about & (seen.loss > 0)
    if seen.units.code is None and bool((seen.loss[can] == 1.0).all()):
        allowed = most(int(seen.about.sum()), seen.allowed, level)
        if allowed < 0:
            return None
        at = np.sort(seen.at[can])[::-1]
        return float(at[allowed]) if len(at) > allowed else -np.inf
    steps = np.unique(np.concatenate([[-np.inf], seen.at[can]]))

    def proved(limit: float) -> bool:
        return p_value(seen.losses(limit, can), seen.allowed) <= level

    if not proved(float(steps[-1])):
        return None
    low, high = 0, len(steps) - 1  # all from `high` on is proved
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if proved(float(steps[middle])) else (middle + 1, high)
    return float(steps[high])


def ranks(margin: Reals, of: Bools, units: Units) -> Reals:
    """(STEPS,) limits, falling: above the k-th lie about k / STEPS of the units with an answer in `of`; the last is -inf."""
    best, code = margin[of], units.code
    if code is not None and len(best):
        peak = np.full(int(code.max()) + 1, -np.inf)
        np.maximum.at(peak, code[of], best)
        best = peak[np.unique(code[of])]
    falling = np.sort(best)[::-1]
    many = np.rint(len(falling) * np.arange(1, STEPS) / STEPS).astype(np.int64)
    return np.append(np.append(falling, -np.inf)[many], -np.inf)


def starts(count: int, allowed: float, level: float) -> dict[int, float]:
    """The steps at which a sequence over `count` units may start, and the share of the level of each."""
    shortest = AHEAD * math.log(FIRST * level) / math.log1p(-allowed)
    first = math.ceil(STEPS * shortest / max(count, 1))
    if first >= STEPS:
        return {STEPS: 1.0}
    later = [step for step in (STEPS // 4, STEPS // 2, 3 * STEPS // 4, STEPS) if step > first]
    return {first: FIRST, **{step: (1.0 - FIRST) / len(later) for step in later}}


def chain(seen: Seen, margin: Reals, given: Bools, limits: Reals, units: Units, level: float) -> Bools:
    """(STEPS,) at which limits a conditional promise is proved among the answers (N,) `given` above them."""
    proved = np.zeros(len(limits), np.bool_)
    about, carried = seen.about & given, 0.0
    share = starts(units.count(about), seen.allowed, level)
    for step, limit in enumerate(limits, start=1):
        carried += share.get(step, 0.0) * level
        if carried == 0.0:
            continue
        lost = units.losses(seen.loss, about & (margin > limit))
        proved[step - 1] = p_value(lost, seen.allowed) <= carried
        if not proved[step - 1]:
            carried = 0.0
    return proved
