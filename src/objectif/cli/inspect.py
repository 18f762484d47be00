"""objectif inspect: what the data say, and what worries us, before any training."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from objectif.health.inspect import Health


def command(
    data: Annotated[Path, typer.Argument(help="Folder, manifest or archive of labelled images.")],
    format: Annotated[str | None, typer.Option(help="Layout of the data, if it is not clear.")] = None,
    group: Annotated[
        str | None, typer.Option(help="Regular expression on the path: what no split may cut.")
    ] = None,
    splits: Annotated[
        Path | None, typer.Option(help="Folder of lists: train.txt, val.txt, test.txt or fold0.txt.")
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
    json: Annotated[bool, typer.Option("--json", help="Print JSON alone.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder in which to write inspect.json and inspect.html, with pictures, and for a film lists that split it."
        ),
    ] = None,
) -> None:
    """What the data say, and what worries us: layout, balance, duplicates, leakage, doubts, confounds."""
    from json import dumps

    from objectif.data.load import load
    from objectif.health.inspect import inspect
    from objectif.learn.export import backbone

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
    )
    embed = backbone.embed if backbone.suits(dataset) else None
    with _progress() as progress:
        health = inspect(dataset, embed=embed, source=backbone.NAME, progress=progress)
    record = dumps(health.to_dict(), indent=1)
    if out is not None:
        from objectif.health.page import page

        _write(out, {"inspect.json": record + "\n", "inspect.html": page(health, dataset)})
        if _is_film(health):
            from objectif.health.sequences import lists

            _write(out / "splits", lists(dataset, health.series, health.same, health.near))
    if json:
        print(record)
        return
    paths = {"--splits": splits, "--images": images, "--masks": masks, "--legend": legend}
    options = {"--format": format, "--group": group}
    options |= {name: None if path is None else str(path) for name, path in paths.items()}
    options["--degrade"] = degrade
    options["--good"] = good
    options["--turn-masks"] = str(turn_masks) if turn_masks else None
    _print(health, _next(health, data, out, options))


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None] | None]:
    """A bar on standard error while images are decoded, where somebody watches; yields a function (done, of)."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    with Progress(console=console, transient=True) as shown:
        task = shown.add_task("reading images")
        yield lambda done, of: shown.update(task, completed=done, total=of)


def _write(out: Path, files: dict[str, str]) -> None:
    """Each file whole or not at all; InputError with the remedy where the folder cannot be written."""
    from objectif.cli._output import answers_to
    from objectif.errors import InputError

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"cannot make the folder {out}: {error.strerror or error}. Choose another --out."
        ) from error
    for name, text in files.items():
        with answers_to(out / name) as write:
            write(text.encode("utf-8"))


def _is_film(health: Health) -> bool:
    """Whether lists by number are advised: numbers are a film, and no splits are given."""
    given = any(split is not None for split in health.leakage.splits)
    return bool(health.series) and health.counts.groups is None and not given


def _next(health: Health, data: Path, out: Path | None, options: dict[str, str | None]) -> list[str]:
    """What was written and which command comes next, with the options that were given and those that are advised."""
    import shlex

    given = _words(options)
    again = shlex.join(["objectif", "inspect", str(data), *given, "--out", "health"])
    if health.turn is not None and health.turn.option is not None:
        given = _words({**options, "--turn-masks": str(health.turn.option) if health.turn.option else None})
    advised = ["--group", health.grouping.regex] if health.grouping else []
    advised += ["--allow-leakage"] if health.leakage else []
    advised += ["--splits", str(out / "splits")] if out is not None and _is_film(health) else []
    first = (
        f"with pictures:  {again}"
        if out is None
        else f"wrote {out / 'inspect.json'} and {out / 'inspect.html'}"
    )
    return [first, f"next:  {shlex.join(['objectif', 'solve', str(data), *given, *advised])}"]


def _words(options: dict[str, str | None]) -> list[str]:
    """The options that have a value, as words of a command."""
    return [word for name, value in options.items() if value is not None for word in (name, value)]


def _print(health: Health, after: list[str]) -> None:
    """The whole on standard output for people: worries first."""
    from rich.console import Console

    from objectif.cli._health import render

    console = Console(file=sys.stdout, highlight=False)
    console.print(render(health))
    for line in after:
        console.print(line, markup=False, soft_wrap=True, style="dim")
