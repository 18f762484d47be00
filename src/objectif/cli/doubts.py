"""`objectif doubts`: the labels of a run most worth a second look, worst first, by answers to images held out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from objectif.cli._doubts import Listing


def command(
    run: Annotated[Path, typer.Argument(help="A finished run folder.", show_default=False)],
    most: Annotated[int, typer.Option("-n", min=1, help="How many labels to list, at most.")] = 50,
    json: Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print a CSV alone on standard output.")] = False,
) -> None:
    """The labels of a run most worth a second look, worst first."""
    from objectif.cli._doubts import listing
    from objectif.errors import InputError
    from objectif.runs.folder import RunFolder

    if json and csv:
        raise InputError("--json --csv: expected one of them; leave the other out.")
    found = listing(RunFolder.open(run))
    if json:
        import sys
        from json import dumps

        from objectif.runs.storage import plain

        sys.stdout.write(dumps(plain(found.to_dict(most)), indent=1, allow_nan=False) + "\n")
    elif csv:
        import sys

        from objectif.run.written import csv_row

        write = sys.stdout.buffer.write
        write(csv_row("path", "part", "given", "looks", "wrong", "against"))
        for look in found.looks[:most]:
            wrong = "" if look.wrong is None else f"{look.wrong:.4f}"
            write(csv_row(look.path, look.part, look.given, look.looks, wrong, f"{look.against:.4f}"))
    else:
        _show(found, most)


def _show(found: Listing, most: int) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from objectif.health.words import percent, shown

    console = Console()
    for sentence in found.sentences:
        console.print(Text(shown(sentence)))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    told = any(look.wrong is not None for look in found.looks)
    parts = len({look.part for look in found.looks}) > 1
    table.add_column("image", overflow="fold")
    for heading in ("label", "looks like", "wrong" if told else "against", *(["answers"] if parts else [])):
        table.add_column(heading, justify="right" if heading in ("wrong", "against") else "left")
    for look in found.looks[:most]:
        share = look.against if look.wrong is None else look.wrong
        names = (Text(shown(word)) for word in (look.path, look.given, look.looks))
        table.add_row(*names, Text(percent(share)), *([look.part] if parts else []))
    console.print(table)
    rest = len(found.looks) - most
    if rest > 0:
        console.print(Text(f"{rest:,} more with -n {len(found.looks)}, --json or --csv.", style="dim"))
