"""A Solution's metrics with intervals on labelled images, classes matched by name.

By name and not by number: folders of new data list their classes in an order of their own, and may lack some. A class
that the Solution does not know would be counted wrong whatever it answered, so it is refused rather than scored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.data import pixels
from objectif.data.dataset import Dataset
from objectif.data.identities import grouped
from objectif.errors import DataError
from objectif.metrics.base import Metric
from objectif.metrics.catalog import available, metric
from objectif.metrics.intervals import Interval, interval
from objectif.metrics.noisy_pictures import SURE
from objectif.metrics.segmentation import TOLERANCE, in_unit
from objectif.promises import Calibration, Check, check
from objectif.run.inputs import Failure
from objectif.run.judging import outcome
from objectif.run.predictor import Predictor
from objectif.solution.file import Solution
from objectif.tasks import find
from objectif.tasks.classify import Decoding, choose


@dataclass(frozen=True)
class Evaluation:
    """What evaluate() found.

    metrics: name -> (metric, its interval). n: images answered. groups: units that were resampled.
    failures: images that could not be read. notes: sentences for a person. promises: whether each is still kept.
    """

    metrics: dict[str, tuple[Metric, Interval]]
    n: int
    groups: int
    failures: tuple[Failure, ...]
    notes: tuple[str, ...]
    promises: tuple[Check, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: metrics -> name -> estimate, low, high (None where there is none); n, groups, failed."""
        return {
            "metrics": {
                name: {
                    "estimate": found.estimate,
                    "low": found.low,
                    "high": found.high,
                    "level": found.level,
                    "method": found.method,
                    "higher_is_better": metric.higher_is_better,
                }
                for name, (metric, found) in self.metrics.items()
            },
            "n": self.n,
            "groups": self.groups,
            "failed": len(self.failures),
            "notes": list(self.notes),
            "promises": [one.to_dict() for one in self.promises],
        }


def evaluate(
    predictor: Predictor,
    dataset: Dataset,
    *,
    names: Sequence[str] | None = None,
    seed: int = 0,
    scale: tuple[tuple[float, float], str] | None = None,
    progress: Callable[[], None] | None = None,
) -> Evaluation:
    """Metrics of a Solution on all samples of a Dataset; the unit of resampling is the Dataset's group.

    names: of metrics; None is wanted(). scale: how much a pixel of masks measures (down, across), and the unit: distances
    are told in it, else in pixels. progress is called after each image.
    Raises DataError: a class that the Solution does not know, labels of another kind, no image that can be read.
    """
    solution = predictor.solution
    if solution.task == "identify":
        dataset = grouped(dataset)
    truth, notes = matched(solution, dataset)
    if dataset.columns:
        predictor.know({str(s.file): pixels.known(dataset, row) for row, s in enumerate(dataset.samples)})
    rows: list[NDArray[Any]] = []
    good = np.zeros(len(dataset), np.bool_)
    failures = [Failure(path, reason) for path, reason in dataset.problems.items()]
    for row, answer in enumerate(predictor.decoded(_sources(dataset))):
        if isinstance(answer, Failure):
            failures.append(Failure(dataset.samples[row].path, answer.reason))
        else:
            rows.append(answer)
            good[row] = True
        if progress is not None:
            progress()
    if not rows:
        raise DataError(
            f"none of the {len(dataset)} images of {dataset.name} could be read; expected images."
        )
    answers = predictor.task.stacked(rows, truth)
    groups = dataset.groups()
    kept = None if groups is None else groups[good]
    chosen = wanted(solution) if names is None else [metric(name, solution.classes) for name in names]
    if dataset.noisy and names is None:
        chosen = [SURE, *(one for one in chosen if one.name != SURE.name)]
    if scale is not None:
        chosen = [in_unit(one, *scale) for one in chosen]
        notes = [*notes, _unit(*scale)]
    found, undefined = _measured(predictor, chosen, truth[good], answers, kept, seed)
    units = len(rows) if kept is None else len(np.unique(kept))
    checked = promised(predictor, truth[good], answers, kept)
    return Evaluation(found, len(rows), units, tuple(failures), (*notes, *undefined), checked)


def promised(
    predictor: Predictor, truth: NDArray[Any], answers: NDArray[Any], groups: NDArray[np.int64] | None
) -> tuple[Check, ...]:
    """Whether each promise that the Solution keeps is kept on these images; none where it makes none."""
    solution = predictor.solution
    made = outcome(solution, predictor.precision)
    if made is None or not made.kept:
        return ()
    decoding = solution.decoding
    chosen = choose(answers, decoding, solution.multilabel) if isinstance(decoding, Decoding) else None
    costs = getattr(decoding, "costs", None)
    fresh = Calibration(
        solution.task,
        solution.classes,
        solution.multilabel,
        truth,
        answers,
        chosen,
        groups,
        costs=costs,
    )
    return tuple(check(made.rule, record, fresh) for record in made.records)


def _unit(spacing: tuple[float, float], unit: str) -> str:
    """The sentence about distances in a unit."""
    return (
        f"distances are in {unit}: a pixel measures {spacing[0]:g} {unit} down and {spacing[1]:g} {unit} across; the "
        f"tolerance of nsd is {TOLERANCE * max(spacing):g} {unit}"
    )


def _measured(
    predictor: Predictor,
    metrics: Sequence[Metric],
    truth: NDArray[Any],
    answers: NDArray[Any],
    groups: NDArray[np.int64] | None,
    seed: int,
) -> tuple[dict[str, tuple[Metric, Interval]], list[str]]:
    """name -> (metric, interval) of those that are defined, and a note for each that is not."""
    solution, task = predictor.solution, predictor.task
    found: dict[str, tuple[Metric, Interval]] = {}
    notes = []
    for one in metrics:
        told = task.told(one.name, answers, solution.decoding, solution.multilabel)
        try:
            value = interval(one, truth, told, groups, seed=seed)
        except (
            ValueError
        ) as error:  # not defined on these labels, such as AUROC where only one class is there
            notes.append(f"no {one.name}: {error}")
            continue
        if np.isfinite(value.estimate):
            found[one.name] = one, value
        else:
            notes.append(f"no {one.name}: it is not defined on these labels")
    return found, notes


def wanted(solution: Solution) -> list[Metric]:
    """The metrics that are always told, and the one the Solution was chosen by."""
    found = [metric(name, solution.classes) for name in find(solution.task).metrics(solution.multilabel)]
    costs = getattr(solution.decoding, "costs", None)
    if costs is not None:
        found.insert(0, metric({"name": "cost", "matrix": costs}, solution.classes))
    chosen_by = [str(f.get("metric")) for f in solution.card.get("figures", ()) if isinstance(f, Mapping)]
    known = {m.name for m in found} | {"cost"}
    there = set(available())
    found += [
        metric(name, solution.classes)
        for name in dict.fromkeys(chosen_by)
        if name not in known and name in there
    ]
    return [m for m in found if _fits(m, solution)]


def _fits(metric: Metric, solution: Solution) -> bool:
    """Whether it is a metric of this task and, where those differ, of this kind of truth."""
    if not (metric.single or metric.multilabel):
        return metric.task == solution.task
    kind = metric.multilabel if solution.multilabel else metric.single
    return metric.task == solution.task and kind


def matched(solution: Solution, dataset: Dataset) -> tuple[NDArray[Any], list[str]]:
    """(truth as the task has it, classes in the Solution's order; notes). DataError where labels do not fit."""
    if dataset.multilabel and not solution.multilabel:
        for sample in dataset.samples:
            if len(sample.labels) != 1:
                raise DataError(
                    f"{sample.path} has {len(sample.labels)} labels; expected one, because this Solution answers "
                    "with exactly one class. Evaluate it on single-label data."
                )
    alike = replace(dataset, multilabel=solution.multilabel)
    truth = find(solution.task).truth(alike, solution.classes)
    used = {dataset.classes[label] for sample in dataset.samples for label in sample.labels}
    missing = [name for name in solution.classes if name not in used]
    if not missing:
        return truth, []
    return truth, [f"no image of {', '.join(missing)}: figures are about the other classes"]


def _sources(dataset: Dataset) -> Iterator[Path | NDArray[Any] | Failure]:
    for row, sample in enumerate(dataset.samples):
        plain = sample.item is None and dataset.degradation is None
        yield sample.file if plain else pixels.given(dataset, row)
