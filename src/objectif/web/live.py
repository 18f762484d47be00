"""A race as it stands now, from its journal: who ran, who leads, who fell out, what it costs. Nothing is kept but the file.

Until the verdict the figures are those of single trials on the same held-out images: a sketch of the leaderboard, not the
leaderboard, whose intervals and comparisons come with the report.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from objectif.errors import ObjectifError
from objectif.metrics.catalog import metric as metric_of
from objectif.problem import read as read_problem
from objectif.runs.folder import JOURNAL, PROBLEM
from objectif.web.follow import Follower


@dataclass
class Line:
    """A candidate: its metric by seed, how long its trials took, what has become of it."""

    candidate: str
    model: str = ""
    loss: str = ""
    side: int = 0
    values: dict[int, float] = field(default_factory=dict)
    seconds: float = 0.0
    status: str = "ran"
    reason: str = ""

    @property
    def mean(self) -> float | None:
        """Of the metric over seeds."""
        return sum(self.values.values()) / len(self.values) if self.values else None


@dataclass
class Live:
    """What a journal says so far. running: names of the jobs at work. costs: (model, side) -> milliseconds an image."""

    lines: dict[str, Line] = field(default_factory=dict)
    costs: dict[tuple[str, int], float | None] = field(default_factory=dict)
    running: list[str] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)
    winner: str | None = None
    elapsed: float = 0.0

    def take(self, event: Mapping[str, Any]) -> None:
        """One more event."""
        self.elapsed = max(self.elapsed, float(event.get("elapsed_s") or 0.0))
        kind, status, trial = event.get("event"), event.get("status"), str(event.get("trial") or "")
        if kind == "tick":
            self.running = [str(name) for name in event.get("running", [])]
        elif kind == "note":
            self.notes[str(event.get("about"))] = str(event.get("text"))
        elif kind == "cost" and isinstance(event.get("cost"), Mapping):
            self.costs[str(event.get("model")), int(event.get("side") or 0)] = event["cost"].get("latency_ms")
        elif kind == "verdict":
            self.winner = trial
        elif kind == "trial":
            self._trial(event, str(status), trial)

    def _trial(self, event: Mapping[str, Any], status: str, trial: str) -> None:
        name = trial.rsplit("/seed", 1)[0]
        line = self.lines.setdefault(name, Line(name))
        candidate = event.get("candidate") or {}
        line.model, line.loss = candidate.get("model", line.model), candidate.get("loss", line.loss)
        line.side = int(candidate.get("side", line.side) or 0)
        if status == "done" and isinstance(event.get("metric"), int | float):
            line.values[int(event.get("seed") or 0)] = float(event["metric"])
            line.seconds += float(event.get("seconds") or 0.0)
            line.status, line.reason = "ran", ""
        elif status in {"dropped", "failed"} and not (status == "failed" and line.values):
            line.status, line.reason = status, str(event.get("reason") or "")

    def ranked(self, sign: float) -> list[Line]:
        """Best first; those without a figure last. sign: 1 where more is better, -1 where less is."""
        return sorted(self.lines.values(), key=lambda line: (line.mean is None, -sign * (line.mean or 0.0)))

    def latency(self, line: Line) -> float | None:
        """Milliseconds an image of a candidate's network, where they were measured."""
        return self.costs.get((line.model, line.side))


class Watch:
    """Races that somebody looks at; each journal is read once and then only where it has grown."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[Follower, Live]] = {}

    def live(self, folder: Path) -> Live:
        """The race in a run folder as it stands."""
        if folder not in self._known or self._shrunk(folder):
            self._known[folder] = Follower(folder / JOURNAL), Live()
        follower, live = self._known[folder]
        for _, event in follower.more():
            live.take(event)
        return live

    def _shrunk(self, folder: Path) -> bool:
        """Whether the journal is another than before: a race begun anew, or a torn line cut off."""
        try:
            return (folder / JOURNAL).stat().st_size < self._known[folder][0].offset
        except OSError:
            return True


def left(folder: Path, live: Live, budget: float | None) -> float | None:
    """Seconds until the budget is used up; between two events of the journal the clock of the disk tells."""
    if budget is None:
        return None
    try:
        since = max(0.0, time.time() - (folder / JOURNAL).stat().st_mtime)
    except OSError:
        since = 0.0
    return max(0.0, budget - live.elapsed - min(since, 60.0))


def objective(folder: Path) -> tuple[str, float]:
    """(the metric's title, 1 where more is better and -1 where less is) of a race, once it has written its statement."""
    try:
        problem = read_problem(folder / PROBLEM)
        if problem.metric == "cost":
            return "expected cost", -1.0
        found = metric_of(problem.metric)
        return found.title, 1.0 if found.higher_is_better else -1.0
    except (ObjectifError, OSError, ValueError, TypeError):
        return "metric", 1.0
