"""Promises of identities: how often a stranger is given a name (FPIR), in a gallery of a stated size.

People of the calibration images are divided once: some are enrolled, the others are strangers. A stranger counts once,
however many images there are of him. Against one gallery strangers are independent of each other; against several, in which
they change places with those who are enrolled, they are not. The work saved is the share of known people's images that are
given their name (TPIR).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.answers import Judgement
from objectif.metrics.identity import divisions, searches
from objectif.problem.promises import Promise
from objectif.promises.bounds import lower, upper
from objectif.promises.calibration import Bools, Calibration, Reals, Units
from objectif.promises.rule import Guard, Rule
from objectif.promises.seen import Seen


@dataclass(frozen=True, eq=False, kw_only=True)
class Searched(Seen):
    """right: (K,) scores of known people's images with their own entry, where it is nearest; -inf where it is not. known:
    their units. entries: of the gallery."""

    right: Reals
    known: Units
    entries: int

    idle = "it would save no work: nobody would be given a name"
    saves = "of the images of known people are given their name"

    def work(self, limit: float, given: Bools) -> Reals:
        """(K,) whether each of the known people's images is given its name."""
        return np.asarray(self.right > limit, np.float64)

    def bounded_work(self, limit: float, given: Bools, level: float) -> tuple[float, float, float]:
        """TPIR with its bounds."""
        named = self.known.losses(self.work(limit, given), np.ones(len(self.right), np.bool_))
        return named.mean, lower(named, level), upper(named, level)

    def chance(self, limit: float, given: Bools) -> float:
        """A name is right by chance once in as many times as there are entries."""
        return (
            1.0
            if float(self.work(limit, given).sum()) / max(len(self.right), 1) <= 1.0 / max(self.entries, 1)
            else 0.0
        )


def seen(promise: Promise, data: Calibration) -> Searched:
    """The promise on these embeddings; about nobody where people cannot be divided."""
    found = searches(data.truth, data.answers)
    none = np.zeros(0)
    row, mate, top, right = _first(found, data) if found else (np.zeros(0, np.int64), none, none, none)
    stranger = np.isnan(mate)
    people = np.unique(data.truth[:, 0, 0], return_inverse=True)[1].astype(np.int64)
    grouped = Units(len(data), lambda: data.lots, people if promise.unit == "group" else None)
    return Searched(
        promise,
        grouped,
        grouped.things(row[stranger]),
        np.ones(int(stranger.sum()), np.bool_),
        np.ones(int(stranger.sum())),
        top[stranger],
        promise.bound,
        "images of strangers",
        right=np.where(right[~stranger] > 0, mate[~stranger], -np.inf),
        known=grouped.things(row[~stranger]),
        entries=found[0].enrolled if found else 0,
    )


def _first(found: Any, data: Calibration) -> tuple[NDArray[np.int64], Reals, Reals, Reals]:
    """Row, own score, best score and whether that is right, of each search of the first division of the first block."""
    block = np.unique(data.truth[:, 0, 1])[0] if len(found) == 1 else data.truth[found[0].row[0], 0, 1]
    identity = data.truth[data.truth[:, 0, 1] == block, 0, 0]
    count = len(divisions(np.asarray(identity, np.int64))[0].probes)
    one = found[0]
    return one.row[:count], one.mate[:count], one.top[:count], one.right[:count].astype(np.float64)


def guard(promise: Promise, data: Calibration) -> Guard:
    """The guard of a promise that names all."""
    return Guard(promise, -np.inf)


def judge(rule: Rule, answers: NDArray[Any], chosen: Bools | None) -> list[Judgement]:
    """Names are given by the gallery, above the threshold that the promise set."""
    told = ", ".join(f"{g.promise.short} holds above a score of {g.limit:.4g}" for g in rule.guards)
    return [Judgement("answer", told or "no promise is about this answer")] * len(answers)


def decoding(rule: Rule, decoding: Any) -> Any:
    """With the strangers' curve raised so that the promised rate belongs to the promised threshold."""
    if not rule.guards or not decoding.rates or rule.guards[0].limit == -np.inf:
        return decoding
    bound, limit = rule.guards[0].promise.bound, rule.guards[0].limit
    rates, scores = np.array(decoding.rates), np.array(decoding.scores)
    above = rates[scores > limit]
    factor = bound / max(float(above.max(initial=0.0)), float(rates[rates > 0].min(initial=bound)))
    raised = [(min(r * factor, 1.0), s) for r, s in zip(rates, scores, strict=True) if s > limit]
    raised = [(r, s) for r, s in raised if r < bound] + [(bound, limit)]
    raised += [
        (max(r, bound * 1.001), s) for r, s in zip(rates, scores, strict=True) if s < limit and r > bound
    ]
    kept = sorted(dict(raised).items())
    return replace(
        decoding, fpir=bound, rates=tuple(float(r) for r, _ in kept), scores=tuple(float(s) for _, s in kept)
    )
