"""`objectif predict`: answers as JSON lines, CSV, COCO, or drawn into the pictures.

Standard output carries answers alone, as they come; everything for people goes to standard error.
"""

from __future__ import annotations

import enum
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from objectif.answers import Answer
    from objectif.images.tiles import TileRule
    from objectif.run.inputs import Failure
    from objectif.solution.file import Solution


class Precision(enum.StrEnum):
    auto = "auto"
    fp32 = "fp32"
    int8 = "int8"


class To(enum.StrEnum):
    jsonl = "jsonl"
    csv = "csv"
    coco = "coco"
    overlays = "overlays"


def command(
    solution: Annotated[Path, typer.Argument(help="A .objectif file.", show_default=False)],
    inputs: Annotated[
        list[str],
        typer.Argument(
            help="Files, folders (all images below), globs in quotes, or - for a list of names on stdin, "
            "separated by newlines or by NUL.",
            show_default=False,
        ),
    ],
    to: Annotated[
        To,
        typer.Option(help="JSON lines, CSV with a header, one COCO table, or pictures with boxes drawn in."),
    ] = To.jsonl,
    csv: Annotated[bool, typer.Option("--csv", help="The same as --to csv.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write to this file, whole or not at all; for overlays, the folder.", show_default=False
        ),
    ] = None,
    tile: Annotated[
        str,
        typer.Option(
            metavar="auto|off|PIXELS",
            help="Answer large images in overlapping tiles with this long side; auto: those more than twice as "
            "large as the images it was fitted on.",
        ),
    ] = "auto",
    precision: Annotated[Precision, typer.Option(help="Which network of the Solution.")] = Precision.auto,
    batch: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Images that each core runs at once, at most; 4, or 1 where they are large.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Answers for files, folders, globs or a list on stdin."""
    from objectif.cli._output import complain
    from objectif.errors import InputError, PartialError
    from objectif.run.inputs import Failure, find
    from objectif.run.predictor import Predictor
    from objectif.solution.file import read

    predictor = Predictor(read(solution), precision=precision.value, batch=batch)
    named = _Counted(find(inputs))
    form = To.csv if csv else to
    answered = failed = 0
    asked = predictor.predict(named, tile=_rule(tile), progress=_Progress())
    with _writer(form, predictor.solution, inputs, out) as write, closing(asked) as answers:
        for answer in answers:
            if isinstance(answer, Failure):
                failed += 1
                complain(f"{answer.path}: {answer.reason}")
            else:
                answered += 1
                write(answer)
        if not named.files:
            shown = " ".join(inputs)
            raise InputError(
                f"no image in {shown}; expected image files, folders, globs, or a list on stdin (-)."
            )
    if out is not None:
        complain(f"{answered} answers in {out}")
    if failed:
        raise PartialError(
            f"{failed} of {answered + failed} inputs failed, listed above; the others were answered."
        )


class _Counted:
    """Passes items through and counts the files among them."""

    def __init__(self, items: Iterator[str | Failure]) -> None:
        self.items, self.files = items, 0

    def __iter__(self) -> Iterator[str | Failure]:
        for item in self.items:
            self.files += isinstance(item, str)
            yield item


class _Progress:
    """Says how far a large image is, every few seconds."""

    def __init__(self, seconds: float = 5.0) -> None:
        self.seconds, self.last = seconds, time.monotonic()

    def __call__(self, name: str, done: int, tiles: int) -> None:
        from objectif.cli._output import complain

        if done < tiles and time.monotonic() - self.last > self.seconds:
            self.last = time.monotonic()
            complain(f"{name}: {done} of {tiles} tiles")


def _rule(text: str) -> TileRule:
    """What --tile says; Predictor refuses other words."""
    from objectif.errors import InputError

    if text == "auto":
        return "auto"
    if text == "off":
        return "off"
    if text.isascii() and text.isdigit():
        return int(text)
    raise InputError(f"--tile {text}: expected auto, off, or pixels along a tile's long side, such as 640.")


@contextmanager
def _writer(
    form: To, solution: Solution, inputs: list[str], out: Path | None
) -> Iterator[Callable[[Answer], None]]:
    """A function that writes one answer in the form that was asked for. InputError where the Solution has no boxes."""
    from objectif.answers import Boxes
    from objectif.cli._output import answers_to
    from objectif.errors import InputError
    from objectif.run.written import Coco, csv_header, csv_rows, json_line, kind

    answers = kind(solution)
    if form in {To.coco, To.overlays} and not issubclass(answers, Boxes):
        raise InputError(
            f"--to {form}: needs answers with boxes; this Solution has the task {solution.task!r}. "
            "Use --to jsonl or --to csv."
        )
    if form == To.overlays:
        yield _overlays(inputs, out)
        return
    with answers_to(out) as write:
        if form == To.coco:
            table = Coco(solution.classes)
            yield table.add  # type: ignore[misc]
            write(table.content())
        elif form == To.csv:
            write(csv_header(answers, solution.classes))
            yield lambda answer: write(csv_rows(answer))
        else:
            yield lambda answer: write(json_line(answer))


def _overlays(inputs: list[str], out: Path | None) -> Callable[[Answer], None]:
    """A function that draws an answer into a copy of its picture: the same name below `out`."""
    from objectif.errors import InputError
    from objectif.images import photo
    from objectif.run.overlay import drawn, save

    if out is None or (out.exists() and not out.is_dir()):
        raise InputError(f"--to overlays --out {out or '(nothing)'}: expected a folder for the pictures.")
    taken: set[Path] = set()

    def draw(answer: Answer) -> None:
        target = _free(out / _below(answer.path, inputs), taken)
        if target.exists() and target.samefile(answer.path):
            raise InputError(
                f"{target} would be drawn over; expected another folder than the images'. Choose one."
            )
        save(drawn(photo.read(Path(answer.path)), answer, own=True), target)  # type: ignore[arg-type]

    return draw


def _below(path: str, inputs: list[str]) -> Path:
    """The picture's name, with its folders below the input that holds it."""
    for given in inputs:
        if os.path.isdir(given) and Path(path).is_relative_to(given):
            return Path(path).relative_to(given)
    return Path(Path(path).name)


def _free(target: Path, taken: set[Path]) -> Path:
    """The name, numbered where a picture of this run has it already."""
    found, number = target, 2
    while found in taken:
        found, number = target.with_stem(f"{target.stem}-{number}"), number + 1
    taken.add(found)
    return found
