"""A Problem against what is there: installed names, split lists on disk, the classes of the data.

Nothing is loaded for it but the metrics, which are numpy: models and losses are judged by what their source
text says (`objectif.about`), so that a statement is checked in a base install too. Where the source says
nothing plainly, nothing is refused here; the race will meet the object itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from objectif import plugins
from objectif.about import about
from objectif.errors import InputError, ProblemError
from objectif.problem.readers import close_to
from objectif.problem.values import WORK_SAVED, Fault, fault
from objectif.tasks import find

if TYPE_CHECKING:
    from objectif.problem.statement import Problem

PLAIN = "plain"
"""The preparation that changes nothing but the size."""

OPEN_MODELS = ("onnx:", "hub:", "yolox_nano:")
"""Prefixes of models that are not behind the door: a local ONNX file, a checkpoint for transformers, a YOLOX-Nano."""

OPEN_FILES = {
    "onnx:": "onnx:PATH of a network",
    "yolox_nano:": "yolox_nano:PATH of the published yolox_nano.onnx",
}
"""Those of them that name a file, and what is expected of it."""

UNBOUNDED = ("cost", "log_loss", "mae", "rmse", "width", "PSNR", "SURE")
"""Built-in metrics of which half a unit may be a small margin."""

USUAL_FOLDS = 5


def higher_is_better(name: str) -> bool:
    """The direction of a metric; ProblemError where there is no such metric."""
    if name == "cost":
        return False
    from objectif.metrics.catalog import available, metric

    if name not in available():
        raise ProblemError(f"metric = {name!r}: {_expected(name, available())}.")
    return metric(name).higher_is_better


def faults(problem: Problem) -> Iterator[Fault]:
    """Names that are not installed, models that the approaches leave out, files and lists that do not fit."""
    yield from _metric(problem)
    if problem.format is not None and problem.format not in plugins.names("formats"):
        yield fault("format", problem.format, _expected(problem.format, plugins.names("formats")))
    if problem.losses != "auto":
        known = plugins.names("losses")
        for name in problem.losses:
            for part in name.split("+"):
                if part not in known:
                    yield fault("losses", name, _expected(part, known))
    if problem.preparations != "auto":
        yield from _preparations(problem.preparations)
    if problem.models != "auto":
        yield from _models(problem.models, problem.approaches)
    if problem.splits is not None:
        yield from _splits(problem.splits, problem.folds)


def misfits(problem: Problem, classes: Sequence[str], *, multilabel: bool) -> Iterator[Fault]:
    """What does not fit data with these classes, one or several of them an image."""
    kind = "multi-label" if multilabel else "single-label"
    if problem.metric == WORK_SAVED:
        yield from _losses(problem, find(problem.task).losses(multilabel))
        return
    try:
        objective = problem.objective(classes)
    except InputError as error:
        yield Fault(("metric",), str(error))
        return
    task = find(problem.task)
    usual = task.usual_metric(multilabel)
    if objective.task != task.name:
        what = f"is for the task {objective.task!r}, this is {task.name!r}; expected one such as {usual!r}"
        yield fault("metric", problem.metric, what)
    elif task.name == "classify" and not (objective.multilabel if multilabel else objective.single):
        yield fault(
            "metric", problem.metric, f"not defined for {kind} data; expected one that is, such as {usual!r}"
        )
    yield from _losses(problem, task.losses(multilabel))


def _losses(problem: Problem, wanted: Sequence[str]) -> Iterator[Fault]:
    """Losses of another kind than the labels."""
    for name in problem.losses if problem.losses != "auto" else ():
        for part in name.split("+"):
            if part in plugins.names("losses"):
                fits = about("losses", part).constants.get("kind")
                if isinstance(fits, str) and fits not in wanted:
                    what = f"is of the kind {fits!r}, these data take {' and '.join(map(repr, wanted))}"
                    yield fault("losses", name, f"{what}; `objectif list losses` shows which fit")


def _metric(problem: Problem) -> Iterator[Fault]:
    from objectif.metrics.catalog import NAMES, available

    if problem.metric == WORK_SAVED:
        return
    if problem.metric not in ("auto", *available()):
        yield fault("metric", problem.metric, _expected(problem.metric, available()))
    elif problem.metric in ("auto", *NAMES) and problem.metric not in UNBOUNDED and problem.margin >= 0.5:
        what = "no gain in it could ever matter; expected below 0.5 (one point is 0.01)"
        yield fault("margin", problem.margin, what)


def _preparations(wanted: Sequence[str]) -> Iterator[Fault]:
    from objectif.images.prepare import STEPS

    known = (PLAIN, *STEPS)
    for name in wanted:
        if name not in known:
            yield fault("preparations", name, _expected(name, known))


def _models(wanted: Sequence[str], approaches: Sequence[str]) -> Iterator[Fault]:
    known = plugins.names("models")
    for name in wanted:
        prefix = name.partition(":")[0] + ":"
        if prefix in OPEN_FILES:
            if not Path(name.removeprefix(prefix).partition("?")[0]).expanduser().is_file():
                yield fault("models", name, f"no such file; expected {OPEN_FILES[prefix]}")
        elif name.startswith(OPEN_MODELS):
            if name in OPEN_MODELS:
                yield fault("models", name, "expected a name after the colon")
        elif name not in known:
            what = f"expected one of {', '.join(known)}, onnx:PATH, hub:NAME or yolox_nano:PATH"
            yield fault("models", name, f"{what}{close_to(name, known)}")
        else:
            approach = about("models", name).constants.get("approach")
            if isinstance(approach, str) and approach not in approaches:
                what = f"is of the approach {approach!r}, which approaches = {list(approaches)} leaves out"
                yield fault("models", name, f"{what}; add the approach or drop the model")


def _splits(folder: Path, folds: int) -> Iterator[Fault]:
    """Lists that decide the folds, beside a number of folds."""
    if not folder.is_dir():
        yield fault(
            "splits", str(folder), "no such folder; expected train, val and test.txt or fold*.txt in it"
        )
        return
    lists = sorted(p.name for p in folder.glob("*.txt") if p.stem == "val" or p.stem.startswith("fold"))
    if lists and folds != USUAL_FOLDS:
        yield fault(
            "folds", folds, f"the lists in splits ({', '.join(lists)}) decide the folds; leave folds out"
        )


def _expected(name: str, known: Sequence[str]) -> str:
    return f"expected one of {', '.join(known) or '(none is installed)'}{close_to(name, known)}"
