"""objectif init: look at the data, write problem.toml, say what was decided and what to run next."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from objectif.data.dataset import Dataset
    from objectif.data.splits import SplitPlan
    from objectif.problem import Problem

LOOKED_AT = 5000
"""Up to this many images are looked at for groups; more would take minutes, and `inspect` is for that."""


def command(
    data: Annotated[Path, typer.Argument(help="Folder, manifest or archive of labelled images.")],
    out: Annotated[Path, typer.Option(help="Where to write the statement.")] = Path("problem.toml"),
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
    format: Annotated[str | None, typer.Option(help="Layout of the data, if it is not clear.")] = None,
    group: Annotated[
        str | None, typer.Option(help="Regular expression on the path: what no split may cut.")
    ] = None,
    splits: Annotated[
        Path | None, typer.Option(help="Folder of lists: test.txt, val.txt, fold0.txt.")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="Folder of the pictures, where masks are in another.")
    ] = None,
    masks: Annotated[
        Path | None, typer.Option(help="Folder of masks: what each pixel of a picture is.")
    ] = None,
    legend: Annotated[
        Path | None, typer.Option(help="Text file that names the numbers or colours of masks.")
    ] = None,
    turn_masks: Annotated[
        int, typer.Option(help="Degrees by which masks are turned, counter-clockwise: 90, 180 or 270.")
    ] = 0,
    degrade: Annotated[
        str | None,
        typer.Option(
            help="What clean pictures go through before they are restored: 'noise 25'; 'given': all are noisy."
        ),
    ] = None,
    good: Annotated[
        str | None,
        typer.Option(
            help="Of anomalies: the class of good pictures, where its name does not say so.",
            show_default=False,
        ),
    ] = None,
    metric: Annotated[str | None, typer.Option(help="What decides; see `objectif list metrics`.")] = None,
) -> None:
    """Write problem.toml with every choice spelled out, to edit."""
    from dataclasses import replace

    from objectif.data.load import load
    from objectif.data.splits import plan
    from objectif.errors import ProblemError
    from objectif.problem import Problem, write

    if out.exists() and not force:
        raise ProblemError(
            f"{out} is there already and may hold your edits; --force replaces it, --out names another."
        )
    problem = Problem(
        data,
        format=format,
        group=group,
        splits=splits,
        images=images,
        masks=masks,
        legend=legend,
        turn_masks=turn_masks,
        degrade=degrade,
        good=good,
    )
    problem.check()
    dataset = load(problem.data, **problem.reading())
    # Where costs decide, each mistake begins at 1, to be edited.
    even = tuple(tuple(float(a != b) for a in dataset.classes) for b in dataset.classes)
    cost = even if metric == "cost" else None
    problem = replace(problem, format=dataset.layout, metric=metric or "auto", cost=cost)
    problem.check()
    problem = problem.settled(dataset)
    plan(
        dataset, folds=problem.folds, seed=problem.seed
    )  # refuses data that cannot be split, before any wait
    found = proposed(dataset)
    if found is not None:
        problem = replace(problem, group=found[0])
        dataset = load(problem.data, **{**problem.reading(), "format": format})
        dataset = replace(dataset, notes=(*dataset.notes, found[1]))
    write(problem, out, dataset)
    tell(problem, dataset, plan(dataset, folds=problem.folds, seed=problem.seed))
    print(f"wrote {out}; every choice stands there with its reason. Next:")
    print(f"  objectif solve {shlex.quote(str(out))}")


def tell(problem: Problem, dataset: Dataset, planned: SplitPlan) -> None:
    """What was found and decided, for people."""
    print(
        f"{dataset.name}: {len(dataset):,} images, {len(dataset.classes)} classes, layout {dataset.layout!r}"
    )
    for note in (*dataset.notes, *planned.notes):
        print(f"  {note}")
    if dataset.problems:
        inspect = f"objectif inspect {shlex.quote(str(problem.data))}"
        print(f"  {len(dataset.problems)} files cannot be used; `{inspect}` names them")
    print(f"objective: {problem.metric}   splits: {planned.origin}   budget: {problem.budget / 60:g} minutes")


def proposed(dataset: Dataset) -> tuple[str, str] | None:
    """A regular expression for groups that nobody named, and the evidence in words; None where none shows.

    A group that is cut by a split makes every figure too good, so a likely group is taken until a person says
    otherwise; the other mistake costs little.
    """
    if dataset.groups() is not None or len(dataset) > LOOKED_AT:
        return None
    from objectif.health.features import features
    from objectif.health.groups import propose
    from objectif.health.looks import look

    if sys.stderr.isatty():
        print("looking for images that belong together ...", file=sys.stderr)
    found = propose(dataset, features(look(dataset)))
    if found is None:
        return None
    seen = found.evidence
    why = (
        f"nobody named groups; these were proposed because, of {seen.n} images, {seen.hits:.0%} look most "
        f"like one of their own group ({seen.chance:.0%} by chance); group = 'auto' takes them back"
    )
    return found.regex, why
