"""Metrics of identification: how many of the known are named while so few of the unknown are (ISO/IEC 19795-1, NIST FRTE).

Truth (N, 1, 2): the identity of each image, and the block it is in: images whose embeddings one network gave. Answers
(N, D) are embeddings. What is scored is drawn from them: in each block identities are divided, again and again by a fixed
seed, into those that are enrolled and strangers, and the images of the enrolled into gallery and probes. A search is one
probe against the gallery.

    FPIR = strangers' searches with a candidate at or above the threshold / strangers' searches
    TPIR = 1 - FNIR = mated searches whose own entry is nearest and above the threshold / mated searches

The threshold of TPIR at an FPIR is the lowest that keeps it in all divisions of a block together: within one division
of fifty strangers' images one in a hundred would be none. Weights are of probes; galleries stay as they were drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.metrics.base import Metric, Prepared, Reals, Scores, Truth
from objectif.metrics.similarity import cosines, templates

STRANGERS = 0.25  # share of the identities that are not enrolled
ENROLLED = 5  # images of an entry, or half of those that there are
DIVISIONS, FEWEST, SEARCHES = 50, 5, 40_000  # at most, at least; fewer where that makes so many searches
FPIR, FAR = 0.01, 0.001
_CELLS = 4_000_000  # weights held at once
_AROUND = (0.5, 2.0)  # factors of a rate between which the slope of a curve is measured

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Division:
    """gallery: rows that are enrolled, entry: the number of each one's entry. probes: rows that are searched, mate: the
    entry of each, -1 of a stranger's."""

    gallery: Ints
    entry: Ints
    probes: Ints
    mate: Ints


@dataclass(frozen=True)
class Searches:
    """All searches of one block. row: the image. mate: the entry's score that is the image's own, NaN of a stranger's.

    top: the nearest entry's score. right: whether that is its own. others (S, E - 1 or E): scores of entries that are not.
    enrolled: entries of the gallery; images: enrolled for each, at most. strangers: how many people are never known.
    """

    row: Ints
    mate: Reals
    top: Reals
    right: NDArray[np.bool_]
    other_row: Ints
    other: Reals
    enrolled: int
    images: int

    @property
    def mated(self) -> NDArray[np.bool_]:
        """Which of them have an entry."""
        return ~np.isnan(self.mate)


def divisions(identity: Ints, seed: int = 0) -> list[Division]:
    """Divisions of images (n,) of these identities; none where nobody could be enrolled or nobody be a stranger.

    Whoever has one image is always a stranger: there is nothing left to search with.
    """
    names, counts = np.unique(identity, return_counts=True)
    able = names[counts > 1]
    outside = max(1, round(STRANGERS * len(names)))
    fixed = names[counts == 1]
    drawn = max(0, outside - len(fixed))
    if len(able) - drawn < 1 or not len(fixed) + drawn:
        return []
    rng = np.random.default_rng([seed, len(identity), len(names)])
    often = int(np.clip(SEARCHES // max(1, len(identity)), FEWEST, DIVISIONS))
    return [_division(identity, rng.permutation(able)[drawn:], rng) for _ in range(often)]


def _division(identity: Ints, enrolled: Ints, rng: np.random.Generator) -> Division:
    gallery: list[Ints] = []
    entry: list[int] = []
    mate = np.full(len(identity), -1, np.int64)
    taken = np.zeros(len(identity), np.bool_)
    for number, name in enumerate(np.sort(enrolled).tolist()):
        rows = rng.permutation(np.flatnonzero(identity == name))
        chosen = rows[: min(ENROLLED, len(rows) // 2)]
        gallery.append(chosen)
        entry += [number] * len(chosen)
        mate[rows], taken[chosen] = number, True
    probes = np.flatnonzero(~taken)
    return Division(np.concatenate(gallery), np.array(entry, np.int64), probes, mate[probes])


def searches(truth: Truth, embeddings: Scores, seed: int = 0) -> list[Searches]:
    """The searches of each block that can be divided, rows numbered as in truth (N, 1, 2)."""
    found = []
    for block in np.unique(truth[:, 0, 1]).tolist():
        rows = np.flatnonzero(truth[:, 0, 1] == block)
        identity = truth[rows, 0, 0]
        drawn = divisions(np.asarray(identity, np.int64), seed)
        if drawn:
            found.append(_searched(rows, np.asarray(embeddings)[rows], drawn))
    return found


def _searched(rows: Ints, embeddings: Scores, drawn: list[Division]) -> Searches:
    parts = []
    entries = int(drawn[0].entry.max()) + 1
    for division in drawn:
        known = templates(embeddings[division.gallery], division.entry, entries)
        scores = np.asarray(cosines(embeddings[division.probes], known), np.float64)
        own = np.arange(entries)[None] == division.mate[:, None]
        mate = np.where(own.any(1), np.where(own, scores, 0.0).sum(1), np.nan)
        best = np.where(own, -np.inf, scores).max(axis=1, initial=-np.inf)
        right = np.greater(mate, best, where=~np.isnan(mate), out=np.zeros(len(mate), np.bool_))
        there = rows[division.probes]
        other = np.repeat(there, entries).reshape(scores.shape)[~own]
        parts.append((there, mate, scores.max(axis=1), right, other, scores[~own]))
    images = int(np.bincount(drawn[0].entry).max())
    row, mate, top, right, other_row, other = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Searches(row, mate, top, right, other_row, other, entries, images)


# --- what is counted --------------------------------------------------------


@dataclass(frozen=True)
class Sides:
    """Scores that should be high and scores that should be low, each with the image it belongs to, in one block."""

    for_row: Ints
    for_score: Reals
    against_row: Ints
    against_score: Reals


def _identified(found: Searches) -> Sides:
    """Own entries where they are nearest, against strangers' nearest."""
    known = found.mated
    scores = np.where(found.right, found.top, -np.inf)[known]
    return Sides(found.row[known], scores, found.row[~known], found.top[~known])


def _verified(found: Searches) -> Sides:
    """Probes against their own entries, and against all others."""
    known = found.mated
    return Sides(found.row[known], found.mate[known], found.other_row, found.other)


def _known(found: Searches) -> Sides:
    """The nearest entry of a known person's image, whoever it is of, against a stranger's."""
    known = found.mated
    return Sides(found.row[known], found.top[known], found.row[~known], found.top[~known])


def _first(found: Searches) -> Sides:
    """1 where the own entry is nearest, else 0; nothing against it."""
    known, none = found.mated, np.array([], np.int64)
    return Sides(found.row[known], found.right[known].astype(np.float64), none, np.array([]))


def threshold(against: Reals, rate: float) -> float:
    """The score that must be exceeded so that at most this share of the scores is; -inf of none."""
    ranked = np.sort(np.asarray(against, np.float64))[::-1]
    allowed = int(np.floor(rate * len(ranked) + 1e-9))
    return float(ranked[allowed]) if allowed < len(ranked) else -np.inf


def _at(sides: Sides, weight: Reals, rate: float) -> tuple[Reals, Reals]:
    """Weighted count (B,) of what exceeds the threshold that keeps `rate`, and of all; weight (B, N)."""
    order = np.argsort(-sides.against_score, kind="stable")
    beyond = weight[:, sides.against_row[order]].cumsum(axis=1)
    own = weight[:, sides.for_row]
    if not beyond.shape[1]:
        return own.sum(1), own.sum(1)
    place = (beyond <= rate * beyond[:, -1:] * (1 + 1e-9)).sum(axis=1)
    ranked = np.append(sides.against_score[order], -np.inf)
    return (own * (sides.for_score[None] > ranked[place][:, None])).sum(1), own.sum(1)


def _mean(sides: Sides, weight: Reals) -> tuple[Reals, Reals]:
    own = weight[:, sides.for_row]
    return own @ sides.for_score, own.sum(1)


def _ranked(sides: Sides, weight: Reals) -> tuple[Reals, Reals]:
    """Weighted pairs (B,) in which the one for is above the one against, half for ties, and all pairs."""
    order = np.argsort(sides.against_score, kind="stable")
    below = weight[:, sides.against_row[order]].cumsum(axis=1)
    below = np.concatenate([np.zeros((len(weight), 1)), below], axis=1)
    ranked = sides.against_score[order]
    low, high = (np.searchsorted(ranked, sides.for_score, side) for side in ("left", "right"))
    own = weight[:, sides.for_row]
    won = (own * (below[:, low] + below[:, high]) / 2).sum(1)
    return won, own.sum(1) * below[:, -1]


@dataclass(frozen=True)
class IdentityMetric(Metric):
    """A share of searches, or of comparisons. sides: which scores; rate: of those against that may exceed the threshold."""

    sides: Callable[[Searches], Sides]
    rate: float | None = None
    ranks: bool = False

    def classes(self, truth: Truth, scores: Scores | None = None) -> int:
        """How many identities there are."""
        return len(np.unique(truth[:, 0, 0]))

    def support(self, truth: Truth) -> float:
        """Images of one person are not independent: as many as there are people."""
        return float(self.classes(truth))

    def prepared(self, truth: Truth, scores: Scores) -> Sought:
        """Searched once, for values under any weights."""
        self.check(truth, scores)
        found = [self.sides(block) for block in searches(truth, scores)]
        if not found or not any(len(s.for_row) for s in found):
            raise ValueError(
                f"{self.name} needs at least two identities in one part of the data, one of them with two images or more, "
                "so that one can be enrolled and another be a stranger"
            )
        return Sought(self, truth, scores, tuple(found))

    def value(self, truth: Truth, scores: Scores, weight: Reals | None = None) -> float:
        row = np.ones(len(truth)) if weight is None else np.asarray(weight, np.float64)
        return float(self.prepared(truth, scores).replicates(row[None])[0])

    def replicates(self, truth: Truth, scores: Scores, counts: Reals) -> Reals:
        return self.prepared(truth, scores).replicates(np.asarray(counts, np.float64))

    def influence(self, truth: Truth, scores: Scores) -> Reals:
        return self.prepared(truth, scores).expand()[1]

    def parts(self, truth: Truth, scores: Scores) -> Reals:
        return self.prepared(truth, scores).expand()[2]

    def expand(self, truth: Truth, scores: Scores) -> tuple[float, Reals, Reals]:
        return self.prepared(truth, scores).expand()


@dataclass(frozen=True)
class Sought(Prepared):
    """An IdentityMetric of fixed answers. sides: of each block."""

    metric: IdentityMetric
    sides: tuple[Sides, ...]

    def replicates(self, counts: Reals) -> Reals:
        """(B,) values under each row of weights counts (B, N)."""
        longest = max(max(len(s.for_row), len(s.against_row)) for s in self.sides)
        step = max(1, _CELLS // max(1, longest))
        blocks = [counts[start : start + step] for start in range(0, len(counts), step)]
        return np.concatenate([self._values(block) for block in blocks])

    def _values(self, weight: Reals) -> Reals:
        counted = [self._counted(sides, weight) for sides in self.sides]
        got, of = (np.sum([pair[k] for pair in counted], axis=0) for k in (0, 1))
        return np.asarray(got / np.maximum(of, np.finfo(np.float64).tiny), np.float64)

    def _counted(self, sides: Sides, weight: Reals) -> tuple[Reals, Reals]:
        if self.metric.rate is not None:
            return _at(sides, weight, self.metric.rate)
        return _ranked(sides, weight) if self.metric.ranks else _mean(sides, weight)

    def expand(self) -> tuple[float, Reals, Reals]:
        """Value, influence (N,) and parts (N,), by the curve's slope where a threshold moves."""
        n = len(self.truth)
        one = np.ones((1, n))
        counted = [self._counted(sides, one) for sides in self.sides]
        all_of = float(sum(of[0] for _, of in counted))
        value = float(sum(got[0] for got, _ in counted)) / all_of
        influence = np.zeros(n)
        for sides, (got, of) in zip(self.sides, counted, strict=True):
            self._spread(influence, sides, float(got[0]), float(of[0]), value, all_of)
        influence -= influence.mean()
        return value, influence, influence + value / n

    def _spread(
        self, influence: Reals, sides: Sides, got: float, of: float, value: float, all_of: float
    ) -> None:
        """Add what the images of one block do to the value when their weight grows."""
        rate = self.metric.rate
        if self.metric.ranks:
            m, s = len(sides.for_row), len(sides.against_row)
            ranked, own = np.sort(sides.against_score), np.sort(sides.for_score)
            above = _share_below(ranked, sides.for_score)
            under = 1 - _share_below(own, sides.against_score)
            np.add.at(influence, sides.for_row, s * (above - value) / all_of)
            np.add.at(influence, sides.against_row, m * (under - value) / all_of)
            return
        if rate is None:
            np.add.at(influence, sides.for_row, (sides.for_score - value) / all_of)
            return
        limit = threshold(sides.against_score, rate)
        np.add.at(influence, sides.for_row, ((sides.for_score > limit) - value) / all_of)
        if len(sides.against_row):
            low, high = (threshold(sides.against_score, factor * rate) for factor in _AROUND)
            risen = float((sides.for_score > high).sum() - (sides.for_score > low).sum())
            slope = risen / (rate * (_AROUND[1] - _AROUND[0])) / all_of
            share = 1 / len(sides.against_row)
            over = sides.against_score > limit
            np.add.at(influence, sides.against_row, -slope * share * (over - over.mean()))


def _share_below(ranked: Reals, values: Reals) -> Reals:
    """(n,) share of ranked scores below each value, ties as half."""
    sides = (np.searchsorted(ranked, values, side) for side in ("left", "right"))
    return np.asarray(sum(sides) / 2 / max(1, len(ranked)), np.float64)


def same(truth: Truth, classes: int) -> Scores:
    """(N, 1) one embedding for all: what is answered without a look at the images."""
    return np.ones((len(truth), 1))


def _metric(
    name: str, title: str, sides: Callable[[Searches], Sides], rate: float | None = None, ranks: bool = False
) -> IdentityMetric:
    return IdentityMetric(
        name, title, True, False, False, not ranks, sides, rate, ranks, blind=same, task="identify"
    )


TPIR = _metric("tpir", "TPIR at FPIR 1 %", _identified, FPIR)
TAR = _metric("tar", "TAR at FAR 0.1 %", _verified, FAR)
RANK1 = _metric("rank1", "rank-1 rate", _first)
OPEN_AUROC = _metric("open_auroc", "AUROC, known against strangers", _known, ranks=True)

METRICS: tuple[Any, ...] = (TPIR, TAR, RANK1, OPEN_AUROC)
