"""The verdict of a race: winner, ties, the beaten, and what the winner is worth after having been chosen.

All figures rest on the same images and the same bootstrap draws over groups. Candidates are equal in rights
only if they ran to the end and keep the limits; those alone are compared with each other. Candidates dropped
at a rung keep that status and are not compared; they still take part in the correction for having chosen,
because dropping them was part of the choice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.metrics.base import Metric, Truth
from objectif.metrics.catalog import metric as find_metric
from objectif.metrics.choose import choose, corrected
from objectif.metrics.compare import Pairs, all_pairs, gain_over, one_sided, spread_of_pairs
from objectif.metrics.intervals import Interval, from_replicates
from objectif.runs import sentences
from objectif.runs.entry import Entry
from objectif.runs.field import Field, check, cost_ranks, measure, usable
from objectif.runs.outcome import Row, TableRow, Verdict
from objectif.runs.rows import in_order, leaderboard, unscored
from objectif.runs.tables import tables

__all__ = ["Entry", "Row", "TableRow", "Verdict", "verdict"]

LEVEL = 0.95


def verdict(
    entries: Sequence[Entry],
    truth: Truth,
    metric: str | Metric,
    *,
    groups: NDArray[np.int64] | None = None,
    margin: float = 0.01,
    limits: Mapping[str, float] | None = None,
    baseline_scores: NDArray[np.floating[Any]] | None = None,
    seed: int = 0,
    draws: int = 2000,
) -> Verdict:
    """Judge the candidates of a race on truth (N, ...), as the metric's task means it.

    groups (N,): units of resampling, None for single images. margin: what a cheaper candidate may lose, in
    the metric's units. limits: of LIMITS, name -> largest value allowed. baseline_scores (N, ...): default the
    metric's blind answer, mostly the class frequencies of truth. ValueError for scores that do not fit or are
    not finite, naming the candidate.
    """
    chosen, bounds = find_metric(metric), dict(limits or {})
    check(entries, truth, bounds)
    scored = [e for e in entries if usable(e)]
    if not any(e.status in ("ran", "over_limit") for e in scored):
        return _empty(entries, chosen, margin, truth, baseline_scores)
    some = None if scored[0].scores is None else scored[0].scores[0]
    blind = _blind(chosen, truth, some, baseline_scores)
    field = measure(scored, truth, chosen, groups, bounds, blind, draws, seed)
    return _judge(entries, field, margin, bounds, draws, seed)


def _blind(
    metric: Metric,
    truth: Truth,
    some: NDArray[np.floating[Any]] | None,
    given: NDArray[np.floating[Any]] | None,
) -> NDArray[np.floating[Any]]:
    """Scores (N, ...) to be beaten: those given, or the metric's own blind answer where that does better.

    some: anybody's scores (N, ...), for they know the classes that the truth does not show.
    """
    own = metric.blind(truth, metric.classes(truth, some))
    if given is None or metric.sign * (metric.value(truth, own) - metric.value(truth, given)) > 0:
        return own
    return given


def _judge(
    entries: Sequence[Entry], field: Field, margin: float, limits: Mapping[str, float], draws: int, seed: int
) -> Verdict:
    scorer, metric = field.scorer, field.scorer.metric
    winner = _elect(field, margin)
    rows = leaderboard(entries, field, winner, _pairs(field, draws, seed), limits)
    ran = [e for e in field.entries if e.status != "dropped"]
    found = Verdict(
        rows=rows,
        winner=field.entries[winner].id,
        feasible=field.feasible,
        estimate=_estimate(field, winner, margin, draws, seed),
        naive=float(metric.sign * field.utility[winner]),
        baseline=float(metric.sign * field.utility[-1]),
        beats_baseline=_beats(field, winner, draws, seed),
        metric=metric.name,
        higher_is_better=metric.higher_is_better,
        margin=margin,
        tables=tables(ran, scorer, draws, seed),
        sentences=(),
    )
    return replace(found, sentences=_sentences(found, field, winner, limits))


def _sentences(found: Verdict, field: Field, winner: int, limits: Mapping[str, float]) -> tuple[str, ...]:
    metric, entry = field.scorer.metric, field.entries[winner]
    if found.estimate is None:
        return ()
    best = field.entries[field.electable[field.utility[field.electable].argmax()]]
    value = float(metric.sign * field.utility[field.electable].max())
    lines = []
    if not field.feasible:
        lines.append(sentences.of_limits(entry, limits, found.estimate.estimate, metric))
    lines += sentences.of_winner(
        entry.id, best.id, value, found.estimate, metric, found.margin, len(field.pool)
    )
    lines.append(sentences.of_statuses(found.rows))
    lines.append(sentences.of_baseline(found.beats_baseline, found.baseline, metric, field.known))
    lines += [line for kind, table in found.tables.items() if (line := sentences.of_table(kind, table))]
    return tuple(lines)


def _elect(field: Field, margin: float) -> int:
    some = field.electable
    spread = spread_of_pairs(field.draws[:, some], field.scorer.units) if field.known else None
    cost = cost_ranks([field.entries[i] for i in some])
    critical = one_sided(field.scorer.units) if field.known else 0.0
    return int(some[int(choose(field.utility[some], spread, cost, margin, critical))])


def _pairs(field: Field, draws: int, seed: int) -> Pairs | None:
    if not field.known or len(field.rivals) < 2:
        return None
    return all_pairs(field.scorer, field.rivals, draws=draws, seed=seed, level=LEVEL)


def _estimate(field: Field, winner: int, margin: float, draws: int, seed: int) -> Interval:
    scorer = field.scorer
    naive = float(scorer.metric.sign * field.utility[winner])
    rows = np.flatnonzero(scorer.owner == winner)
    influence = scorer.influence[:, rows].mean(axis=1)
    own = scorer.metric.sign * field.draws[:, winner]
    plain = from_replicates(scorer.metric, scorer.truth, naive, own, influence, scorer.units, LEVEL)
    if plain.low is None or len(field.pool) < 2:
        return plain
    spread = spread_of_pairs(field.draws[:, field.pool], scorer.units)
    cost = cost_ranks([field.entries[i] for i in field.pool])
    value, low, high = corrected(
        scorer,
        scorer.metric.sign * field.draws,
        field.pool,
        winner,
        spread,
        cost,
        margin,
        one_sided(scorer.units),
        draws,
        seed,
        LEVEL,
    )
    if plain.method == "wilson":  # nothing varies at the ends: Wilson's limits around the corrected figure
        return replace(plain, estimate=value, low=min(plain.low, value), high=max(plain.high or value, value))
    return replace(plain, estimate=value, low=low, high=high, method="bbc")


def _beats(field: Field, winner: int, draws: int, seed: int) -> bool:
    if not field.known:
        return False
    some, last = field.electable, len(field.entries)
    lower = gain_over(field.scorer, some, last, draws=draws, seed=seed, level=LEVEL)
    return bool(lower[int(np.flatnonzero(some == winner)[0])] > 0)


def _empty(
    entries: Sequence[Entry],
    metric: Metric,
    margin: float,
    truth: Truth,
    given: NDArray[np.floating[Any]] | None,
) -> Verdict:
    """Nobody was scored to the end."""
    baseline = metric.value(truth, _blind(metric, truth, None, given))
    return Verdict(
        rows=in_order([unscored(e) for e in entries], metric.sign, None),
        winner=None,
        feasible=False,
        estimate=None,
        naive=None,
        baseline=baseline,
        beats_baseline=False,
        metric=metric.name,
        higher_is_better=metric.higher_is_better,
        margin=margin,
        tables={"loss": (), "model": (), "approach": ()},
        sentences=("No candidate was scored to the end: there is nothing to choose from.",),
    )
