"""Problem: data, task, objective, limits and how to search, as one frozen value."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from objectif.errors import ProblemError
from objectif.problem import installed, noisy, readers, toml, values
from objectif.problem import promises as promised
from objectif.problem.values import APPROACHES, WORK_SAVED, Cost, Fault
from objectif.tasks import find

if TYPE_CHECKING:
    from objectif.data.dataset import Dataset
    from objectif.metrics.base import Metric

Auto = Literal["auto"]
KEPT_APART = 0.3
"""Of the images that are not for testing, where promises are to be proved: so many more than a network misses by having
fewer to learn from that bounds come near what is true."""
RANKED = ("classify", "anomaly", "detect", "segment", "regress")
"""Tasks whose candidates are ranked by the work that promises leave to a human."""


@dataclass(frozen=True, init=False)
class Problem:
    """What is to be solved, and what may be spent on it.

    data: absolute path of the labelled images. task: of TASKS, or 'auto' where the data are to speak.
    metric: name of the objective, or 'auto' for the task's usual one; with promises of classes or anomalies it is the work saved. cost: only for metric 'cost', rows truth, columns answer, as a matrix in
        the order of the classes or as {truth: {answer: cost}}; pairs not named cost 0 (right) or 1 (wrong).
    false_alarms: share of good pictures that may be called anomalous, by which a threshold of anomalies is chosen.
    promises: what must hold of the answers, as text (problem.promises). promises_hold: 'jointly' or 'each'. calibration: the share
        of the images that is kept apart to prove them by, 'auto' for the usual; none where nothing is promised.
    limits: any of latency_ms (milliseconds an image), size_mb, memory_mb (10^6 bytes), of the exported file.
    format, group, splits: None where the data are to speak; else a format's name, a regular expression on the
        path whose first group names what no split may cut, an absolute folder of split lists.
    images, masks, legend: None where the data are to speak; else absolute folders of pictures and of their masks, and
        a file that names the numbers or colours of masks. turn_masks: degrees, counter-clockwise, by which mask files are
        turned before they lie on their pictures: 0, 90, 180 or 270.
    degrade: None, or what the pictures, which are then clean, go through before they are to be restored: 'noise 25'.
    good: None, or the class of good pictures, from which anomalies are told, where its name does not say so.
    mirror: whether a mirrored image keeps its class; 'auto' leaves the answer to the race.
    allow_leakage: go on where the same picture stands on both sides of a given split.
    budget: seconds. approaches: of APPROACHES. models, losses, preparations: names, or 'auto'.
    folds, seeds: counts. margin: shortfall in the metric's unit that does not matter. seed: of all chance.
    """

    data: Path
    task: str
    metric: str
    cost: Cost | None
    false_alarms: float
    promises: tuple[str, ...]
    promises_hold: str
    calibration: Auto | float
    limits: Mapping[str, float]
    format: str | None
    group: str | None
    splits: Path | None
    images: Path | None
    masks: Path | None
    legend: Path | None
    turn_masks: int
    degrade: str | None
    good: str | None
    mirror: Auto | bool
    allow_leakage: bool
    budget: float
    approaches: tuple[str, ...]
    models: Auto | tuple[str, ...]
    losses: Auto | tuple[str, ...]
    preparations: Auto | tuple[str, ...]
    folds: int
    seeds: int
    margin: float
    seed: int

    def __init__(
        self,
        data: str | os.PathLike[str],
        task: str = "auto",
        *,
        maximize: str | None = None,
        minimize: str | None = None,
        metric: str | None = None,
        cost: Sequence[Sequence[float]] | Mapping[str, Mapping[str, float]] | None = None,
        false_alarms: float = 0.05,
        promises: str | Iterable[str] = (),
        promises_hold: str = "jointly",
        calibration: Auto | float = "auto",
        limits: Mapping[str, float] | None = None,
        format: str | None = None,
        group: str | None = None,
        splits: str | os.PathLike[str] | None = None,
        images: str | os.PathLike[str] | None = None,
        masks: str | os.PathLike[str] | None = None,
        legend: str | os.PathLike[str] | None = None,
        turn_masks: int = 0,
        degrade: str | None = None,
        good: str | None = None,
        mirror: Auto | bool = "auto",
        allow_leakage: bool = False,
        budget: float | str = 300.0,
        approaches: str | Iterable[str] = APPROACHES,
        models: str | Iterable[str] = "auto",
        losses: str | Iterable[str] = "auto",
        preparations: str | Iterable[str] = "auto",
        folds: int = 5,
        seeds: int = 3,
        margin: float = 0.01,
        seed: int = 0,
    ) -> None:
        """`maximize` or `minimize` is `metric`, its direction checked. ProblemError tells all faults."""
        given = {k: v for k, v in locals().items() if k not in {"self", "maximize", "minimize"}}
        given["metric"] = _objective(metric, maximize, minimize, has_cost=cost is not None)
        read, faults = values.read(given, Path.cwd())
        values.refuse(faults or list(values.contradictions(read)))
        for name, value in read.items():
            object.__setattr__(self, name, value)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; `Problem(**problem.to_dict())` is the same problem."""
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}

    def reading(self) -> dict[str, Any]:
        """How the data are read: keywords for data.load.load."""
        named = (
            "format",
            "group",
            "splits",
            "images",
            "masks",
            "legend",
            "turn_masks",
            "degrade",
            "good",
            "task",
        )
        return {name: getattr(self, name) for name in named}

    def check(self) -> None:
        """ProblemError where a name is not installed, or what lies on disk contradicts the statement."""
        values.refuse(list(installed.faults(self)))

    def settled(self, dataset: Dataset) -> Problem:
        """The same with the task and objective that these data mean where it says 'auto'.

        ProblemError: a task that the data cannot answer, an objective or loss that does not fit.
        """
        task = dataset.task if self.task == "auto" else self.task
        if task not in dataset.tasks:
            what = f"the data have labels for {' and '.join(map(repr, dataset.tasks))}; expected one of them, or data that say more"
            values.refuse([values.fault("task", task, what)])
        usual = "cost" if self.cost is not None else find(task).usual_metric(dataset.multilabel)
        if dataset.noisy and task == "restore":
            usual = noisy.METRIC
            values.refuse(list(noisy.misfits(self)))
        metric = usual if self.metric == "auto" else self.metric
        if (
            self.promises and task in RANKED
        ):  # what they leave to a person decides, whatever else is asked for
            metric = WORK_SAVED
        found = replace(self, task=task, metric=metric)
        found.validate_classes(dataset.classes, multilabel=dataset.multilabel)
        return found

    def validate_classes(self, classes: Sequence[str], *, multilabel: bool = False) -> None:
        """ProblemError where the objective or a loss does not fit these classes."""
        self.cost_matrix(classes)
        promised.validate(self.promised(), self.task, classes, multilabel)
        values.refuse(list(installed.misfits(self, classes, multilabel=multilabel)))

    def promised(self) -> tuple[promised.Promise, ...]:
        """The promises, read."""
        return tuple(promised.parse(text) for text in self.promises)

    def aside(self) -> float:
        """The share of images that is kept apart to prove promises by."""
        if not self.promises:
            return 0.0
        return KEPT_APART if self.calibration == "auto" else float(self.calibration)

    def cost_matrix(self, classes: Sequence[str]) -> tuple[tuple[float, ...], ...] | None:
        """The costs, rows truth, columns answer, in the order of `classes`; None where the metric is another.

        ProblemError: a matrix of another size, a table that names an unknown class.
        """
        if self.cost is None:
            return None
        if isinstance(self.cost, Mapping):
            return _from_table(self.cost, classes)
        if len(self.cost) != len(classes):
            values.refuse([Fault(("cost",), _wrong_size(len(self.cost), classes))])
        return self.cost

    def objective(self, classes: Sequence[str]) -> Metric:
        """The metric that decides, for these classes."""
        from objectif.metrics.catalog import metric

        named = self.metric != "cost"
        return metric(
            self.metric if named else {"name": "cost", "matrix": self.cost_matrix(classes)}, classes
        )


def _objective(metric: str | None, maximize: str | None, minimize: str | None, *, has_cost: bool) -> str:
    """The one metric that the three keywords name, its direction checked."""
    named = {
        k: v for k, v in (("metric", metric), ("maximize", maximize), ("minimize", minimize)) if v is not None
    }
    if len(named) > 1:
        raise ProblemError(f"{' and '.join(named)} are given; expected one of them.")
    for keyword, name in named.items():
        right = keyword
        if keyword != "metric":
            right = "maximize" if installed.higher_is_better(name) else "minimize"
        if right != keyword:
            better = "higher" if right == "maximize" else "lower"
            raise ProblemError(
                f"{keyword} = {name!r}: of this metric {better} is better; expected {right}={name!r}."
            )
        return name
    return "cost" if has_cost else "auto"


def _from_table(
    cost: Mapping[str, Mapping[str, float]], classes: Sequence[str]
) -> tuple[tuple[float, ...], ...]:
    for truth, row in cost.items():
        for name in (truth, *row):
            if name not in classes:
                near = readers.close_to(name, classes)
                what = f"the data have no class {name!r}, they have {listed(classes)}{near}"
                values.refuse([values.fault("cost", cost, what)])
    return tuple(
        tuple(float(cost.get(truth, {}).get(answer, truth != answer)) for answer in classes)
        for truth in classes
    )


def _wrong_size(rows: int, classes: Sequence[str]) -> str:
    return (
        f"cost has {rows} rows; expected {len(classes)}, one for each class in this order: "
        f"{listed(classes)}. Or name the classes: cost = {{ {toml.key_text(classes[0])} = {{ ... }} }}."
    )


def listed(classes: Sequence[str]) -> str:
    """Class names for a sentence, on one line and kept short."""
    shown = ", ".join(map(toml.visible, classes[:12]))
    return shown if len(classes) <= 12 else f"{shown} and {len(classes) - 12} more"


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value
