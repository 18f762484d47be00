"""The first page: where to begin, and what is here already."""

from __future__ import annotations

import asyncio

from objectif.report.html import Markup, name, tag
from objectif.shell import OnShelf, RunState
from objectif.web.house import House
from objectif.web.pages.frame import Frame, script, show


def build(frame: Frame, house: House) -> None:
    """GET /."""

    @frame.page("/", "objectif")
    async def home() -> None:
        script("drop.js")
        show(
            tag("h1", "What do you want to tell from your images?"),
            tag("p", "Show objectif labelled images. It finds out which approach, model and loss solve the problem best, "
                "proves it, and hands you one small file. Everything stays on this machine.", class_="soft"),
            tag("object-drop"),
        )  # fmt: skip
        runs, shelf = await asyncio.to_thread(lambda: (house.races.all(), house.shelf.all()))
        show(
            _part("Races", [run_item(run) for run in runs[:6]]),
            _part("On the shelf", [shelf_item(one) for one in shelf[:9]]),
        )


def _part(title: str, items: list[Markup]) -> Markup | None:
    return tag("section", tag("h2", title), tag("ul", items, class_="grid")) if items else None


def run_item(run: RunState) -> Markup:
    """A race in a list."""
    spent = f"{run.elapsed:.0f} s" + (f" of {run.budget:.0f}" if run.budget else "")
    return tag(
        "li",
        tag("h3", tag("a", name(run.name), href=f"/race/{run.name}")),
        tag("p", tag("span", run.state, class_=f"tag {run.state}"), " ", spent, class_="note"),
        class_="item",
    )


def shelf_item(one: OnShelf) -> Markup:
    """A Solution in a list."""
    said = f"{one.task} · {len(one.classes)} {'class' if len(one.classes) == 1 else 'classes'}"
    return tag(
        "li",
        tag("h3", tag("a", name(one.title), href=f"/solution/{one.name}")),
        tag("p", said, class_="note"),
        class_="item",
    )
