"""The ground of a race: the images read, checked for leakage, divided once for all candidates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.data import good, synthetic
from objectif.data.apart import CALIBRATION, plan_beside
from objectif.data.dataset import Dataset
from objectif.data.identities import plan_identities
from objectif.data.load import load
from objectif.data.pixels import read
from objectif.data.restoration import channels
from objectif.data.splits import SplitPlan, components
from objectif.errors import DataError, LeakageError
from objectif.health.duplicates import clusters, near_pairs, same_pairs
from objectif.health.leakage import Leakage, leakage
from objectif.health.looks import Looks, look
from objectif.health.mask_turns import turned
from objectif.learn.race.candidate import Context
from objectif.problem import Problem
from objectif.problem.installed import USUAL_FOLDS
from objectif.problem.values import WORK_SAVED
from objectif.tasks import find


@dataclass(frozen=True)
class Ground:
    """What every candidate shares. problem: the statement with all that was left open settled by the data.

    leaked: rows outside the training side of a given split whose picture stands in another split too; empty unless
    leakage was allowed. side: median of the images' shorter sides in pixels. notes: sentences for people.
    """

    problem: Problem
    context: Context
    looks: Looks
    leaked: NDArray[np.int64]
    side: float
    notes: tuple[str, ...]

    @property
    def dataset(self) -> Dataset:
        """The images of the race: all that can be read."""
        return self.context.dataset

    @property
    def gray(self) -> bool:
        """Whether no picture has any colour: the a and b of Lab are everywhere the same."""
        return bool(np.ptp(self.looks.colour[..., 1:]) <= 4)

    @property
    def plan(self) -> SplitPlan:
        """Who trains, who is held out."""
        return self.context.plan


def survey(problem: Problem, work: Path, progress: Callable[[int, int], None] | None = None) -> Ground:
    """Read, check and divide. DataError, LeakageError (exit code 4) and ProblemError say what stands in the way."""
    dataset = load(problem.data, **problem.reading())
    looks = look(dataset, progress=progress)
    dataset, looks, notes = _readable(dataset, looks)
    asked, problem = problem.metric, problem.settled(dataset)
    if problem.metric == WORK_SAVED and asked not in ("auto", WORK_SAVED):
        notes.append(
            f"Candidates are ranked by the work that the promises leave to a person, not by {asked}."
        )
    if problem.task == "anomaly":
        dataset, looks = _comparable(dataset, looks, work.parent / synthetic.FOLDER)
    certain = same_pairs(looks)
    near = clusters(len(dataset), [*certain, *near_pairs(looks)])
    leak = leakage(dataset, same=clusters(len(dataset), certain), near=near)
    _unspoilt(problem, leak)
    if leak and not problem.allow_leakage:
        raise LeakageError(
            f"{leak.sentence}. A figure from them would flatter. Remedy: remove them (`objectif inspect` lists the "
            "pairs), or --allow-leakage to go on with figures quoted with and without them."
        )
    leaked = np.flatnonzero(leak.leaked())
    if len(leaked):
        notes.append(f"{leak.sentence} (allowed): figures are quoted with and without them.")
    turn = turned(dataset) if problem.task == "segment" else None
    if turn is not None:
        notes.append(f"{turn.sentence} {turn.remedy}")
    if problem.task == "identify":
        dataset, division = plan_identities(
            dataset, folds=problem.folds, seed=problem.seed, together=near, calibration=problem.aside()
        )
    else:
        part = find(problem.task).whole and problem.folds == USUAL_FOLDS
        divided = good.two_classes(dataset) if problem.task == "anomaly" else dataset
        division = plan_beside(
            divided,
            problem.aside(),
            folds=problem.folds,
            seed=problem.seed,
            together=near,
            part=part,
        )
    units = components(dataset.groups(), near, len(dataset))
    sizes = np.array([(i.height, i.width) for i in looks.infos if i is not None] or [(224, 224)])
    kept = find(problem.task).fit == "keep"  # every level counts, and noise has no whole numbers
    context = Context(
        dataset,
        division,
        units,
        work,
        channels=channels(dataset, _sample_rows(dataset)) if kept else _channels(dataset),
        floating=kept or _floating(dataset),
        name=problem.task,
        objective=_objective(problem, dataset.classes),
        shape=usual_shape(sizes),
        false_alarms=problem.false_alarms,
    )
    return Ground(
        problem,
        context,
        looks,
        leaked,
        float(np.median(sizes.min(axis=1))),
        (*dataset.notes, *division.notes, *notes),
    )


def _unspoilt(problem: Problem, leak: Leakage) -> None:
    """LeakageError where pictures to prove promises by stand among others too: no figure from them could be told apart."""
    spoilt = [(a, b) for a, b in leak.same if CALIBRATION in (leak.splits[a], leak.splits[b])]
    if problem.promises and spoilt:
        a, b = spoilt[0]
        raise LeakageError(
            f"{len(spoilt)} of the images to prove promises by are the same pictures as others, such as {leak.paths[a]} = "
            f"{leak.paths[b]}: a promise proved on what was learned from is none. Remedy: take them out of the list "
            "of calibration images (`objectif inspect` lists the pairs)."
        )


def _objective(problem: Problem, classes: Sequence[str]) -> str | dict[str, Any]:
    """What promises.objective.objective() makes the metric from."""
    matrix = problem.cost_matrix(classes)
    if problem.metric == WORK_SAVED:
        return {"name": WORK_SAVED, "promises": problem.promises, "task": problem.task, "costs": matrix}
    return {"name": "cost", "matrix": matrix} if problem.metric == "cost" else problem.metric


def _comparable(dataset: Dataset, looks: Looks, folder: Path) -> tuple[Dataset, Looks]:
    """Good pictures with made-up defects beside them, where there are no others to compare by."""
    if not synthetic.lacks_defects(dataset):
        return dataset, looks
    more = synthetic.with_defects(dataset, folder)
    return more, look(more)


def usual_shape(sizes: NDArray[np.int64]) -> tuple[int, int]:
    """(height, width): medians of sizes (N, 2); a square where upright and lying pictures are mixed."""
    aspect = sizes[:, 0] / sizes[:, 1]
    mixed = np.quantile(aspect, 0.1) < 0.95 and np.quantile(aspect, 0.9) > 1.05
    height, width = (int(x) for x in np.median(sizes, axis=0))
    return (max(height, width), max(height, width)) if mixed else (height, width)


def _readable(dataset: Dataset, looks: Looks) -> tuple[Dataset, Looks, list[str]]:
    """The images that can be decoded; the others by name in a note."""
    if looks.readable.all():
        return dataset, looks, []
    if not looks.readable.any():
        name, why = next(iter(looks.failures.items()))
        raise DataError(f"none of the {len(dataset)} images can be read; the first: {name}: {why}")
    rows = np.flatnonzero(looks.readable)
    names = list(looks.failures)
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    kept = dataset.take(rows)
    kept = replace(kept, problems={**dataset.problems, **looks.failures})
    return kept, looks.take(rows), [f"{len(names)} images cannot be read and are left out: {shown}."]


def _sample_rows(dataset: Dataset) -> list[int]:
    return list(range(0, len(dataset), max(1, len(dataset) // 16)))


def _channels(dataset: Dataset) -> int:
    """3 unless the pictures have another number of bands than a photo; gray ones are replicated."""
    bands = {int(read(dataset, row).shape[2]) for row in _sample_rows(dataset)}
    return bands.pop() if len(bands) == 1 and bands - {1, 3} else 3


def _floating(dataset: Dataset) -> bool:
    """Whether pictures have 16 bits."""
    return any(read(dataset, row).dtype != np.uint8 for row in _sample_rows(dataset))
