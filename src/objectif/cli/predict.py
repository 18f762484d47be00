"""`objectif predict`: answers as JSON lines, tables, COCO, masks, outlines, or drawn into the pictures.

Standard output carries answers alone, as they come; everything for people goes to standard error.
"""

from __future__ import annotations

import enum
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from objectif.images.tiles import TileRule
    from objectif.run.inputs import Failure


class Precision(enum.StrEnum):
    auto = "auto"
    fp32 = "fp32"
    int8 = "int8"


class To(enum.StrEnum):
    jsonl = "jsonl"
    csv = "csv"
    table = "table"
    coco = "coco"
    geojson = "geojson"
    masks = "masks"
    instances = "instances"
    overlays = "overlays"
    maps = "maps"
    heatmaps = "heatmaps"
    pictures = "pictures"
    explanations = "explanations"


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
        typer.Option(
            help="JSON lines; CSV with a header, for masks a table of objects (csv and table are the same); one COCO "
            "table; outlines, a GeoJSON file for each picture; pictures of classes (8 bits, with colours) or of "
            "objects' numbers (16 bits); the pictures with the answers drawn in; of anomalies maps (TIFF of floats) or "
            "heatmaps; restored pictures, PNG of as many bits as were given; or explanations, the pictures with heat where "
            "something speaks for the answer."
        ),
    ] = To.jsonl,
    csv: Annotated[bool, typer.Option("--csv", help="The same as --to csv.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write to this file, whole or not at all; for geojson, masks, instances, overlays, maps, heatmaps, "
            "pictures and explanations, the folder.",
            show_default=False,
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
    spacing: Annotated[
        str | None,
        typer.Option(
            metavar="MM|ROW,COLUMN",
            help="How much a pixel measures, for --to table: sizes in that unit beside those in pixels; mm, or with a "
            "unit: 0.25um.",
            show_default=False,
        ),
    ] = None,
    gallery: Annotated[
        Path | None,
        typer.Option(
            help="Who is known (objectif gallery), where the Solution identifies.", show_default=False
        ),
    ] = None,
    fpir: Annotated[
        float | None,
        typer.Option(
            help="With --gallery: share of strangers' pictures that may be given a name; the Solution's, mostly 0.01.",
            show_default=False,
        ),
    ] = None,
    columns: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv",
            help="What is known of the pictures beside their pixels: path and a column for each name, or subject and "
            "date, from which days and photos so far are told.",
            show_default=False,
        ),
    ] = None,
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
    from objectif.cli._forms import writer
    from objectif.cli._output import complain
    from objectif.cli._spacing import scale
    from objectif.errors import InputError, PartialError
    from objectif.run.inputs import Failure, find
    from objectif.run.predictor import Predictor
    from objectif.solution.file import read

    measures = None if spacing is None else scale(spacing)
    predictor = Predictor(read(solution), precision=precision.value, batch=batch)
    if columns is not None:
        from objectif.data.formats.quantities import known_of

        predictor.know(known_of(columns))
    named = _Counted(find(inputs))
    form = "csv" if csv or to == To.table else to.value
    answered = failed = 0
    asked = predictor.predict(named, tile=_rule(tile), progress=_Progress())
    if gallery is not None or fpir is not None or predictor.solution.task == "identify":
        from objectif.cli._names import named_by

        asked = named_by(predictor, named, gallery, fpir)
    with writer(form, predictor, inputs, out, measures) as write, closing(asked) as answers:
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
