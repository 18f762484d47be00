"""`objectif predict`: answers as JSON lines or CSV.

Standard output carries answers alone, as they come; everything for people goes to standard error. Bytes are written,
not text, so that names in any encoding pass through whatever the terminal's locale is.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from objectif.answers import Label
    from objectif.run.inputs import Failure


class Precision(enum.StrEnum):
    auto = "auto"
    fp32 = "fp32"
    int8 = "int8"


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
    csv: Annotated[bool, typer.Option("--csv", help="CSV with a header instead of JSON lines.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write to this file, whole or not at all.", show_default=False)
    ] = None,
    precision: Annotated[Precision, typer.Option(help="Which network of the Solution.")] = Precision.auto,
    batch: Annotated[int, typer.Option(min=1, help="Images that each core runs at once, at most.")] = 4,
) -> None:
    """Answers for files, folders, globs or a list on stdin."""
    from objectif.cli._output import answers_to, complain
    from objectif.errors import InputError, PartialError
    from objectif.run.inputs import Failure, find
    from objectif.run.predictor import Predictor
    from objectif.solution.file import read

    predictor = Predictor(read(solution), precision=precision.value, batch=batch)
    named = _Counted(find(inputs))
    answered = failed = 0
    with answers_to(out) as write, closing(predictor.predict(named)) as answers:
        if csv:
            write(csv_row("path", "label", *(f"score:{name}" for name in predictor.solution.classes)))
        for answer in answers:
            if isinstance(answer, Failure):
                failed += 1
                complain(f"{answer.path}: {answer.reason}")
            else:
                answered += 1
                write(csv_answer(answer) if csv else json_answer(answer))
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


def json_answer(answer: Label) -> bytes:
    """One line: path, label, scores. Names that are not Unicode are escaped (\\udc..), all others are written as they are."""
    import json

    line = json.dumps(answer.as_dict(), ensure_ascii=False) + "\n"
    try:
        return line.encode()
    except UnicodeEncodeError:
        return (json.dumps(answer.as_dict()) + "\n").encode()


def csv_answer(answer: Label) -> bytes:
    """One row: path, label (several joined by '|'), a probability for each class."""
    return csv_row(answer.path, answer.label, *(f"{score:.6f}" for score in answer.scores))


def csv_row(*cells: str) -> bytes:
    """Cells as RFC 4180 has them, but with a bare newline at the end; a name's bytes pass through unchanged."""
    import csv
    import io

    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode("utf-8", "surrogateescape")
