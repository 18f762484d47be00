"""The field of a race: all scored candidates measured on the same images, before anybody is judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.metrics.base import Metric, Reals, Truth
from objectif.metrics.choose import classes_within
from objectif.metrics.resample import FEWEST_GROUPS, Scorer
from objectif.runs.entry import LIMITS, Entry

_NEAR = 1.1  # an excess over the limits within measuring noise of the smallest


@dataclass(frozen=True)
class Field:
    """Everything measured, before anybody is judged: K entries with scores, B draws, R rows (their seeds).

    Utilities are sign x metric, so that higher is better.
    draws (B, K + 1): replicates of the utilities. The baseline is the last candidate of the scorer.
    rivals: entries that are compared with each other. electable: those of them that may win. pool: those
    whose choice is replayed to correct the estimate.
    """

    entries: tuple[Entry, ...]
    scorer: Scorer
    utility: Reals
    draws: Reals
    rivals: NDArray[np.intp]
    electable: NDArray[np.intp]
    pool: NDArray[np.intp]
    feasible: bool

    @property
    def known(self) -> bool:
        """Enough groups for a spread."""
        return self.scorer.units >= FEWEST_GROUPS


def check(entries: Sequence[Entry], truth: Truth, limits: Mapping[str, float]) -> None:
    """ValueError where entries, truth and limits do not fit each other, naming the candidate."""
    unknown = sorted(set(limits) - set(LIMITS))
    if unknown:
        raise ValueError(f"unknown limit {unknown[0]!r}; expected one of {', '.join(LIMITS)}")
    names = [e.id for e in entries]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise ValueError(f"candidate {twice[0]!r} is entered twice; ids must differ")
    for e in entries:
        _check_scores(e, len(truth))
    columns = {(e.scores.ndim, e.scores.shape[-1]) for e in entries if e.scores is not None}
    if len(columns) > 1 and truth.shape[1:] != (1, 2):  # of identities embeddings are compared, of any length
        counts = ", ".join(f"{e.id!r} {e.scores.shape[2:]}" for e in entries if e.scores is not None)
        raise ValueError(f"candidates have scores for other numbers of classes: {counts}")


def _check_scores(e: Entry, n: int) -> None:
    if e.scores is None:
        if e.status == "ran":
            raise ValueError(f"candidate {e.id!r} ran but has no scores; give them, or another status")
        return
    if e.scores.ndim < 3 or not len(e.scores) or e.scores.shape[1] != n:
        raise ValueError(
            f"candidate {e.id!r} has scores of shape {e.scores.shape}; expected (seeds, {n} images, ...)"
        )
    bad = int((~np.isfinite(e.scores)).sum())
    if bad and e.status in ("ran", "over_limit"):
        raise ValueError(f"candidate {e.id!r} has {bad} scores that are NaN or infinite; mark it failed")


def usable(e: Entry) -> bool:
    """Has it scores that can be counted?"""
    return e.scores is not None and e.status != "failed" and bool(np.isfinite(e.scores).all())


def measure(
    scored: Sequence[Entry],
    truth: Truth,
    metric: Metric,
    groups: NDArray[np.int64] | None,
    limits: Mapping[str, float],
    prior: NDArray[np.floating[Any]],
    draws: int,
    seed: int,
) -> Field:
    """Score all entries (usable ones) and the baseline, and say who competes with whom."""
    ran = [e for e in scored if e.status in ("ran", "over_limit")]
    ordered = (*ran, *(e for e in scored if e.status == "dropped"))
    stacks = [e.scores for e in ordered if e.scores is not None]
    scorer = Scorer(metric, truth, [*stacks, prior[None]], groups, draws)
    excess = [max(e.excess(limits).values(), default=2.0 if e.status == "over_limit" else 1.0) for e in ran]
    keeps = np.array([x <= 1.0 for x in excess])
    feasible = bool(keeps.any())
    rivals = np.flatnonzero(keeps) if feasible else np.arange(len(ran))
    nearest = np.array([x <= _NEAR * min(excess) for x in excess])
    electable = rivals if feasible else np.flatnonzero(nearest)
    dropped = np.arange(len(ran), len(ordered))
    pool = np.concatenate([electable, dropped]) if feasible else electable
    return Field(
        entries=ordered,
        scorer=scorer,
        utility=metric.sign * scorer.by_candidate(scorer.values),
        draws=metric.sign * scorer.by_candidate(scorer.bootstrap(draws, seed)),
        rivals=rivals,
        electable=electable,
        pool=pool,
        feasible=feasible,
    )


def cost_ranks(entries: Sequence[Entry]) -> NDArray[np.int64]:
    """Rank of cost, lower is cheaper: parameters and multiply-adds, then latency, each to within 10 %."""
    work = classes_within([float(e.params + e.macs) for e in entries])
    slow = classes_within([np.inf if e.latency_ms is None else e.latency_ms for e in entries])
    ranks = np.unique(work * (len(entries) + 1) + slow, return_inverse=True)[1]
    return np.asarray(ranks, np.int64)
