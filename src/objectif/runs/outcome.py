"""What a race found, as frozen values: a row for each candidate, a table row for each loss, the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from objectif.metrics.intervals import Interval

Status = Literal["winner", "tied", "beaten", "dropped", "failed", "over_limit"]


@dataclass(frozen=True)
class Row:
    """One line of the leaderboard.

    estimate, low, high: the metric (mean over seeds) and its own 95 % interval, None without scores.
    diff, diff_low, diff_high: metric of this one minus metric of the best, with the interval that holds for
    all pairs together; None where it was not compared.
    """

    id: str
    approach: str
    model: str
    loss: str
    preparation: str
    status: Status
    estimate: float | None
    low: float | None
    high: float | None
    diff: float | None
    diff_low: float | None
    diff_high: float | None
    reason: str
    params: int
    macs: int
    latency_ms: float | None
    size_mb: float | None
    memory_mb: float | None
    seeds: int
    rung: int


@dataclass(frozen=True)
class TableRow:
    """One loss (model, approach) over complete blocks, best first.

    estimate, low, high: mean metric over blocks and seeds with its 95 % interval over groups and seeds.
    better_than: names that it clearly beats (intervals that hold for all pairs of the table).
    blocks: what is held equal, how many of them. seeds: fewest behind any of its candidates here.
    claim: a sentence that says no more than was shown. left_out: names that lack a block.
    """

    name: str
    estimate: float
    low: float | None
    high: float | None
    better_than: tuple[str, ...]
    blocks: int
    seeds: int
    claim: str
    left_out: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**asdict(self), "better_than": list(self.better_than), "left_out": list(self.left_out)}


@dataclass(frozen=True)
class Verdict:
    """What a race found. rows: best first. winner: id, None where nothing was scored.

    estimate: of the winner, corrected for having chosen it. naive: its own figure. baseline: the metric of
    the prior class frequencies. feasible: the winner keeps all limits. margin: in the metric's units.
    """

    rows: tuple[Row, ...]
    winner: str | None
    feasible: bool
    estimate: Interval | None
    naive: float | None
    baseline: float
    beats_baseline: bool
    metric: str
    higher_is_better: bool
    margin: float
    tables: Mapping[str, tuple[TableRow, ...]]
    sentences: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: numbers, strings, lists and None."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {
            **plain,
            "rows": [asdict(row) for row in self.rows],
            "estimate": None if self.estimate is None else self.estimate.to_dict(),
            "tables": {name: [row.to_dict() for row in rows] for name, rows in self.tables.items()},
            "sentences": list(self.sentences),
        }
