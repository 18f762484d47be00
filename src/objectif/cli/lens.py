"""objectif lens: a lens from a folder of labelled photos, asked, taught and checked in the terminal.

objectif lens new photos/                       solve, write cards.toml, serve
objectif lens ask photos.lens walk/17.jpg       what it is, how sure, what to do
objectif lens teach photos.lens a.jpg b.jpg c.jpg --name "oxeye daisy"
objectif lens accept photos.lens --name "oxeye daisy"
"""

from __future__ import annotations

import enum
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from objectif.apps.lens.folder import Lens
    from objectif.apps.lens.teach import Lesson
    from objectif.apps.lens.tell import Told


class Action(enum.StrEnum):
    new = "new"
    ask = "ask"
    teach = "teach"
    accept = "accept"
    forget = "forget"
    check = "check"


def command(
    action: Annotated[
        Action,
        typer.Argument(
            help="new: make one from labelled photos. ask: what do PHOTOS show? teach: they show --name; waits until accepted. "
            "accept, forget: what was taught as --name. check: the cards, the promise, what was taught.",
            show_default=False,
        ),
    ],
    place: Annotated[
        Path, typer.Argument(help="A folder of labelled photos for new; else a lens.", show_default=False)
    ],
    photos: Annotated[list[Path] | None, typer.Argument(help="Photos.", show_default=False)] = None,
    out: Annotated[
        Path | None, typer.Option(help="For new: the lens's folder; default NAME.lens.", show_default=False)
    ] = None,
    budget: Annotated[str | None, typer.Option(help="For new: how long the race may take.")] = None,
    languages: Annotated[str, typer.Option(help="For new: of the cards, the usual one first: en,de.")] = "en",
    accuracy: Annotated[float, typer.Option(help="For new: share of answers that are to be right.")] = 0.9,
    serve: Annotated[bool, typer.Option(help="For new: open the lens in the web application.")] = True,
    name: Annotated[str | None, typer.Option(help="What was taught.", show_default=False)] = None,
    language: Annotated[
        str | None, typer.Option(help="Of the answer; default that of this terminal.", show_default=False)
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="For ask: a line of JSON for each photo.")] = False,
) -> None:
    """A lens: what photos show, how sure that is, what to do about it; taught without training."""
    from objectif.apps.lens.folder import open_lens

    if action is Action.new:
        _new(place, out, budget, languages, accuracy, serve)
    elif action is Action.ask:
        _ask(open_lens(place), photos or [], language or _terminal(), json)
    elif action is Action.check:
        _check(open_lens(place))
    else:
        _lesson(action, open_lens(place), photos or [], _needed(name))


def _new(
    data: Path, out: Path | None, budget: str | None, languages: str, accuracy: float, serve: bool
) -> None:
    from objectif import cli
    from objectif.apps.lens import new
    from objectif.apps.lens.cards import FILE
    from objectif.apps.lens.lenses import page_name
    from objectif.apps.lens.tell import promise
    from objectif.cli._output import complain

    folder = out or new.usual_folder(data)
    codes = new.checked(languages.split(","), accuracy)
    new.solve(data, folder, budget=budget)
    complain("writing cards and examples ...")
    lens = new.make(folder / new.RUN, folder, title=data.absolute().stem, languages=codes, accuracy=accuracy)
    shown = shlex.quote(str(folder))
    print(f"\n{promise(lens, lens.cards.languages[0])}")
    print(f"Lens:     {folder} ({len(lens.examples)} examples)\nCards:    {folder / FILE}, to edit")
    print(f"Next:     objectif lens ask {shown} PHOTO")
    print(f"          objectif serve --root {shown}   and open /lens/at/{page_name(folder)}", flush=True)
    if serve:
        raise typer.Exit(cli.main(["serve", "--root", str(folder)]))


def _ask(lens: Lens, photos: list[Path], language: str, json: bool) -> None:
    from objectif.apps.lens.folder import look
    from objectif.apps.lens.tell import lines, tell
    from objectif.cli._output import complain
    from objectif.errors import ImageError, InputError, PartialError
    from objectif.run.predictor import Predictor

    if not photos:
        raise InputError("no photo is given; expected one or more after the lens.")
    predictor, failed = Predictor(lens.solution, workers=1), 0
    for photo in photos:
        try:
            answer, embedding = look(predictor, photo)
        except ImageError as error:
            complain(str(error))
            failed += 1
            continue
        told = tell(lens, lens.advise(answer, embedding), language)
        print(_as_json(photo, told) if json else "\n".join([f"{photo}:", *lines(told), ""]))
    if failed == len(photos):
        raise ImageError("no photo could be read.")
    if failed:
        raise PartialError(
            f"{failed} of {len(photos)} photos failed, listed above; the others were answered."
        )


def _as_json(photo: Path, told: Told) -> str:
    from dataclasses import asdict
    from json import dumps

    return dumps({"path": str(photo), **asdict(told)}, ensure_ascii=False, default=str)


def _lesson(action: Action, lens: Lens, photos: list[Path], name: str) -> None:
    from objectif.apps.lens.folder import taught
    from objectif.run.predictor import Predictor

    if action is Action.accept:
        lens.accept(name)
    elif action is Action.forget:
        lens.forget(name)
    else:
        print(_told(lens.teach(name, taught(Predictor(lens.solution), photos))))
        print(f"It waits: objectif lens accept {shlex.quote(str(lens.folder))} --name {shlex.quote(name)}")


def _check(lens: Lens) -> None:
    from objectif.apps.lens.tell import promise

    print(
        f"cards: {len(lens.cards.labels)} labels, {len(lens.cards.groups)} groups, {', '.join(lens.cards.languages)}"
    )
    print(f"sure from P = {lens.sure.threshold:.2f}. {promise(lens, lens.cards.languages[0])}")
    print(
        f"{len(lens.examples)} examples; {len(lens.accepted)} taught and accepted, {len(lens.waiting)} waiting"
    )
    for lesson in (*lens.lessons(lens.accepted), *lens.lessons(lens.waiting)):
        print(f"  {_told(lesson)}")


def _told(lesson: Lesson) -> str:
    return (
        f"{lesson.name}: {lesson.known} of its {lesson.photos} photos are recognised by the others; {lesson.passed} of "
        f"{lesson.others} examples of other labels look like it."
    )


def _needed(name: str | None) -> str:
    from objectif.errors import InputError

    if name is None:
        raise InputError("--name is missing; expected what the photos show.")
    return name


def _terminal() -> str:
    """The language of this terminal, as a browser would say it: de_DE.UTF-8 -> de-DE."""
    import os

    found = next((v for k in ("LC_ALL", "LC_MESSAGES", "LANG") if (v := os.environ.get(k))), "")
    return found.split(".")[0].replace("_", "-")
