"""`objectif drift`: without labels, do these images and the answers for them still look like those it was judged on?

Exit codes are those of diff: 0 where no difference is seen, 1 where the images differ.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from objectif.run.drift import Drift
    from objectif.run.inputs import Failure

FEW = 5  # measures shown, at least
DIFFERS = 1  # as diff has it: 0 nothing seen, 1 different, 2 trouble


def command(
    solution: Annotated[Path, typer.Argument(help="A .objectif file.", show_default=False)],
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGES...",
            help="Files, folders (all images below), globs in quotes, or - for a list of names on stdin.",
            show_default=False,
        ),
    ],
    alarm: Annotated[
        float, typer.Option(help="Rate of false alarms: how often it may speak up where nothing has changed.")
    ] = 0.05,
    group: Annotated[
        str | None,
        typer.Option(
            help="Regular expression on the path that gives an image's group (patient, film, day); one of each is compared.",
            show_default=False,
        ),
    ] = None,
    columns: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv",
            help="What is known of the pictures beside their pixels, where the Solution takes that.",
            show_default=False,
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")] = False,
) -> None:
    """Do these images still look like those the Solution was judged on? No labels are needed."""
    from objectif.cli._output import complain
    from objectif.errors import PartialError
    from objectif.run.drift import columns_of, drift, numbers
    from objectif.run.inputs import Failure, find
    from objectif.run.predictor import Predictor
    from objectif.solution.file import read

    predictor = Predictor(read(solution), precision="fp32")
    _, space = columns_of(predictor.solution)  # says what is lacking before a thousand images are read
    if columns is not None:
        from objectif.data.formats.quantities import known_of

        predictor.know(known_of(columns))
    found: dict[str, dict[str, float]] = {}
    failed = rejected = 0
    for one in predictor.measured(_of_groups(find(inputs), group)):
        if isinstance(one, Failure):
            failed += 1
            complain(f"{one.path}: {one.reason}")
            continue
        answer, measures = one
        found[answer.path] = numbers(answer, measures, space)
        rejected += answer.judgement is not None and answer.judgement.act == "reject"
    result = drift(predictor.solution, found, alarm=alarm, rejected=rejected)
    if json:
        import sys
        from json import dumps

        sys.stdout.write(dumps(result.to_dict(), allow_nan=False, indent=1) + "\n")
    else:
        _show(result)
    if failed:
        raise PartialError(f"{failed} images could not be read, listed above; {result.n} were compared.")
    if result.differs:
        raise typer.Exit(DIFFERS)


def _of_groups(items: Iterable[str | Failure], expression: str | None) -> Iterator[str | Failure]:
    """The first image of each group; all of them without an expression. An image that does not match is its own group."""
    import re

    from objectif.errors import InputError
    from objectif.run.inputs import Failure

    if expression is None:
        yield from items
        return
    try:
        pattern = re.compile(expression)
    except re.error as error:
        raise InputError(f"--group {expression!r}: no regular expression ({error}). Correct it.") from None
    seen: set[str] = set()
    for item in items:
        match = None if isinstance(item, Failure) else pattern.search(item)
        if isinstance(item, Failure) or match is None:
            yield item
            continue
        name = match.group(1 if pattern.groups else 0)
        if name not in seen:
            seen.add(name)
            yield item


def _show(result: Drift) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from objectif.run.drift import p_words

    console = Console(highlight=False)
    console.print(Text(result.verdict, "bold red" if result.differs else "bold green"))
    if result.rejected:
        console.print(f"The input gate rejects {result.rejected} of them ({result.rejected / result.n:.0%}).")
    table = Table(
        title=f"{result.n} new images against {result.kept}: medians; how often a new one is higher; p corrected",
        title_justify="left",
    )
    table.add_column("measure")
    for heading in ("before", "now", "higher", "gap", "p"):
        table.add_column(heading, justify="right", no_wrap=True)
    clear = sum(one.adjusted <= result.alarm for one in result.moved)
    shown = result.moved[: max(FEW, clear)]
    for one in shown:
        style = "red" if one.adjusted <= result.alarm else None
        numbers = (
            f"{one.before:.3g}",
            f"{one.now:.3g}",
            f"{one.higher:.0%}",
            f"{one.gap:.2f}",
            p_words(one.adjusted).removeprefix("= "),
        )
        table.add_row(one.title, *numbers, style=style)
    console.print(table)
    if len(shown) < len(result.moved):
        more = len(result.moved) - len(shown)
        console.print(f"and {more} measures that differ less; --json lists all")
    if result.differs:
        console.print("moved most:")
        for path, title, far in result.unlike:
            console.print(f"  {path}: {title}, {far:.1f} deviations", markup=False, soft_wrap=True)
    for note in result.notes:
        console.print(note, style="dim")
