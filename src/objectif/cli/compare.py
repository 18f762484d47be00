"""`objectif compare`: two runs, each with its estimate, and paired where they scored the same images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    first: Annotated[Path, typer.Argument(help="A finished run folder.", show_default=False)],
    second: Annotated[
        Path, typer.Argument(help="Another one, on the same classes and metric.", show_default=False)
    ],
    json: Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")] = False,
) -> None:
    """Compare two runs, paired where they share images."""
    from json import dumps

    from objectif.runs.folder import RunFolder
    from objectif.runs.pair import compare
    from objectif.runs.storage import plain

    found = compare(RunFolder.open(first), RunFolder.open(second))
    if json:
        typer.echo(dumps(plain(found.to_dict()), indent=1, ensure_ascii=False, allow_nan=False))
        return
    for sentence in found.sentences:
        typer.echo(sentence)
