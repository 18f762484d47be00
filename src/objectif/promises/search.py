"""The most generous limit that can be proved: fixed sequences of tests, from the safe end.

Where the loss can only grow as more answers are given (recall, specificity, coverage, ...), the limits are tested from the
strictest on until one is not proved; no confidence is lost on how many there are (Bates et al. 2021, Angelopoulos et al.
2021, Learn then test). Every value at which something changes is tested.

Shares of what is answered (precision, NPV, accuracy, risk) can rise and fall. There the limits are ranks: "the m safest of
the guarded answers", for a list of m that is fixed beforehand. Given the margin of the next one, the m above it are
independent draws of all that are above it, so each test is as exact as for a fixed limit. Plain Bonferroni over a list long
enough to lose no work costs a factor of its length. Instead the level is given to a few starts (Bonferroni over these), and
what a start has proved hands its level on to the next longer list (the fallback procedure of Wiens 2003, a fixed sequence
with several starts): at most all of the level, at least a share of it, at each length.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from objectif.promises.bounds import most, p_value
from objectif.promises.calibration import unit_means
from objectif.promises.seen import Seen

Bools = NDArray[np.bool_]
Reals = NDArray[np.float64]
Code = NDArray[np.int64] | None
STEPS = 64
STARTS = {8: 0.1, 16: 0.2, 32: 0.2, 48: 0.25, 64: 0.25}
"""Step of STEPS at which a sequence may start anew, and its share of the level."""


def monotone(seen: Seen, code: Code, level: float) -> float | None:
    """The smallest limit at which the promise is proved; None where it is not at any."""
    can = seen.about & (seen.loss > 0)
    if code is None and bool((seen.loss[can] == 1.0).all()):
        allowed = most(int(seen.about.sum()), seen.allowed, level)
        if allowed < 0:
            return None
        at = np.sort(seen.at[can])[::-1]
        return float(at[allowed]) if len(at) > allowed else -np.inf
    steps = np.unique(np.concatenate([[-np.inf], seen.at[can]]))

    def proved(limit: float) -> bool:
        losses = unit_means(np.where(seen.at > limit, seen.loss, 0.0), seen.about, code)
        return p_value(losses, seen.allowed) <= level

    if not proved(float(steps[-1])):
        return None
    low, high = 0, len(steps) - 1  # all from `high` on is proved
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if proved(float(steps[middle])) else (middle + 1, high)
    return float(steps[high])


def ranks(margin: Reals, of: Bools, code: Code) -> Reals:
    """(STEPS,) limits, falling: above the k-th lie about k / STEPS of the units with an answer in `of`; the last is -inf."""
    best = margin[of]
    if code is not None and len(best):
        peak = np.full(int(code.max()) + 1, -np.inf)
        np.maximum.at(peak, code[of], best)
        best = peak[np.unique(code[of])]
    falling = np.sort(best)[::-1]
    many = np.rint(len(falling) * np.arange(1, STEPS) / STEPS).astype(np.int64)
    return np.append(np.append(falling, -np.inf)[many], -np.inf)


def chain(
    seen: Seen, margin: Reals, given: Bools, limits: Sequence[float] | Reals, code: Code, level: float
) -> Bools:
    """(STEPS,) at which limits a conditional promise is proved among the answers (N,) `given` above them."""
    proved = np.zeros(len(limits), np.bool_)
    carried = 0.0
    for step, limit in enumerate(limits, start=1):
        carried += STARTS.get(step, 0.0) * level
        if carried == 0.0:
            continue
        losses = unit_means(seen.loss, seen.about & given & (margin > limit), code)
        proved[step - 1] = p_value(losses, seen.allowed) <= carried
        if not proved[step - 1]:
            carried = 0.0
    return proved


def losses(seen: Seen, limit: float | None, given: Bools, code: Code) -> Reals:
    """(U,) mean loss of each unit that the promise is about, under its limit and among the answers (N,) that are given."""
    if seen.conditional:
        return unit_means(seen.loss, seen.about & given, code)
    lost = seen.loss if limit is None else np.where(seen.at > limit, seen.loss, 0.0)
    return unit_means(lost, seen.about, code)
