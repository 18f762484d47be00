"""The most generous limit of a share that can rise and fall, by fixed sequences of tests with several starts.

Shares of what is answered (precision, NPV, accuracy, risk) can rise and fall (Angelopoulos et al. 2021, Learn then test).
Their limits are ranks: "the m safest of
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

from objectif.promises.bounds import p_value
from objectif.promises.calibration import Bools, Reals, Units
from objectif.promises.seen import Guarded

STEPS = 64
FIRST = 0.8
"""Share of the level that the first start has."""
AHEAD = 1.5
"""How many times as long as the shortest list that can be proved the first is."""


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


def chain(seen: Guarded, margin: Reals, given: Bools, limits: Reals, units: Units, level: float) -> Bools:
    """(STEPS,) at which limits a conditional promise is proved among the answers (N,) `given` above them."""
    proved = np.zeros(len(limits), np.bool_)
    about, carried = seen.about & given, 0.0
    share = starts(units.count(about), seen.allowed, level)
    for step, limit in enumerate(limits, start=1):
        carried += share.get(step, 0.0) * level
        if carried == 0.0:
            continue
        lost = units.losses(seen.loss, about & (margin > limit))
        if not len(lost.means):  # many scores equal the greatest, such as 1: there is nothing to test yet
            continue
        proved[step - 1] = p_value(lost, seen.allowed) <= carried
        if not proved[step - 1]:
            carried = 0.0
    return proved
