"""`objectif report`: a run's page, written again from its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    run: Annotated[Path, typer.Argument(help="A finished run folder.", show_default=False)],
    open_it: Annotated[bool, typer.Option("--open", help="Show it in the browser.")] = False,
) -> None:
    """Write a run's report again."""
    from objectif.report.page import write
    from objectif.runs.folder import RunFolder

    path = write(RunFolder.open(run))
    typer.echo(path)
    if open_it:
        typer.launch(str(path))
