"""What a race found, as frozen values: the content of result.json, which pages and scripts read.

Numbers are fractions unless their name carries a unit; None means "not measured" or "no interval can be
given" (fewer than ten groups), never zero. Keys of result.json are a public contract: they are added to,
never renamed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from objectif.errors import RunError
from objectif.metrics.base import Metric
from objectif.metrics.catalog import metric
from objectif.problem import Problem
from objectif.problem.values import WORK_SAVED
from objectif.promises.objective import objective

STATUSES = ("winner", "tied", "beaten", "dropped", "failed", "over_limit")
REQUIRED = ("winner", "metric", "leaderboard")


@dataclass(frozen=True)
class Standing:
    """One candidate's line in the leaderboard.

    estimate, low, high: the metric with its interval. diff, diff_low, diff_high: paired difference to the
    best candidate (candidate minus best) with its simultaneous interval. rung: where a dropped one was
    dropped. params: number. macs: multiply-adds an image. latency_ms: one image on the machine of the race.
    *_mb: megabytes.
    """

    id: str
    approach: str = ""
    model: str = ""
    loss: str = ""
    preparation: str = ""
    status: str = "beaten"
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    diff: float | None = None
    diff_low: float | None = None
    diff_high: float | None = None
    reason: str = ""
    rung: int = 0
    seeds: int = 1
    params: int | None = None
    macs: int | None = None
    latency_ms: float | None = None
    size_mb: float | None = None
    memory_mb: float | None = None


@dataclass(frozen=True)
class Result:
    """A finished race. Lists are in the order in which they are shown; the leaderboard is sorted best first.

    estimate, low, high: of the winner, corrected for having chosen. estimate_of: 'network' where images that
    took no part were scored once, 'procedure' where out-of-fold scores were. level: of every interval (0.95).
    naive: the winner's own figure before that. baseline: the metric of answering without a look
    at the images.
    tables: 'loss', 'model', 'approach' as in runs/verdict.py.
    """

    winner: str | None
    metric: str
    leaderboard: tuple[Standing, ...]
    problem: Mapping[str, Any] = field(default_factory=dict)
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    baseline: float | None = None
    beats_baseline: bool = False
    feasible: bool = True
    elapsed_s: float = 0.0
    seeds: tuple[int, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    data_fingerprint: str = ""
    estimate_of: str = "procedure"
    naive: float | None = None
    metric_title: str = ""
    higher_is_better: bool = True
    level: float = 0.95
    classes: tuple[str, ...] = ()
    tables: Mapping[str, Any] = field(default_factory=dict)
    sentences: tuple[str, ...] = ()
    split: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    limits: Mapping[str, float] = field(default_factory=dict)
    card: Mapping[str, Any] = field(default_factory=dict)
    command: str = ""
    promises: Mapping[str, Any] | None = None
    calibration: Mapping[str, Any] | None = None

    @property
    def multilabel(self) -> bool:
        """Whether images have several labels, as far as the promises tell."""
        rule = (self.promises or {}).get("rule", {})
        return bool(rule.get("multilabel", False))

    @property
    def kept(self) -> bool:
        """Whether all that was promised is kept; True where nothing was promised."""
        return self.promises is None or bool(self.promises["kept"])

    @property
    def title(self) -> str:
        """The metric's name for people."""
        return self.metric_title or self.metric.replace("_", " ")

    def standing(self, name: str | None) -> Standing | None:
        """The line of a candidate; None where there is none."""
        return next((line for line in self.leaderboard if line.id == name), None)

    def cost_matrix(self) -> tuple[tuple[float, ...], ...] | None:
        """The costs, rows truth, columns answer, in the order of `classes`.

        None where the metric is another.
        """
        if self.metric != "cost":
            return None
        if not self.problem.get("cost"):
            raise RunError(
                "result.json: the metric is 'cost' but problem.cost is not there; expected a matrix."
            )
        return Problem(self.problem.get("data", "."), cost=self.problem["cost"]).cost_matrix(self.classes)

    def objective(self) -> Metric:
        """The metric that decided, ready to score answers in the order of `classes`."""
        if self.metric == WORK_SAVED:
            stated = Problem(**self.problem)
            spec = {
                "name": WORK_SAVED,
                "promises": stated.promises,
                "task": stated.task,
                "costs": stated.cost_matrix(self.classes),
            }
            return objective(spec, self.classes, multilabel=self.multilabel)
        matrix = self.cost_matrix()
        return metric(self.metric if matrix is None else {"name": "cost", "matrix": matrix}, self.classes)

    def to_dict(self) -> dict[str, Any]:
        """The content of result.json."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Any, *, name: str = "result.json") -> Result:
        """Read what `to_dict` wrote; keys of a newer version are ignored, missing ones get their defaults."""
        if not isinstance(content, Mapping) or any(key not in content for key in REQUIRED):
            raise RunError(f"{name} is not a result: expected an object with the keys {', '.join(REQUIRED)}.")
        known = {f.name for f in fields(cls)}
        values = {key: value for key, value in content.items() if key in known and value is not None}
        values["winner"] = content["winner"]
        for key in ("seeds", "classes", "sentences", "notes"):
            values[key] = tuple(values.get(key, ()))
        try:
            values["leaderboard"] = tuple(_standing(row) for row in content["leaderboard"])
        except (TypeError, KeyError, AttributeError) as error:
            raise RunError(f"{name}: a line of the leaderboard cannot be read ({error}).") from error
        return cls(**values)


def _standing(row: Mapping[str, Any]) -> Standing:
    """A line from its dictionary: unknown keys left out, missing ones as by default."""
    known = {f.name: f.default for f in fields(Standing)}
    kept = {key: value for key, value in row.items() if key in known and value is not None}
    return Standing(**{"id": str(row["id"]), **{k: v for k, v in kept.items() if k != "id"}})
