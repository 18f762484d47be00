"""The first page: what can be done here, and what is here already."""

from __future__ import annotations

from nicegui import ui

from objectif.report.html import join, name, tag
from objectif.web.house import House
from objectif.web.pages.frame import Frame, show


def build(frame: Frame, house: House) -> None:
    """GET /."""

    @frame.page("/", "objectif")
    def home() -> None:
        shelf = house.shelf.all()
        listed = [tag("li", tag("a", name(one.title), href=f"/solution/{one.name}"), f" · {one.task}") for one in shelf]
        show(tag("h1", "objectif"), tag("p", "State an image problem; find out what solves it best."))
        show(tag("ul", listed) if listed else tag("p", "The shelf is empty."))


