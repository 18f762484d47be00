"""The pages: the studio's own and those that come through the door `objectif.pages`, in NiceGUI."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI
from nicegui import ui

from objectif import plugins
from objectif.web import papers
from objectif.web.house import House, PageShell
from objectif.web.pages import data, frame, home, problem, race, shelf, solution


def studio(app: FastAPI, api: APIRouter, house: House) -> None:
    """Add every page and the routes of applications to `app`; NiceGUI stands behind all other routes."""
    pages = {name: plugins.load("pages", name) for name in plugins.names("pages")}
    framed = frame.Frame(house, {page.title: page.path for page in pages.values()})
    for part in (home, data, problem, race, solution, shelf):
        part.build(framed, house)
    for name, page in pages.items():
        shell = PageShell(house, name, framed.page)
        page.build(shell)
        api.include_router(shell.api)
    app.include_router(api)
    app.include_router(papers.routes(house))
    ui.run_with(
        app, title="objectif", dark=None, tailwind=False, show_welcome_message=False, favicon=frame.ICON
    )
