"""The forms in which `predict` writes answers: one file or stream for all pictures, or a folder with a file for each.

What is drawn or told of one picture alone (overlays, masks, outlines) goes into a folder, below which the pictures' names
and folders are kept. A form that does not fit the answers is refused before the first picture is read.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from objectif.cli._output import answers_to
from objectif.errors import InputError

if TYPE_CHECKING:
    from objectif.answers import AnomalyMap, Answer, Boxes, Masks, Picture
    from objectif.cli._spacing import Scale
    from objectif.run.predictor import Predictor
    from objectif.solution.file import Solution

Write = Callable[["Answer"], None]
_OF_MASKS = ("geojson", "masks", "instances", "overlays")
_OF_MAPS = ("maps", "heatmaps")
_WHY = "explanations"
_FOLDERS = (*_OF_MASKS, *_OF_MAPS, "pictures", _WHY)
_FITS = {
    "Label": (_WHY,),
    "Boxes": ("coco", "overlays", _WHY),
    "Masks": ("coco", *_OF_MASKS, _WHY),
    "AnomalyMap": (*_OF_MAPS, _WHY),
    "Picture": ("pictures",),
    "Identity": (_WHY,),
    "Quantity": (_WHY,),
}
_ALWAYS = ("jsonl", "csv")
_NAMES = {
    "Label": "labels",
    "Boxes": "boxes",
    "Masks": "masks",
    "AnomalyMap": "anomaly maps",
    "Picture": "pictures",
    "Identity": "names",
    "Quantity": "quantities",
}


@contextmanager
def writer(
    form: str, predictor: Predictor, inputs: list[str], out: Path | None, scale: Scale | None = None
) -> Iterator[Write]:
    """A function that writes one answer in the form that was asked for.

    scale: of a pixel, for the table of objects. InputError where the form does not fit the Solution's answers, `out` is no
    place for it, or there is a scale and nothing that it would measure.
    """
    from objectif.run.written import kind

    solution = predictor.solution
    answers = kind(solution)
    fitting = (*_ALWAYS, *_FITS[answers.__name__])
    if form not in fitting:
        needed = [_NAMES[name] for name, forms in _FITS.items() if form in forms]
        raise InputError(
            f"--to {form}: needs answers with {' or '.join(needed)}; this Solution has the task {solution.task!r}. "
            f"Use --to {', '.join(fitting[:-1])} or {fitting[-1]}."
        )
    if scale is not None and (answers.__name__ != "Masks" or form != "csv"):
        met = f"--to {form}" if answers.__name__ == "Masks" else f"the task {solution.task!r}"
        raise InputError(
            f"--spacing with {met}: expected the table of objects that masks have, all else is in pixels. "
            + ("Add --to table" if answers.__name__ == "Masks" else "Leave --spacing out")
            + "."
        )
    if form == _WHY:
        yield _explained(predictor, inputs, _folder(form, out))
    elif form in _FOLDERS:
        yield _each(form, inputs, out)
    else:
        with answers_to(out) as write, _all(form, solution, answers, scale, write) as one:
            yield one


@contextmanager
def _all(
    form: str,
    solution: Solution,
    answers: type[Answer],
    scale: Scale | None,
    write: Callable[[bytes], None],
) -> Iterator[Write]:
    """One stream for all pictures."""
    from objectif.answers import Masks
    from objectif.metrics.masks import has_background
    from objectif.run.written import Coco, csv_header, csv_rows, json_line

    classes = solution.classes
    if form == "coco":
        masks = issubclass(answers, Masks)
        table = Coco(classes[1:] if masks and has_background(classes) else classes)
        yield lambda answer: table.add(cast("Boxes | Masks", answer))
        write(table.content())
    elif form == "csv":
        channels = solution.preparation.channels if issubclass(answers, Masks) else 0
        unit, spacing = (None, None) if scale is None else (scale.unit, scale.spacing)
        judged = any(t is not None for t in (solution.gate, solution.promises, solution.calibration))
        write(csv_header(answers, classes, channels, unit, judged=judged))

        def rows(answer: Answer) -> None:
            pixels = _pixels(answer) if channels else None
            write(csv_rows(answer, pixels, channels, spacing, judged=judged))

        yield rows
    else:
        yield lambda answer: write(json_line(answer))


def _each(form: str, inputs: list[str], out: Path | None) -> Write:
    """A file for each picture: the same name below `out`."""
    from objectif.run.outlines import geojson
    from objectif.run.overlay import save
    from objectif.run.overlay_heat import heated
    from objectif.run.written import index_png, instance_png, map_tiff, picture_png

    out = _folder(form, out)
    taken: set[Path] = set()

    def write(answer: Answer) -> None:
        below = _below(answer.path, inputs)
        if form == "overlays":
            save(_drawn(answer), _place(out / below, answer.path, taken))
        elif form == "heatmaps":
            save(heated(_pixels(answer), cast("AnomalyMap", answer)), _place(out / below, answer.path, taken))
        elif form == "maps":
            target = _place(out / below.with_suffix(".tif"), answer.path, taken)
            _put([map_tiff(cast("AnomalyMap", answer))], target)
        elif form == "pictures":
            png = picture_png(cast("Picture", answer), _bits(answer))
            _put([png], _place(out / below.with_suffix(".png"), answer.path, taken))
        elif form == "geojson":
            _put(geojson(cast("Masks", answer)), _free(out / below.with_suffix(".geojson"), taken))
        else:
            drawn = index_png if form == "masks" else instance_png
            _put([drawn(cast("Masks", answer))], _place(out / below.with_suffix(".png"), answer.path, taken))

    return write


def _folder(form: str, out: Path | None) -> Path:
    """Where files go; InputError where that can be no folder."""
    if out is None or (out.exists() and not out.is_dir()):
        what = "outlines" if form == "geojson" else "pictures"
        raise InputError(f"--to {form} --out {out or '(nothing)'}: expected a folder for the {what}.")
    return out


def _explained(predictor: Predictor, inputs: list[str], out: Path) -> Write:
    """The pictures with what speaks for their answers drawn in; one without anything to explain is told of."""
    from objectif.cli._output import complain
    from objectif.run.explain import Explainer
    from objectif.run.overlay import save
    from objectif.run.overlay_why import explained

    explainer = Explainer(predictor)
    taken: set[Path] = set()

    def write(answer: Answer) -> None:
        try:
            found = explainer.explain(answer.path)
        except InputError as error:
            complain(str(error))
            return
        complain(str(found))
        save(explained(_pixels(answer), found), _place(out / _below(answer.path, inputs), answer.path, taken))

    return write


def _pixels(answer: Answer) -> Any:
    from objectif.images import photo

    return photo.read(Path(answer.path))


def _bits(answer: Answer) -> int:
    """Bits of the picture that was given, 8 or 16."""
    from objectif.images import photo

    return 16 if photo.probe(Path(answer.path)).bits > 8 else 8


def _drawn(answer: Answer) -> Any:
    from objectif.answers import Masks
    from objectif.run.overlay import drawn
    from objectif.run.overlay_masks import drawn_masks

    if isinstance(answer, Masks):
        return drawn_masks(_pixels(answer), answer, own=True)
    return drawn(_pixels(answer), cast("Boxes", answer), own=True)


def _put(content: Iterable[bytes], target: Path) -> None:
    """A whole file, in folders that are made."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"cannot write {target}: {error.strerror or error}. Expected a folder that is writable; choose another place."
        ) from error
    with answers_to(target) as write:
        for part in content:
            write(part)


def _place(target: Path, path: str, taken: set[Path]) -> Path:
    """A free name for a picture; InputError where it would lie among the pictures, perhaps in the place of one."""
    if target.parent.exists() and target.parent.samefile(Path(path).parent):
        raise InputError(
            f"{target} would lie among the pictures and could take the place of one; expected another folder. "
            "Choose one with --out."
        )
    return _free(target, taken)


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
