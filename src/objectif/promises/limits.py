"""Limits for all promises together: those that meet share what can be proved.

A promise whose loss only grows with what is given is kept whatever else is vetoed, so each of these has its own limit. A
promise about a share of what is answered must be tested on just the answers that will be given. Where such promises guard
the same answers they share one limit (their margins are log-odds above those that each bound asks for), and where a
promise of the first sort vetoes some of them too, its limit comes from a short fixed list, and the level is divided by the
length of the list: every veto that may come out has then been tested. Promises of both sorts that judge the same answers
by the same score (recall and NPV of a class) need no such list: both limits are ranks of that score.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from objectif.promises.search import chain, ranks
from objectif.promises.seen import Guarded, Seen

Bools = NDArray[np.bool_]
Reals = NDArray[np.float64]
FINE, COARSE = np.linspace(-2.2, 7.4, 13), np.linspace(-2.2, 7.4, 6)
"""Log-odds from .9 to .0006 of probability, where a limit must be of a fixed list."""
MOST_FREE = 2
"""Promises with a limit of their own from the list; more than that, near one promise of a share, have one in common."""


def find(seen: Sequence[Seen], levels: Sequence[float]) -> list[float | None]:
    """The limit of each promise; None where it cannot be proved."""
    limits = [None if s.conditional else s.find(t) for s, t in zip(seen, levels, strict=True)]
    guarded = [(k, s) for k, s in enumerate(seen) if isinstance(s, Guarded)]
    found = _together(
        [s for _, s in guarded], [limits[k] for k, _ in guarded], [levels[k] for k, _ in guarded]
    )
    for (k, _), limit in zip(guarded, found, strict=True):
        limits[k] = limit
    return limits


def _together(
    seen: Sequence[Guarded], limits: list[float | None], levels: Sequence[float]
) -> list[float | None]:
    """The limits of promises that guard answers, those of the first sort given."""
    together = blocks(seen)
    near, twins = _neighbours(seen, together)
    crowd = {k: max(len(own) for own in near if k in own) for own in near for k in own}
    tied = max(crowd.values(), default=0) > MOST_FREE
    for k, count in crowd.items():
        limits[k] = _listed(limits[k], FINE if tied or count == 1 else COARSE)
    if tied and any(limits[k] is None for k in crowd):
        near, crowd, together, twins = [], {}, [], []  # nothing about shares can be said then
    elif tied:
        strictest = max(t for t in (limits[k] for k in crowd) if t is not None)
        limits = [strictest if k in crowd else t for k, t in enumerate(limits)]
    for block, own, same in zip(together, near, twins, strict=True):
        free = [1.0 + len(FINE if crowd[k] == 1 else COARSE) for k in own]
        tests = float(len(FINE)) if tied else float(np.prod(free))
        vetoed = [seen[k].passes(limits[k]) for k in own]
        given = np.logical_and.reduce([np.ones(len(seen[0].guards), np.bool_), *vetoed])
        shift = seen[block[0]].shift
        least = max((t - shift for t in (limits[k] for k in same) if t is not None), default=-np.inf)
        found = _shared([seen[j] for j in block], [levels[j] / tests for j in block], given, least)
        for j in block:
            limits[j] = found
        for k in same:
            limit = limits[k]
            limits[k] = limit if limit is None or found is None else max(limit, found + shift)
    return limits


def _neighbours(
    seen: Sequence[Guarded], together: Sequence[Sequence[int]]
) -> tuple[list[list[int]], list[list[int]]]:
    """For each block the promises of the first sort that meet it, without its twins; and these."""
    twins = [
        [k for k, s in enumerate(seen) if not s.conditional and len(block) == 1 and s.twin(seen[block[0]])]
        for block in together
    ]
    near = [
        [k for k, s in enumerate(seen) if not s.conditional and any(s.meets(seen[j]) for j in block)]
        for block in together
    ]
    alone = [
        [k for k in same if sum(k in own for own in near) == 1] for same in twins
    ]  # a twin that meets another block too is a neighbour of both
    return [[k for k in own if k not in same] for own, same in zip(near, alone, strict=True)], alone


def _shared(seen: Sequence[Guarded], levels: Sequence[float], given: Bools, least: float) -> float | None:
    """One limit, `least` or more, for promises about shares of the same answers; None where there is none for all."""
    margin = np.min([np.where(one.guards, one.margin, np.inf) for one in seen], axis=0)
    some = np.logical_or.reduce([one.guards for one in seen]) & given
    units = next((s.units for s in seen if s.units.code is not None), seen[0].units)
    steps = ranks(margin, some, units)
    proved = [chain(one, margin, given, steps, units, level) for one, level in zip(seen, levels, strict=True)]
    last = np.flatnonzero(np.logical_and.reduce([steps >= least, *proved]))
    return float(steps[last[-1]]) if len(last) else None


def blocks(seen: Sequence[Guarded]) -> list[list[int]]:
    """Promises about shares of what is answered, put together where some answer is guarded by both."""
    found: list[list[int]] = []
    for k, one in enumerate(seen):
        if not one.conditional:
            continue
        own = [b for b in found if any(one.meets(seen[j]) for j in b)]
        found = [b for b in found if b not in own] + [sorted({k, *(j for b in own for j in b)})]
    return found


def _listed(limit: float | None, listed: Reals) -> float | None:
    """The first of a rising list that is not below the limit."""
    if limit is None or limit > listed[-1]:
        return None
    return float(listed[np.searchsorted(listed, limit)])
