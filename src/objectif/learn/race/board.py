"""The board of a race: which trials are done, with which scores; it survives a kill and starts again from the journal.

A trial is a candidate with a seed; its out-of-fold probabilities are written before its line in the journal, so a line
is never believed without its scores.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.errors import PluginError
from objectif.learn.models import find
from objectif.learn.models.base import Learner
from objectif.learn.race.candidate import Candidate, Context
from objectif.metrics.base import Metric
from objectif.runs.entry import Entry
from objectif.runs.folder import RunFolder
from objectif.runs.journal import Journal

Scores = NDArray[np.float32]
"""(n_scored, ...) answers of the task: (n, C) probabilities, or whatever else it compares with truth."""


def correct(truth: NDArray[np.int64], scores: Scores) -> NDArray[np.float64]:
    """(N,) how right each answer is: 1 or 0, or the share of right yes-and-no where labels are several."""
    if truth.ndim == 2:
        return np.asarray(((scores >= 0.5) == (truth > 0)).mean(1), np.float64)
    return np.asarray(scores.argmax(1) == truth, np.float64)


def small(scores: NDArray[Any]) -> NDArray[Any]:
    """Answers as they are kept: numbers of half the usual precision, masks as they are."""
    return scores if np.issubdtype(scores.dtype, np.integer) else scores.astype(np.float32)


def _passes(candidate: Candidate) -> list[str]:
    """How long it was trained, in words; nothing of a head on fixed features."""
    if not candidate.epochs:
        return []
    try:
        model = find(candidate.model)
    except PluginError:  # of an earlier sitting, and not installed any more
        model = None
    if isinstance(model, Learner) and model.solved:
        return ["solved at once"]
    return [f"{candidate.epochs} epoch{'s' if candidate.epochs > 1 else ''}"]


@dataclass
class Cost:
    """What a model costs, measured once on its exported file."""

    params: int = 0
    macs: int = 0
    latency_ms: float | None = None
    size_mb: float | None = None
    memory_mb: float | None = None


@dataclass
class Board:
    """Scores and fates of all candidates so far."""

    folder: RunFolder
    journal: Journal
    context: Context
    metric: Metric
    limits: dict[str, float]
    scores: dict[Candidate, dict[int, Scores]] = field(default_factory=dict)
    failed: dict[Candidate, str] = field(default_factory=dict)
    dropped: dict[Candidate, tuple[int, str]] = field(default_factory=dict)
    costs: dict[tuple[str, int], Cost] = field(default_factory=dict)
    order: dict[Candidate, None] = field(default_factory=dict)
    values: dict[tuple[Candidate, int], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.truth = self.context.truth()[self.context.plan.scored()]
        for event in self.journal.events:  # what an earlier sitting has finished
            if event["event"] == "cost" and event["status"] == "done":
                self.costs[event["model"], event["side"]] = Cost(**event["cost"])
            elif event["event"] == "trial" and event["status"] == "done":
                self.recall(Candidate(**event["candidate"]), event["seed"])
            elif event["event"] == "trial" and event["status"] == "dropped" and "candidate" in event:
                self._recall_drop(Candidate(**event["candidate"]), event["rung"], event["reason"])

    def trial(self, candidate: Candidate, seed: int) -> str:
        """The name of a trial in the journal and on disk."""
        return f"{candidate.id}/seed{seed}"

    def recall(self, candidate: Candidate, seed: int) -> bool:
        """Whether this trial was finished before (its scores are then taken from disk)."""
        self.order[candidate] = None
        if seed in self.scores.get(candidate, {}):
            return True
        arrays = self.folder.read_trial(self.trial(candidate, seed))
        if arrays is None or arrays.get("scores") is None or len(arrays["scores"]) != len(self.truth):
            return False
        self._keep(candidate, seed, arrays["scores"])
        return True

    def _recall_drop(self, candidate: Candidate, rung: int, reason: str) -> None:
        """What fell out before; not what has scores and was only stopped, as a resume can go on with that."""
        self.order[candidate] = None
        if candidate not in self.scores:
            self.dropped[candidate] = (rung, reason)

    def _keep(self, candidate: Candidate, seed: int, scores: Scores) -> None:
        self.scores.setdefault(candidate, {})[seed] = scores
        self.values[candidate, seed] = float(self.metric.value(self.truth, scores))
        self.failed.pop(candidate, None)
        self.dropped.pop(candidate, None)

    def add(self, candidate: Candidate, seed: int, scores: Scores, seconds: float) -> None:
        """A finished trial: its scores to disk, then its line to the journal."""
        name = self.trial(candidate, seed)
        self.folder.write_trial(name, {"scores": small(scores)})
        self._keep(candidate, seed, scores)
        self.journal.append(
            "trial",
            trial=name,
            status="done",
            seconds=round(seconds, 3),
            metric=self.values[candidate, seed],
            candidate=asdict(candidate),
            seed=seed,
        )

    def weigh(self, candidate: Candidate, cost: Cost) -> None:
        """What a model costs at this size, measured."""
        self.costs[candidate.model, candidate.side] = cost
        name = f"{candidate.model}@{candidate.side}"
        self.journal.append(
            "cost", trial=name, status="done", model=candidate.model, side=candidate.side, cost=asdict(cost)
        )

    def fail(self, candidate: Candidate, seed: int | None, reason: str) -> None:
        """A trial that failed: written down, the race goes on. A candidate fails where none of its seeds ended well."""
        self.order[candidate] = None
        if not self.scores.get(candidate):
            self.failed[candidate] = reason
        name = candidate.id if seed is None else self.trial(candidate, seed)
        self.journal.append("trial", trial=name, status="failed", reason=reason)

    def drop(self, candidate: Candidate, rung: int, reason: str) -> None:
        """A candidate that fell out at a rung of the halving."""
        self.order[candidate] = None
        self.dropped[candidate] = (rung, reason)
        self.journal.append(
            "trial",
            trial=candidate.id,
            status="dropped",
            rung=rung,
            reason=reason,
            candidate=asdict(candidate),
        )

    def estimate(self, candidate: Candidate) -> float:
        """Mean metric over the seeds, with the sign turned so that more is better."""
        values = [self.values[candidate, seed] for seed in self.scores[candidate]]
        return self.metric.sign * float(np.mean(values))

    def one(self, candidate: Candidate) -> Scores:
        """The scores of its first seed that ended well."""
        return self.scores[candidate][min(self.scores[candidate])]

    def right(self, candidate: Candidate) -> float:
        """Share of right answers, whatever the metric is."""
        return float(correct(self.truth, self.one(candidate)).mean())

    def cost(self, candidate: Candidate) -> Cost:
        """The cost of a candidate's exported file."""
        return self.costs.get((candidate.model, candidate.side), Cost())

    def over(self, candidate: Candidate) -> dict[str, float]:
        """Limits that this candidate's file breaks -> measured value."""
        cost = self.cost(candidate)
        found = {}
        for name, most in self.limits.items():
            measured = getattr(cost, name)
            if measured is not None and measured > most:
                found[name] = measured
        return found

    def ranked(self, *, within_limits: bool = True) -> list[Candidate]:
        """Scored candidates, best first; those over a limit last or left out."""
        able = [c for c in self.scores if c not in self.failed and not (within_limits and self.over(c))]
        return sorted(able, key=lambda c: (-self.estimate(c), self.cost(c).macs))

    def entries(self) -> list[Entry]:
        """All candidates as the verdict wants them."""
        return [self._entry(candidate) for candidate in self.order]

    def _entry(self, candidate: Candidate) -> Entry:
        cost, over = self.cost(candidate), self.over(candidate)
        seeds = self.scores.get(candidate, {})
        status: Any = "ran"
        reason, rung = "", 0
        if candidate in self.failed:
            status, reason = "failed", self.failed[candidate]
        elif candidate in self.dropped:
            status, (rung, reason) = "dropped", self.dropped[candidate]
        elif over:
            status = "over_limit"
            reason = ", ".join(f"{n} {v:.1f}, allowed {self.limits[n]:g}" for n, v in over.items())
        elif not seeds:
            status, reason = "dropped", "not run: the budget was used up"
        stacked = (
            np.stack([seeds[s] for s in sorted(seeds)]) if seeds and status in {"ran", "over_limit"} else None
        )
        return Entry(
            id=candidate.id,
            approach=candidate.approach,
            model=candidate.model,
            loss=candidate.loss,
            preparation=candidate.treatment,
            setting=", ".join([f"{candidate.side} px", *_passes(candidate)]),
            scores=stacked,
            params=cost.params,
            macs=cost.macs,
            latency_ms=cost.latency_ms,
            size_mb=cost.size_mb,
            memory_mb=cost.memory_mb,
            status=status,
            rung=rung,
            reason=reason,
        )
