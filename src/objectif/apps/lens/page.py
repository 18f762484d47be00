"""The lens's pages: the list, a new one from a folder of photos, and the one that a phone opens. Alone knows the web library.

    GET /lens                        all lenses; drop a folder to make one
    GET /lens/new?data=PATH          what was dropped, and the button that starts the race
    GET /lens/making/RUN             the race; then the lens is made
    GET /lens/at/NAME                the lens
    POST /api/v1/lens/NAME/ask       a photo -> the answer as JSON
    POST /api/v1/lens/NAME/card      a photo -> the answer as HTML, for the page
    POST /api/v1/lens/NAME/teach, accept, forget    -> what was taught, as HTML

The phone's page is HTML from the server and a hundred lines of script: it holds no connection that a phone in a pocket would
lose. The others are NiceGUI's elements.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, File, Form, Request, UploadFile
from fastapi.responses import HTMLResponse, JSONResponse
from nicegui import ui

from objectif.answers import Label
from objectif.apps.lens import drawn, nearest, teach
from objectif.apps.lens.folder import Lens
from objectif.apps.lens.lenses import Lenses, lens_folder
from objectif.apps.lens.problem import problem
from objectif.apps.lens.tell import Told, promise, tell
from objectif.apps.lens.texts import negotiate, said
from objectif.data.load import load
from objectif.errors import ImageError, InputError, ObjectifError
from objectif.images.photo import read as read_photo
from objectif.report.html import Markup, join, raw, tag, visible
from objectif.shell import Answered, Shell

HERE = Path(__file__).parent
Photo = Annotated[UploadFile, File(description="JPEG, PNG, WebP, TIFF, BMP or GIF.")]
Name = Annotated[str, Form(max_length=200, description="What it is called.")]


class LensPage:
    """The door `objectif.pages`."""

    title, path = "Lens", "/lens"

    def build(self, shell: Shell) -> None:
        """Add the routes and the pages."""
        lenses = Lenses(shell)
        _routes(shell, lenses)
        _list(shell, lenses)
        _making(shell, lenses)
        _phone(shell, lenses)


PAGE = LensPage()


def _routes(shell: Shell, lenses: Lenses) -> None:
    """The lens through REST."""
    api: APIRouter = shell.api

    async def asked(name: str, photo: UploadFile, request: Request) -> tuple[Lens, Told]:
        lens = await asyncio.to_thread(lenses.open, name)
        found = await _answered(shell, lenses, lens, await photo.read(), photo.filename or "photo")
        assert isinstance(found.answer, Label)  # open_lens() has seen the task
        advice = await asyncio.to_thread(lens.advise, found.answer, found.outputs["embedding"])
        return lens, tell(lens, advice, _wanted(request))

    @api.post("/{name}/ask", summary="What a photo shows, how sure that is, what to do about it")
    async def ask(name: str, photo: Photo, request: Request) -> JSONResponse:
        _, told = await asked(name, photo, request)
        alike = [(label, [_example(shell, one) for one in examples]) for label, examples in told.alike]
        return JSONResponse({**asdict(told), "alike": alike}, headers={"content-language": told.language})

    @api.post("/{name}/card", summary="The same as HTML, for the page", response_class=HTMLResponse)
    async def card(name: str, photo: Photo, request: Request) -> HTMLResponse:
        _, told = await asked(name, photo, request)
        return HTMLResponse(drawn.answer(told, lambda path: shell.picture(path, nearest.SIDE)))

    @api.post("/{name}/teach", summary="Teach a name from photos", response_class=HTMLResponse)
    async def learn(
        name: str,
        request: Request,
        photos: Annotated[list[UploadFile], File()],
        called: Annotated[str, Form(alias="name", max_length=200)],
    ) -> HTMLResponse:
        lens = await asyncio.to_thread(lenses.open, name)
        if len(photos) > teach.MOST:
            raise InputError(f"{len(photos)} photos; expected at most {teach.MOST}. Three to five do.")
        taught = [await _taught(shell, lenses, lens, await p.read(), p.filename or "photo") for p in photos]
        await asyncio.to_thread(teach.teach, lens.folder, lens.waiting, called, taught)
        return await _lessons(lenses, name, request)

    @api.post("/{name}/accept", summary="Accept what was taught", response_class=HTMLResponse)
    async def accept(
        name: str, request: Request, called: Annotated[str, Form(alias="name", max_length=200)]
    ) -> HTMLResponse:
        lens = await asyncio.to_thread(lenses.open, name)
        await asyncio.to_thread(teach.accept, lens.folder, lens.waiting, lens.accepted, called)
        return await _lessons(lenses, name, request)

    @api.post("/{name}/forget", summary="Forget what was taught", response_class=HTMLResponse)
    async def forget(
        name: str, request: Request, called: Annotated[str, Form(alias="name", max_length=200)]
    ) -> HTMLResponse:
        lens = await asyncio.to_thread(lenses.open, name)
        await asyncio.to_thread(lens.forget, called)
        return await _lessons(lenses, name, request)


async def _answered(shell: Shell, lenses: Lenses, lens: Lens, photo: bytes, name: str) -> Answered:
    """What the Solution says, decoded and bounded by the server."""
    found = await shell.answer(await asyncio.to_thread(lenses.on_shelf, lens), photo, name=visible(name, 100))
    if "embedding" not in found.outputs:
        raise ImageError(
            f"{visible(name, 100)}: the network gave no embedding; expected a Solution that objectif exported."
        )
    return found


async def _taught(
    shell: Shell, lenses: Lenses, lens: Lens, photo: bytes, name: str
) -> tuple[bytes, Any, bytes]:
    """A photo as teach() takes it; it was decoded in bounds before its thumbnail is made here."""
    found = await _answered(shell, lenses, lens, photo, name)
    small = await asyncio.to_thread(
        lambda: nearest.thumbnail(read_photo(photo, name=name, min_side=nearest.SIDE))
    )
    return photo, found.outputs["embedding"], small


async def _lessons(lenses: Lenses, name: str, request: Request) -> HTMLResponse:
    lens = await asyncio.to_thread(lenses.open, name)
    return HTMLResponse(drawn.lessons(lens, negotiate(_wanted(request), lens.cards.languages)))


def _example(shell: Shell, example: nearest.Example) -> dict[str, object]:
    picture = shell.picture(example.thumbnail, nearest.SIDE)
    return {
        "label": example.label,
        "path": example.path,
        "likeness": round(example.likeness, 4),
        "picture": picture,
    }


def _wanted(request: Request) -> str:
    return request.headers.get("accept-language", "")


def _show(*parts: object) -> None:
    ui.html(join(*parts), sanitize=False)


def _list(shell: Shell, lenses: Lenses) -> None:
    """GET /lens and GET /lens/new."""

    @shell.page("/lens", "Lens")
    def every() -> None:
        ui.add_head_html('<script type="module" src="/studio/drop.js"></script>')
        links = [
            tag("li", tag("h2", tag("a", visible(name, 60), href=f"/lens/at/{quote(name)}")), class_="item")
            for name in lenses.folders()
        ]
        _show(
            tag("h1", "Lens"),
            tag(
                "p",
                "Point a phone at a thing and learn what it is, how sure that is, and what to do about it.",
            ),
            tag("ul", links, class_="grid") if links else None,
            _raced(shell, lenses),
            tag("h2", "A new lens"),
            tag("p", "A folder for each kind, some photos in each."),
            tag("object-drop", data_then="/lens/new?data="),
        )

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

        minutes = ui.radio({1: "1 minute", 5: "5 minutes", 20: "20 minutes"}, value=5)
        minutes.props("inline color=teal")

        async def start() -> None:
            button.disable()
            options = ["--task", "classify", "--metric", stated.metric, "--budget", f"{minutes.value}m"]
            try:
                race = await shell.start(folder, options)
            except ObjectifError as error:
                ui.notify(str(error), type="negative", multi_line=True)
                button.enable()
                return
            ui.navigate.to(f"/lens/making/{quote(race.name)}")

        button = ui.button("Make a lens", on_click=start, color=None).classes("button").props("flat no-caps")


def _raced(shell: Shell, lenses: Lenses) -> Markup | None:
    """Races of labels that are done and have no lens yet."""
    tasks = {entry.name: entry.task for entry in shell.solutions()}
    made = {path.name for path in lenses.folders().values()}
    names = [race.name for race in shell.runs() if race.solution and tasks.get(race.solution) == "classify"]
    left = [name for name in names if lens_folder(name) not in made][:12]
    rows = [tag("li", tag("a", visible(name, 60), href=f"/lens/making/{quote(name)}")) for name in left]
    return (
        tag("details", tag("summary", "A lens from a race that is done"), tag("ul", rows)) if rows else None
    )


def _making(shell: Shell, lenses: Lenses) -> None:
    """GET /lens/making/RUN: the race, then the lens."""

    @shell.page("/lens/making/{run}", "A lens in the making")
    def making(run: str) -> None:
        shell.run(run)  # InputError where there is none
        _show(tag("h1", "A lens in the making"))
        place = ui.element("div").props("role=status")
        shown = [""]
        busy: set[asyncio.Task[None]] = set()

        async def finish() -> None:
            try:
                name = await asyncio.to_thread(lenses.make, run)
            except ObjectifError as error:
                draw(tag("p", str(error), class_="verdict bad", role="alert"))
            else:
                lens = await asyncio.to_thread(lenses.open, name)
                told = tag("p", promise(lens, lens.cards.languages[0]), class_="verdict")
                draw(
                    told,
                    tag("p", "Its cards: ", tag("code", str(lens.folder / "cards.toml"))),
                    tag("a", "Open the lens", href=f"/lens/at/{quote(name)}", class_="button"),
                )

        def draw(*parts: Markup) -> None:
            place.clear()
            with place:
                _show(*parts)

        def tick() -> None:
            race = shell.run(run)
            if race.state in {"waiting", "running"}:
                of = "" if race.budget is None else f" of {race.budget:.0f}"
                words = f"Racing: {race.elapsed:.0f}{of} s. The page may be closed; the race goes on."
            else:
                words = race.state
            if words == shown[0]:
                return
            shown[0] = words
            if race.state == "done":
                timer.deactivate()
                draw(tag("p", "Writing cards and examples ..."))
                busy.add(task := asyncio.get_running_loop().create_task(finish()))
                task.add_done_callback(busy.discard)
            elif race.state in {"failed", "stopped"}:
                timer.deactivate()
                draw(
                    tag(
                        "p",
                        f"The race {race.state}: {race.error or 'no Solution was delivered'}.",
                        class_="verdict bad",
                        role="alert",
                    )
                )
            else:
                draw(tag("p", words), tag("a", "Follow the race", href=f"/race/{quote(run)}"))

        timer = ui.timer(1.0, tick)


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
