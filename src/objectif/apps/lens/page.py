"""The lens's pages: the list, a new one from a folder of photos, and the one that a phone opens. Alone knows the web library.

    GET /lens                        all lenses; drop a folder to make one
    GET /lens/new?data=PATH          what was dropped, and the button that starts the race
    GET /lens/making/RUN             the race; then the lens is made
    GET /lens/at/NAME                the lens
    POST /api/v1/lens/NAME/ask       a photo -> the answer as JSON
    POST /api/v1/lens/NAME/card      a photo -> the answer as HTML, for the page
    POST /api/v1/lens/NAME/teach, accept, forget    -> what was taught, as HTML

The phone's page is HTML from the server and sixty lines of script: it holds no connection that a phone in a pocket would lose.
The others are NiceGUI's elements.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from fastapi.responses import HTMLResponse
from nicegui import ui

from objectif.answers import Label
from objectif.apps.lens import drawn, nearest, teach
from objectif.apps.lens.cards import FILE
from objectif.apps.lens.lenses import Lenses, lens_folder
from objectif.apps.lens.problem import problem
from objectif.apps.lens.tell import Told, promise, tell
from objectif.apps.lens.texts import negotiate, said
from objectif.data.load import load
from objectif.errors import ImageError, InputError, ObjectifError
from objectif.report.html import Markup, join, raw, tag, visible
from objectif.shell import Answered, Shell

HERE = Path(__file__).parent
MINUTES = {1: "1 minute", 5: "5 minutes", 20: "20 minutes"}
Photo = Annotated[UploadFile, File(description="JPEG, PNG, WebP, TIFF, BMP or GIF.")]
Photos = Annotated[list[UploadFile], File(description="Three to fifty photos of it.")]
Called = Annotated[str, Form(alias="name", max_length=200, description="What it is called.")]


class LensPage:
    """The door `objectif.pages`."""

    title, path = "Lens", "/lens"

    def build(self, shell: Shell) -> None:
        """Add the routes and the pages."""
        lenses = Lenses(shell)
        _asking(shell, lenses)
        _teaching(shell, lenses)
        _list(shell, lenses)
        _new(shell)
        _making(shell, lenses)
        _phone(shell, lenses)


PAGE = LensPage()


@dataclass(frozen=True)
class Alike:
    """One of the user's own photos. likeness: cosine of embeddings, -1..1. picture: URL of a thumbnail."""

    name: str
    label: str
    path: str
    likeness: float
    picture: str


@dataclass(frozen=True)
class Said(Told):
    """An answer in words. probability of a rival in percent, as text; actions: (link, call or note; words; address)."""

    alike: list[Alike]  # type: ignore[assignment]  # the same, with URLs in place of files


def _asking(shell: Shell, lenses: Lenses) -> None:
    """A photo through REST."""
    api: APIRouter = shell.api

    async def told(name: str, photo: UploadFile, request: Request) -> Told:
        lens = await asyncio.to_thread(lenses.open, name)
        found = await _answered(shell, lenses, name, await photo.read(), photo.filename or "photo")
        assert isinstance(found.answer, Label)  # open_lens() has seen the task
        advice = await asyncio.to_thread(lens.advise, found.answer, found.outputs["embedding"])
        return tell(lens, advice, _wanted(request))

    @api.post("/{name}/ask", response_model=Said, summary="What a photo shows, how sure, what to do about it")
    async def ask(name: str, photo: Photo, request: Request, response: Response) -> Said:
        found = await told(name, photo, request)
        response.headers["content-language"] = found.language
        alike = [_alike(shell, label, one) for label, examples in found.alike for one in examples]
        return Said(**{**{field.name: getattr(found, field.name) for field in fields(Told)}, "alike": alike})

    @api.post("/{name}/card", summary="The same as HTML, for the page", response_class=HTMLResponse)
    async def card(name: str, photo: Photo, request: Request) -> HTMLResponse:
        found = await told(name, photo, request)
        return HTMLResponse(drawn.answer(found, lambda path: shell.picture(path, nearest.SIDE)))


def _teaching(shell: Shell, lenses: Lenses) -> None:
    """What it is instead, through REST; one change at a time."""
    api: APIRouter = shell.api
    changing = asyncio.Lock()

    async def changed(name: str, request: Request, change: Callable[[], object]) -> HTMLResponse:
        async with changing:
            await asyncio.to_thread(change)
        lens = await asyncio.to_thread(lenses.open, name)
        return HTMLResponse(drawn.lessons(lens, negotiate(_wanted(request), lens.cards.languages)))

    @api.post("/{name}/teach", summary="Teach a name from photos", response_class=HTMLResponse)
    async def learn(name: str, request: Request, photos: Photos, called: Called) -> HTMLResponse:
        if len(photos) > teach.MOST:
            raise InputError(f"{len(photos)} photos; expected at most {teach.MOST}. Three to five do.")
        taught = []
        for photo in photos:
            content = await photo.read()
            found = await _answered(shell, lenses, name, content, photo.filename or "photo")
            # Kept as it came: only children of the server decode what strangers send, thumbnails included.
            taught.append((content, found.outputs["embedding"], content))
        return await changed(name, request, lambda: lenses.open(name).teach(called, taught))

    @api.post("/{name}/accept", summary="Accept what was taught", response_class=HTMLResponse)
    async def accept(name: str, request: Request, called: Called) -> HTMLResponse:
        return await changed(name, request, lambda: lenses.open(name).accept(called))

    @api.post("/{name}/forget", summary="Forget what was taught", response_class=HTMLResponse)
    async def forget(name: str, request: Request, called: Called) -> HTMLResponse:
        return await changed(name, request, lambda: lenses.open(name).forget(called))


async def _answered(shell: Shell, lenses: Lenses, name: str, photo: bytes, called: str) -> Answered:
    """What the Solution of a lens says, decoded and bounded by the server."""
    shelved = await asyncio.to_thread(lambda: lenses.on_shelf(lenses.open(name)))
    shown = visible(called, 100)
    found = await shell.answer(shelved, photo, name=shown)
    if "embedding" not in found.outputs:
        raise ImageError(
            f"{shown}: the network gave no embedding; expected a Solution that objectif exported."
        )
    return found


def _alike(shell: Shell, name: str, example: nearest.Example) -> Alike:
    picture = shell.picture(example.thumbnail, nearest.SIDE)
    return Alike(name, example.label, example.path, round(example.likeness, 4), picture)


def _wanted(request: Request) -> str:
    return request.headers.get("accept-language", "")


def _show(*parts: object) -> None:
    ui.html(join(*parts), sanitize=False)


def _list(shell: Shell, lenses: Lenses) -> None:
    """GET /lens."""

    @shell.page("/lens", "Lens")
    def every() -> None:
        ui.add_head_html('<script type="module" src="/studio/drop.js"></script>')
        names = [(visible(name, 60), f"/lens/at/{quote(name)}") for name in lenses.folders()]
        links = [tag("li", tag("h2", tag("a", name, href=way)), class_="item") for name, way in names]
        _show(
            tag("h1", "Lens"),
            tag("p", "Point a phone at a thing: what it is, how sure that is, and what to do about it."),
            tag("ul", links, class_="grid") if links else None,
            _raced(shell, lenses),
            tag("h2", "A new lens"),
            tag("p", "A folder for each kind, some photos in each."),
            tag("object-drop", data_then="/lens/new?data="),
        )


def _raced(shell: Shell, lenses: Lenses) -> Markup | None:
    """Races of labels that are done and have no lens yet."""
    tasks = {entry.name: entry.task for entry in shell.solutions()}
    made = {path.name for path in lenses.folders().values()}
    names = [race.name for race in shell.runs() if race.solution and tasks.get(race.solution) == "classify"]
    left = [name for name in names if lens_folder(name) not in made][:12]
    rows = [tag("li", tag("a", visible(name, 60), href=f"/lens/making/{quote(name)}")) for name in left]
    title = tag("summary", "A lens from a race that is done")
    return tag("details", title, tag("ul", rows)) if rows else None


def _new(shell: Shell) -> None:
    """GET /lens/new."""

    @shell.page("/lens/new", "A new lens")
    async def new(data: str) -> None:
        folder = shell.allowed(data)
        stated = await asyncio.to_thread(problem, folder)
        dataset = await asyncio.to_thread(lambda: load(stated.data, **stated.reading()))
        kinds = ", ".join(visible(label, 40) for label in dataset.classes[:30])
        _show(
            tag("h1", "A new lens"),
            tag("p", f"{len(dataset):,} photos of {len(dataset.classes)} kinds: {kinds}."),
            tag("p", "A race finds what tells them apart best. How long may it take?", class_="soft"),
        )
        minutes = ui.radio(MINUTES, value=5).props("inline color=teal")

        async def start() -> None:
            button.disable()
            options = ["--task", "classify", "--metric", stated.metric, "--budget", f"{minutes.value}m"]
            try:
                race = await shell.start(folder, options)
            except ObjectifError as error:
                ui.notify(str(error), type="negative", multi_line=True)
                button.enable()
            else:
                ui.navigate.to(f"/lens/making/{quote(race.name)}")

        button: Any = ui.button("Make a lens", on_click=start, color=None)
        button.classes("button").props("flat no-caps")


def _making(shell: Shell, lenses: Lenses) -> None:
    """GET /lens/making/RUN."""

    @shell.page("/lens/making/{run}", "A lens in the making")
    def making(run: str) -> None:
        shell.run(run)  # InputError where there is none
        _show(tag("h1", "A lens in the making"))
        Making(shell, lenses, run)


class Making:
    """A race that is followed, and the lens that is made when it is done."""

    def __init__(self, shell: Shell, lenses: Lenses, run: str) -> None:
        self.shell, self.lenses, self.run = shell, lenses, run
        self.place = ui.element("div").props("role=status")
        self.shown = ""
        self.timer: Any = ui.timer(1.0, self.tick)

    async def tick(self) -> None:
        """Once a second until the race has ended."""
        race = self.shell.run(self.run)
        if race.state in {"waiting", "running"}:
            of = "" if race.budget is None else f" of {race.budget:.0f}"
            words = f"Racing: {race.elapsed:.0f}{of} s. The page may be closed; the race goes on."
            self.draw(tag("p", words), tag("a", "Follow the race", href=f"/race/{quote(self.run)}"))
            return
        self.timer.deactivate()
        if race.state != "done":
            self.refuse(f"The race {race.state}: {race.error or 'no Solution was delivered'}.")
            return
        self.draw(tag("p", "Writing cards and examples ..."))
        try:
            name = await asyncio.to_thread(self.lenses.make, self.run)
            lens = await asyncio.to_thread(self.lenses.open, name)
        except ObjectifError as error:
            self.refuse(str(error))
            return
        self.draw(
            tag("p", promise(lens, lens.cards.languages[0]), class_="verdict"),
            tag("p", "Its cards: ", tag("code", visible(lens.folder / FILE))),
            tag("a", "Open the lens", href=f"/lens/at/{quote(name)}", class_="button"),
        )

    def refuse(self, words: str) -> None:
        """Why there is no lens."""
        self.draw(tag("p", visible(words), class_="verdict bad", role="alert"))

    def draw(self, *parts: Markup) -> None:
        """Show this instead of what was shown, where it is something else."""
        if (words := join(*parts)) == self.shown:
            return
        self.shown = words
        self.place.clear()
        with self.place:
            _show(words)


def _phone(shell: Shell, lenses: Lenses) -> None:
    """GET /lens/at/NAME: the page at 390 px."""
    style, script = ((HERE / file).read_text(encoding="utf-8") for file in ("page.css", "page.js"))

    @shell.page("/lens/at/{name}", "Lens", bare=True)
    async def at(name: str, request: Request) -> None:
        lens = await asyncio.to_thread(lenses.open, name)
        language = negotiate(_wanted(request), lens.cards.languages)
        ui.page_title(said(lens.cards.title, language))
        ui.add_head_html(str(tag("style", raw(style))))
        _show(drawn.opening(lens, language, f"/api/v1/lens/{quote(name)}"))
        ui.add_body_html(str(tag("script", raw(script))))
        await asyncio.to_thread(lenses.on_shelf, lens)
