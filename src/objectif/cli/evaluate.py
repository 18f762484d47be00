"""`objectif evaluate`: how good a Solution is on labelled images that it has not seen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from objectif.data.dataset import Dataset
    from objectif.run.evaluate import Evaluation


def command(
    solution: Annotated[Path, typer.Argument(help="A .objectif file.", show_default=False)],
    data: Annotated[Path, typer.Argument(help="Labelled images, in any layout.", show_default=False)],
    json: Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")] = False,
    format: Annotated[
        str | None, typer.Option(help="Layout of the data, where it is not found.", show_default=False)
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(help="Regular expression on the path that gives an image's group.", show_default=False),
    ] = None,
    splits: Annotated[
        Path | None, typer.Option(help="Folder with train/val/test.txt or fold*.txt.", show_default=False)
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="Folder of the pictures, beside --masks.", show_default=False)
    ] = None,
    masks: Annotated[
        Path | None,
        typer.Option(help="Folder of masks: what each pixel of a picture is.", show_default=False),
    ] = None,
    legend: Annotated[
        Path | None,
        typer.Option(help="Text file that names the numbers or colours of masks.", show_default=False),
    ] = None,
    turn_masks: Annotated[
        int,
        typer.Option(
            help="Degrees by which masks are turned, counter-clockwise: 90, 180 or 270.", show_default=False
        ),
    ] = 0,
    degrade: Annotated[
        str | None,
        typer.Option(
            help="What clean pictures go through before they are restored: 'noise 25'; 'given': all are noisy.",
            show_default=False,
        ),
    ] = None,
    good: Annotated[
        str | None,
        typer.Option(
            help="Of anomalies: the class of good pictures, where its name does not say so.",
            show_default=False,
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="Only this part (train, val, test, all); test where there is one.", show_default=False
        ),
    ] = None,
    spacing: Annotated[
        str | None,
        typer.Option(
            help="What a pixel of masks measures: 0.25um, or 0.5,0.25um down and across.", show_default=False
        ),
    ] = None,
) -> None:
    """Metrics with intervals of a Solution on labelled data."""
    from objectif.cli._output import complain
    from objectif.cli._spacing import scale
    from objectif.data.load import load
    from objectif.errors import InputError, PartialError
    from objectif.run.evaluate import evaluate
    from objectif.run.predictor import Predictor
    from objectif.solution.file import read

    measures = None if spacing is None else scale(spacing)
    predictor = Predictor(read(solution))
    if measures is not None and predictor.solution.task != "segment":
        raise InputError(
            f"--spacing with a Solution of the task {predictor.solution.task!r}: expected one of masks, as only their "
            "distances have a unit. Leave it out."
        )
    dataset = load(
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
        task=predictor.solution.task,
    )
    notes = [*dataset.notes, *_seen(predictor.solution.card, dataset)]
    dataset, part = _part(dataset, split)
    for note in (*notes, part):
        complain(note)
    told = None if measures is None else (measures.spacing, measures.unit)
    result = evaluate(predictor, dataset, scale=told)
    for failure in result.failures:
        complain(f"{failure.path}: {failure.reason}")
    for note in result.notes:
        complain(note)
    if json:
        import sys
        from json import dumps

        whole = {**result.to_dict(), "precision": predictor.precision, "part": part}
        sys.stdout.write(dumps(whole, allow_nan=False, indent=1) + "\n")
    else:
        _show(result)
    if result.failures:
        raise PartialError(
            f"{len(result.failures)} images could not be read, listed above; {result.n} were scored."
        )


def _part(dataset: Dataset, split: str | None) -> tuple[Dataset, str]:
    """The samples to score, and a sentence that says which they are."""
    from objectif.errors import InputError

    there = sorted({s.split for s in dataset.samples if s.split is not None})
    chosen = split or ("test" if "test" in there else "all")
    if chosen == "all":
        return dataset, f"all {len(dataset)} images are scored"
    rows = dataset.split(chosen)
    if not len(rows):
        raise InputError(
            f"--split {chosen}: no image is in it; expected one of {', '.join([*there, 'all'])}."
        )
    return dataset.take(rows), f"the {len(rows)} images of the split {chosen!r} are scored, of {len(dataset)}"


def _seen(card: object, dataset: Dataset) -> list[str]:
    """A warning where the Solution was fitted on these very images."""
    from collections.abc import Mapping

    from objectif.data.fingerprint import fingerprint
    from objectif.solution.card import fingerprint as fitted_on

    known = fitted_on(card) if isinstance(card, Mapping) else None
    if known is None or known != fingerprint(dataset):
        return []
    return [
        "these are the data that the Solution was made from: figures on images it was fitted on are too good"
    ]


def _show(result: Evaluation) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{result.n} images, {result.groups} groups", title_justify="left")
    for heading in ("metric", "estimate", "low", "high", "better", "interval"):
        table.add_column(heading, justify="right" if heading in {"estimate", "low", "high"} else "left")
    for metric, found in result.metrics.values():
        low, high = (("-" if end is None else f"{end:.3f}") for end in (found.low, found.high))
        how = f"{found.level:.0%} {found.method}" if found.low is not None else found.reason
        better = "higher" if metric.higher_is_better else "lower"
        table.add_row(metric.title, f"{found.estimate:.3f}", low, high, better, how)
    console = Console()
    console.print(table)
    for one in result.promises:
        console.print(one.sentence, highlight=False, markup=False, soft_wrap=True)
