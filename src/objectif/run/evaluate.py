"""A Solution's metrics with intervals on labelled images, classes matched by name.

By name and not by number: folders of new data list their classes in an order of their own, and may lack some. A class
that the Solution does not know would be counted wrong whatever it answered, so it is refused rather than scored.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.data import pixels
from objectif.data.dataset import Dataset
from objectif.errors import DataError
from objectif.metrics.base import Metric
from objectif.metrics.catalog import available, metric
from objectif.metrics.intervals import Interval, interval
from objectif.run.inputs import Failure
from objectif.run.predictor import Predictor
from objectif.solution.file import Solution
from objectif.tasks.classify import choose

# Metrics of what is answered; they see thresholds and costs. All others are metrics of the probabilities.
ANSWERS = ("accuracy", "balanced_accuracy", "macro_f1", "cohen_kappa", "quadratic_kappa", "hamming")
SINGLE = (
    "accuracy",
    "balanced_accuracy",
    "macro_f1",
    "auroc",
    "average_precision",
    "log_loss",
    "brier",
    "cohen_kappa",
)
MANY = ("average_precision", "macro_f1", "hamming", "auroc", "log_loss", "brier")


@dataclass(frozen=True)
class Evaluation:
    """What evaluate() found.

    metrics: name -> (metric, its interval). n: images answered. groups: units that were resampled.
    failures: images that could not be read. notes: sentences for a person.
    """

    metrics: dict[str, tuple[Metric, Interval]]
    n: int
    groups: int
    failures: tuple[Failure, ...]
    notes: tuple[str, ...]

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
        }


def evaluate(
    predictor: Predictor,
    dataset: Dataset,
    *,
    names: Sequence[str] | None = None,
    seed: int = 0,
    progress: Callable[[], None] | None = None,
) -> Evaluation:
    """Metrics of a Solution on all samples of a Dataset; the unit of resampling is the Dataset's group.

    names: of metrics; None is wanted(). progress is called after each image.
    Raises DataError: a class that the Solution does not know, labels of another kind, no image that can be read.
    """
    solution = predictor.solution
    truth, notes = matched(solution, dataset)
    scores = np.zeros((len(dataset), len(solution.classes)), np.float64)
    good = np.zeros(len(dataset), np.bool_)
    failures = [Failure(path, reason) for path, reason in dataset.problems.items()]
    for row, answer in enumerate(predictor.predict(_sources(dataset))):
        if isinstance(answer, Failure):
            failures.append(Failure(dataset.samples[row].path, answer.reason))
        else:
            scores[row], good[row] = answer.scores, True
        if progress is not None:
            progress()
    if not good.any():
        raise DataError(
            f"none of the {len(dataset)} images of {dataset.name} could be read; expected images."
        )
    groups = dataset.groups()
    kept = None if groups is None else groups[good]
    found: dict[str, tuple[Metric, Interval]] = {}
    for one in wanted(solution) if names is None else [metric(name) for name in names]:
        told = choose(scores, solution.decoding, solution.multilabel) if one.name in ANSWERS else scores
        try:
            value = interval(one, truth[good], told[good].astype(np.float64), kept, seed=seed)
        except (
            ValueError
        ) as error:  # not defined on these labels, such as AUROC where only one class is there
            notes.append(f"no {one.name}: {error}")
            continue
        if np.isfinite(value.estimate):
            found[one.name] = one, value
        else:
            notes.append(f"no {one.name}: it is not defined on these labels")
    units = int(good.sum()) if kept is None else len(np.unique(kept))
    return Evaluation(found, int(good.sum()), units, tuple(failures), tuple(notes))


def wanted(solution: Solution) -> list[Metric]:
    """The metrics that are always told, and the one the Solution was chosen by."""
    found = [metric(name) for name in (MANY if solution.multilabel else SINGLE)]
    if solution.decoding.costs is not None:
        found.insert(0, metric({"name": "cost", "matrix": solution.decoding.costs}, solution.classes))
    chosen_by = [str(f.get("metric")) for f in solution.card.get("figures", ()) if isinstance(f, Mapping)]
    known = {m.name for m in found} | {"cost"}
    found += [metric(name) for name in dict.fromkeys(chosen_by) if name not in known and name in available()]
    return [m for m in found if (m.multilabel if solution.multilabel else m.single)]


def matched(solution: Solution, dataset: Dataset) -> tuple[NDArray[np.int64], list[str]]:
    """(truth in the Solution's order of classes, notes). Truth is (N,), or (N, C) of 0 and 1 where multi-label."""
    place = {name: k for k, name in enumerate(solution.classes)}
    used = sorted({label for sample in dataset.samples for label in sample.labels})
    unknown = [dataset.classes[k] for k in used if dataset.classes[k] not in place]
    if unknown:
        raise DataError(_unknown(unknown, solution))
    notes = []
    missing = [name for name in solution.classes if name not in {dataset.classes[k] for k in used}]
    if missing:
        notes.append(f"no image of {', '.join(missing)}: figures are about the other classes")
    rows = [[place[dataset.classes[k]] for k in sample.labels] for sample in dataset.samples]
    if solution.multilabel:
        hot = np.zeros((len(rows), len(place)), np.int64)
        for row, labels in enumerate(rows):
            hot[row, labels] = 1
        return hot, notes
    for sample, labels in zip(dataset.samples, rows, strict=True):
        if len(labels) != 1:
            raise DataError(
                f"{sample.path} has {len(labels)} labels; expected one, because this Solution answers with exactly "
                "one class. Evaluate it on single-label data."
            )
    return np.array([labels[0] for labels in rows], np.int64), notes


def _unknown(names: list[str], solution: Solution) -> str:
    close = difflib.get_close_matches(names[0], solution.classes, n=1)
    hint = f" ({names[0]!r} may be {close[0]!r})" if close else ""
    shown = ", ".join(map(repr, names[:5])) + (", ..." if len(names) > 5 else "")
    return (
        f"the data have {len(names)} class(es) that the Solution does not know: {shown}{hint}; it knows "
        f"{', '.join(map(repr, solution.classes[:20]))}. Rename them in the data, or leave those images out."
    )


def _sources(dataset: Dataset) -> Iterator[Path | NDArray[Any] | Failure]:
    for row, sample in enumerate(dataset.samples):
        yield sample.file if sample.item is None else pixels.read(dataset, row)
