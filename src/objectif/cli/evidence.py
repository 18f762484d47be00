"""`objectif evidence`: what a Solution promises, in plain words, as text, one HTML file or JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def command(
    solution: Annotated[Path, typer.Argument(help="A .objectif file.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option(help="Write the statement to this .html or .json file.", show_default=False),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")] = False,
) -> None:
    """What a Solution promises, on what evidence, and what it does not say."""
    from json import dumps

    from objectif.cli._output import answers_to, complain
    from objectif.errors import InputError
    from objectif.report.evidence import of, page
    from objectif.solution.file import read

    if out is not None and out.suffix not in (".html", ".json"):
        raise InputError(f"--out {out}: expected a name that ends in .html or .json.")
    known = read(solution)
    told = of(known)
    if out is not None:
        content = page(known) if out.suffix == ".html" else dumps(told, indent=1, ensure_ascii=False) + "\n"
        with answers_to(out) as write:
            write(content.encode("utf-8", "replace"))
        complain(f"written: {out}")
    if json:
        typer.echo(dumps(told, indent=1, ensure_ascii=False))
    elif out is None:
        _show(told)


def _show(told: dict[str, Any]) -> None:
    """The statement as text."""
    from rich.console import Console

    console = Console()
    lines = [f"Evidence of {told['name']}"]
    lines += [told["medical"]] if told["medical"] else []
    lines += [told["remedy"]] if told["remedy"] else []
    data = told["data"]
    if data:
        groups = f" of {data['groups']} groups" if data.get("groups") else ""
        lines.append(
            f"Measured on {data['images']} images{groups} of {data['name']} that trained and chose nothing, on {data['date']}."
        )
    for one in told["promises"]:
        lines += ["", f"{one['promise']}: {'kept' if one['kept'] else 'NOT kept'}", f"  {one['meaning']}"]
        lines.append(f"  {one['sentence']}")
        for row in one["npv"] or ():
            lines.append(
                f"  at a prevalence of {row['prevalence']:.2%}: NPV at least {row['npv']:.2%}, {row['ruled_out']:.1%} ruled out"
            )
    lines += ["", "What this does not say:", *(f"  {sentence}" for sentence in told["limits"])]
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
