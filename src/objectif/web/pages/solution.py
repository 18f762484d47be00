"""Solution: its card, what is promised of it, your own image, the file, the commands, and the report of its race."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from nicegui import ui

from objectif.errors import ObjectifError
from objectif.report import evidence
from objectif.report.html import Markup, join, name, tag, visible
from objectif.runs.folder import REPORT, RESULT, RunFolder
from objectif.shell import OnShelf
from objectif.solution.card import lines as card_lines
from objectif.solution.file import Solution
from objectif.web.house import House
from objectif.web.pages.frame import Frame, button, command, refused, script, show
from objectif.web.pages.race import report_frame


def build(frame: Frame, house: House) -> None:
    """GET /solution/{name}."""

    @frame.page("/solution/{solution}", "Solution")
    async def page(solution: str) -> None:
        entry = await asyncio.to_thread(house.shelf.one, solution)
        found = await asyncio.to_thread(house.shelf.solution, solution)
        script("try.js")
        show(tag("h1", name(entry.title)), tag("p", _said(entry, found), class_="soft"))
        with ui.element("div").classes("acts"):
            show(
                tag(
                    "a",
                    "Download the file",
                    href=f"/api/v1/solutions/{entry.name}/file",
                    class_="button",
                    download=True,
                )
            )
            _naming(house, entry)
        with ui.element("div").classes("two"):
            show(
                tag(
                    "section",
                    tag("h2", "Your own image"),
                    tag("object-try", data_solution=entry.name),
                    class_="panel",
                )
            )
            show(_figures(found), _promises(found))
        show(_commands(house, entry), _card(found))
        _report(house, entry)


def _said(entry: OnShelf, found: Solution) -> str:
    classes = ", ".join(visible(c, 40) for c in found.classes[:12]) + (
        " ..." if len(found.classes) > 12 else ""
    )
    size = entry.path.stat().st_size / 1e6
    return (
        f"{found.task}: {classes} · {found.preparation.height} × {found.preparation.width} px · {size:.1f} MB"
    )


def _naming(house: House, entry: OnShelf) -> None:
    """Give it another title."""

    async def rename() -> None:
        try:
            await asyncio.to_thread(house.shelf.rename, entry.name, title.value or "")
        except ObjectifError as error:
            refused(error)
            return
        ui.navigate.to(f"/solution/{entry.name}")

    title = ui.input("name it", value=entry.title).props("outlined dense").on("keydown.enter", rename)
    button("Rename", rename, kind="second")


def _figures(found: Solution) -> Markup | None:
    """The figures of the card with their intervals, and its cautions."""
    rows = []
    for figure in found.card.get("figures") or ():
        if not isinstance(figure, Mapping) or not isinstance(figure.get("estimate"), int | float):
            continue
        low, high = figure.get("low"), figure.get("high")
        inside = f" [{low:.3f}, {high:.3f}]" if low is not None and high is not None else ""
        how = (
            "images that took no part"
            if figure.get("of") == "network"
            else "out-of-fold, corrected for having chosen"
        )
        rows.append(tag("tr", tag("th", name(figure.get("metric"))), tag("td", f"{figure['estimate']:.3f}{inside}", class_="number"),
                        tag("td", how, class_="note")))  # fmt: skip
    cautions = [tag("li", visible(c)) for c in found.card.get("cautions") or ()]
    if not rows and not cautions:
        return None
    table = tag("table", rows) if rows else None
    return tag(
        "section",
        tag("h2", "How good it is"),
        table,
        tag("ul", cautions) if cautions else None,
        class_="panel",
    )


def _promises(found: Solution) -> Markup | None:
    """What is promised of its answers, on which evidence."""
    if not found.promises:
        return None
    return tag("section", tag("h2", "What is promised?"), evidence.body(found), class_="panel")


def _commands(house: House, entry: OnShelf) -> Markup:
    """How to use it elsewhere, and how to make it again."""
    made = None
    if entry.run is not None:
        try:
            made = (
                RunFolder.open(house.races.folder(entry.run)).result().command
                if _finished(house, entry.run)
                else None
            )
        except ObjectifError:
            made = None
    file = f"{entry.name}.objectif"
    curl = f"curl -F image=@photo.jpg -F solution={entry.name} {house.settings.address}api/v1/predict"
    parts: list[Any] = [
        tag("h2", "The same without this page"),
        command("objectif", "predict", file, "IMAGES"),
        tag("pre", curl),
    ]
    if made:
        parts += [tag("p", "What made it:"), tag("pre", visible(made))]
    return tag("section", parts, class_="panel")


def _card(found: Solution) -> Markup:
    told = "\n".join(visible(line) for line in card_lines(found.card))
    return tag("section", tag("details", tag("summary", "The whole card"), tag("pre", told)), class_="panel")


def _finished(house: House, run: str) -> bool:
    return (house.races.folder(run) / RESULT).is_file()


def _report(house: House, entry: OnShelf) -> None:
    """The report: leaderboard, confusion that opens its images, worst errors, overlays, heat maps."""
    if entry.run is not None and (house.races.folder(entry.run) / REPORT).is_file():
        show(join(tag("h2", "Its race"), report_frame(entry.run)))
