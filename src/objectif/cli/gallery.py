"""`objectif gallery`: who is known. Enrolling takes a few pictures and no training.

objectif gallery new known.gallery --solution faces.objectif
objectif gallery enrol known.gallery anna/*.jpg --name Anna --consent "form of 3 May" --expires 2027-05-03 --solution ...
objectif predict faces.objectif door/ --gallery known.gallery
"""

from __future__ import annotations

import enum
import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from objectif.answers import Identity
    from objectif.run.gallery import Gallery
    from objectif.run.predictor import Predictor


class Action(enum.StrEnum):
    new = "new"
    enrol = "enrol"
    remove = "remove"
    list = "list"
    verify = "verify"
    search = "search"


def command(
    action: Annotated[
        Action,
        typer.Argument(
            help="new: an empty one. enrol: pictures of --name, of each folder below a folder, or with --each of each picture. "
            "remove: --name. list: the entries. verify: are the pictures of --name? search: the stored pictures most like them.",
            show_default=False,
        ),
    ],
    gallery: Annotated[Path, typer.Argument(help="A .gallery file.", show_default=False)],
    inputs: Annotated[
        list[str] | None, typer.Argument(help="Pictures: files, folders, globs.", show_default=False)
    ] = None,
    solution: Annotated[
        Path | None,
        typer.Option(
            help="The .objectif file that identifies; one gallery belongs to one.", show_default=False
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Of an entry.", show_default=False)] = None,
    each: Annotated[
        bool, typer.Option("--each", help="Each picture an entry by its path: an archive.")
    ] = False,
    negative: Annotated[
        bool, typer.Option("--negative", help="Not this one: whoever is nearest to it gets no name.")
    ] = False,
    consent: Annotated[str, typer.Option(help="On what ground the entry is kept.")] = "",
    expires: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="The last day it takes part.", show_default=False)
    ] = None,
    note: Annotated[str, typer.Option(help="Anything else.")] = "",
    fpir: Annotated[
        float | None,
        typer.Option(
            help="For verify: share of strangers that may pass; the Solution's, mostly 0.01.",
            show_default=False,
        ),
    ] = None,
    most: Annotated[int, typer.Option("--top", min=1, help="For search: how many pictures.")] = 10,
    force: Annotated[bool, typer.Option("--force", help="Enrol pictures that look like two people.")] = False,
) -> None:
    """Who is known: enrol, remove, list, verify, search; a file apart from the Solution."""
    from objectif.run.gallery import Gallery

    if action is Action.new:
        _new(gallery, solution)
    elif action is Action.list:
        _list(Gallery.load(gallery))
    elif action is Action.remove:
        Gallery.load(gallery).without(_needed(name)).save(gallery)
    elif action is Action.enrol:
        more = {
            "negative": negative,
            "consent": consent,
            "expires": _day(expires),
            "note": note,
            "force": force,
        }
        _enrol(gallery, _predictor(solution), inputs or [], name, each, more)
    else:
        known, predictor = Gallery.load(gallery), _predictor(solution)
        known.fits(predictor.solution)
        wanted = _needed(name) if action is Action.verify else None
        _ask(known, predictor, inputs or [], wanted, fpir, most)


def _new(path: Path, solution: Path | None) -> None:
    from objectif.errors import InputError
    from objectif.run.gallery import Gallery

    if path.exists():
        raise InputError(f"{path} exists; a new gallery would forget who is in it. Choose another name.")
    Gallery.new(_predictor(solution).solution).save(path)


def _enrol(
    path: Path, predictor: Predictor, inputs: list[str], name: str | None, each: bool, more: dict[str, Any]
) -> None:
    """All or nothing: the file is written when the last picture is in."""
    from objectif.cli._output import complain
    from objectif.errors import InputError
    from objectif.run.gallery import Gallery
    from objectif.run.identify import teach

    found = Gallery.load(path)
    entries = _entries(inputs, name, each)
    if not entries:
        raise InputError(
            f"no picture in {' '.join(inputs) or '(nothing)'}; expected files or folders of images."
        )
    for one, files in entries.items():
        found = teach(found, predictor, one, files, **more)
        if len(files) == 1 and not each:
            complain(f"{one}: one picture; three to five of different light and pose are recognised better.")
    found.save(path)
    complain(f"{len(entries)} enrolled, {len(found)} entries in {path}")


def _entries(inputs: list[str], name: str | None, each: bool) -> dict[str, list[str]]:
    """name -> files: all of --name, or each by its folder, or each by itself."""
    from objectif.errors import ImageError, InputError
    from objectif.run.inputs import Failure, find

    files: list[str] = []
    for item in find(inputs):
        if isinstance(item, Failure):
            raise ImageError(f"{item.path}: {item.reason}")
        files.append(item)
    if name is not None and each:
        raise InputError("--name and --each are given; expected one of them.")
    if name is not None:
        return {name: files} if files else {}
    found: dict[str, list[str]] = {}
    for file in files:
        found.setdefault(file if each else Path(file).resolve().parent.name, []).append(file)
    return found


def _list(known: Gallery) -> None:
    """A line of JSON for each entry."""
    today = date.today()
    for entry in known.entries:
        told: dict[str, object] = {
            "name": entry.name,
            "images": len(entry.images),
            "negative": entry.negative,
            "consent": entry.consent,
            "expires": None if entry.expires is None else entry.expires.isoformat(),
            "expired": not entry.active(today),
            "note": entry.note,
        }
        print(json.dumps(told, ensure_ascii=False))


def _ask(
    known: Gallery, predictor: Predictor, inputs: list[str], name: str | None, fpir: float | None, most: int
) -> None:
    """A line of JSON for each picture: whether it is that one, or the stored pictures most like it."""
    from objectif.answers import Identity
    from objectif.cli._names import tell_expired
    from objectif.cli._output import complain
    from objectif.errors import InputError, PartialError
    from objectif.run.identify import limit
    from objectif.run.inputs import Failure, find

    known.ready()
    tell_expired(known)
    found = None
    if name is not None:
        known.entry(name)
        found = limit(predictor, known, fpir, entries=1)
        complain(f"threshold {found.value:.3f}: {found.words}")
    met = failed = 0
    for answer in predictor.predict(find(inputs)):
        met += 1
        if isinstance(answer, Failure):
            failed += 1
            complain(f"{answer.path}: {answer.reason}")
        elif isinstance(answer, Identity):
            told = (
                known.verify(answer, name, found.value).as_dict()
                if name is not None and found is not None
                else _nearest(known, answer, most)
            )
            print(json.dumps(told, ensure_ascii=False))
    if not met:
        raise InputError(f"no picture in {' '.join(inputs) or '(nothing)'}; expected images.")
    if failed:
        raise PartialError(f"{failed} of {met} pictures failed, listed above; the others were answered.")


def _nearest(known: Gallery, answer: Identity, most: int) -> dict[str, object]:
    found = [
        {"name": m.name, "image": m.image, "score": round(m.score, 6)}
        for m in known.nearest(answer.embedding, most)
    ]
    return {"path": answer.path, "nearest": found}


def _predictor(solution: Path | None) -> Predictor:
    from objectif.errors import InputError
    from objectif.run.predictor import load

    if solution is None:
        raise InputError("--solution is missing; expected the .objectif file that the gallery belongs to.")
    return load(solution)


def _needed(name: str | None) -> str:
    from objectif.errors import InputError

    if name is None:
        raise InputError(
            "--name is missing; expected the name of an entry. `objectif gallery list` shows them."
        )
    return name


def _day(text: str | None) -> date | None:
    from objectif.errors import InputError

    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise InputError(f"--expires {text}: expected a day such as 2027-05-31.") from None
