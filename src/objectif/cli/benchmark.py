"""`objectif benchmark`: what a Solution does on this machine, so that nobody has to trust another machine's figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from objectif.run.benchmark import Speed


def command(
    solution: Annotated[Path, typer.Argument(help="A .objectif file.", show_default=False)],
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[IMAGES]...",
            help="Files, folders or globs; without them, JPEGs of 320 px and of 12 megapixels are made.",
            show_default=False,
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")] = False,
    count: Annotated[
        int | None,
        typer.Option(min=1, help="Images in each measurement, instead of a time.", show_default=False),
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.05, help="Length of each measurement.")] = 1.0,
    rounds: Annotated[int, typer.Option(min=1, help="How often each measurement is taken.")] = 5,
) -> None:
    """Images a second and memory of a Solution on this machine, against the bare network."""
    from objectif.cli._output import complain
    from objectif.run.benchmark import benchmark

    with _sets(inputs) as sets:
        speeds = benchmark(solution, sets, count=count, seconds=seconds, rounds=rounds, progress=complain)
    if json:
        import sys
        from json import dumps

        from objectif.run.network import cores

        sys.stdout.write(dumps({"cores": cores(), "speeds": [s.to_dict() for s in speeds]}, indent=1) + "\n")
    else:
        _show(speeds)


@contextmanager
def _sets(inputs: list[str] | None) -> Iterator[dict[str, Sequence[str]]]:
    """Title -> files: those that were named, or generated ones that are removed afterwards."""
    from tempfile import TemporaryDirectory

    from objectif.errors import InputError
    from objectif.run.generate import SIDES, photos
    from objectif.run.inputs import find

    if inputs:
        files = [name for name in find(inputs) if isinstance(name, str)]
        if not files:
            raise InputError(f"no image in {' '.join(inputs)}; expected image files, folders or globs.")
        yield {f"{len(files)} files": files}
        return
    with TemporaryDirectory(prefix="objectif-") as folder:
        yield {
            title: photos(Path(folder), size, 64 if size[0] < 1000 else 8) for title, size in SIDES.items()
        }


def _show(speeds: Sequence[Speed]) -> None:
    from rich.console import Console
    from rich.table import Table

    from objectif.run.network import cores

    table = Table(title=f"images a second on {cores()} core(s)", title_justify="left")
    for heading in ("images", "network"):
        table.add_column(heading)
    for heading in ("from files", "from memory", "bare network", "files / bare", "latency ms", "peak MB"):
        table.add_column(heading, justify="right")
    for s in speeds:
        rates = (f"{rate:.1f}" for rate in (s.files, s.encoded, s.bare))
        table.add_row(
            s.images, s.precision, *rates, f"{s.ratio:.2f}", f"{s.latency_ms:.1f}", f"{s.memory_mb:.0f}"
        )
    console = Console()
    console.print(table)
    for s in speeds:
        line = f"{s.images}, {s.precision}: files / bare {s.ratio:.2f} by the clock, {s.cpu_ratio:.2f} by computing"
        gate = f"; the input gate takes {s.gate_ms:.2f} ms an image on one core" if s.gate_ms else ""
        console.print(f"{line}; bare network with {s.setting}{gate}", highlight=False)
    bare = {(s.images, s.precision): s.bare for s in speeds}
    for (images, precision), rate in bare.items():
        if precision == "int8" and (images, "fp32") in bare:
            console.print(f"int8 / fp32, bare, {images}: {rate / bare[images, 'fp32']:.2f}", highlight=False)
