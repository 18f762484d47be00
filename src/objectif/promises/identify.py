"""Promises of identities: how often a stranger is given a name (FPIR), in a gallery of a stated size.

People of the calibration images (of the first block, where there are several) are divided once: some are enrolled, the others are strangers. A stranger counts once,
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
from objectif.metrics.identity import Division, divisions
from objectif.metrics.similarity import cosines, templates
from objectif.problem.promises import Promise
from objectif.promises.bounds import lower, upper
from objectif.promises.calibration import Bools, Calibration, Reals, Units
from objectif.promises.rule import Guard, Rule
from objectif.promises.seen import Seen

Ints = NDArray[np.int64]


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
    rows = np.flatnonzero(data.truth[:, 0, 1] == data.truth[0, 0, 1]) if len(data) else np.zeros(0, np.int64)
    drawn = divisions(np.asarray(data.truth[rows, 0, 0], np.int64))[:1]
    row, mate, scores = (
        _searched(rows, data.answers, drawn[0]) if drawn else (rows[:0], rows[:0], np.zeros((0, 1)))
    )
    stranger = mate < 0
    known = np.flatnonzero(~stranger)
    people = np.unique(data.truth[:, 0, 0], return_inverse=True)[1].astype(np.int64)
    units = Units(len(data), lambda: data.lots, people if promise.unit == "group" else None)
    right = scores[known].argmax(1) == mate[known]
    return Searched(
        promise,
        units,
        units.things(row[stranger]),
        np.ones(int(stranger.sum()), np.bool_),
        np.ones(int(stranger.sum())),
        scores[stranger].max(1),
        promise.bound,
        "images of strangers",
        right=np.where(right, scores[known].max(1), -np.inf),
        known=units.things(row[known]),
        entries=scores.shape[1],
    )


def _searched(rows: Ints, embeddings: NDArray[Any], drawn: Division) -> tuple[Ints, Ints, Reals]:
    """(S,) image and own entry (-1: a stranger) of each search, (S, E) scores with all entries."""
    own = embeddings[rows]
    known = templates(own[drawn.gallery], drawn.entry, int(drawn.entry.max()) + 1)
    return rows[drawn.probes], drawn.mate, np.asarray(cosines(own[drawn.probes], known), np.float64)


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
