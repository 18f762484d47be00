"""Shelf: all Solutions, where each came from, and two of them side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from nicegui import ui

from objectif.errors import ObjectifError
from objectif.report.html import Markup, name, tag, visible
from objectif.runs.folder import RunFolder
from objectif.runs.pair import compare
from objectif.shell import OnShelf
from objectif.web.house import House
from objectif.web.pages.frame import Frame, show


def build(frame: Frame, house: House) -> None:
    """GET /shelf."""

    @frame.page("/shelf", "Shelf")
    async def shelf(one: str = "", two: str = "") -> None:
        entries = await asyncio.to_thread(house.shelf.all)
        show(tag("h1", "Shelf"))
        if not entries:
            show(
                tag(
                    "p",
                    "It is empty. A finished race puts its Solution here; ",
                    tag("a", "show your data", href="/data"),
                    ".",
                )
            )
            return
        rows = [_row(entry) for entry in entries]
        heads = ("Solution", "task", "classes", "from", "MB")
        table = tag("table", tag("thead", tag("tr", [tag("th", h) for h in heads])), tag("tbody", rows))
        show(tag("section", tag("div", table, class_="scroll"), class_="panel"))
        if len(entries) > 1:
            await _pair(house, {e.name: e for e in entries}, one, two)


def _row(entry: OnShelf) -> Markup:
    origin = tag("a", name(entry.run), href=f"/race/{entry.run}") if entry.run else "a file"
    classes = ", ".join(visible(c, 24) for c in entry.classes[:4]) + (
        " ..." if len(entry.classes) > 4 else ""
    )
    return tag(
        "tr", tag("td", tag("a", name(entry.title), href=f"/solution/{entry.name}")), tag("td", entry.task), tag("td", classes),
        tag("td", origin), tag("td", f"{entry.path.stat().st_size / 1e6:.1f}", class_="number"),
    )  # fmt: skip


async def _pair(house: House, entries: dict[str, OnShelf], one: str, two: str) -> None:
    """Two Solutions chosen by the address, so that a comparison can be sent on as a link."""
    names = list(entries)
    first, second = one if one in entries else names[0], two if two in entries else names[1]
    titles = {key: entry.title for key, entry in entries.items()}

    def go() -> None:
        ui.navigate.to(f"/shelf?one={left.value}&two={right.value}")

    with ui.element("section").classes("panel"):
        show(tag("h2", "Two side by side"))
        with ui.element("div").classes("acts"):
            left = ui.select(titles, value=first, label="one", on_change=go).props(
                "outlined dense options-dense"
            )
            right = ui.select(titles, value=second, label="the other", on_change=go).props(
                "outlined dense options-dense"
            )
            for field in (left, right):
                field.style("min-width: min(100%, 220px)")
        show(await asyncio.to_thread(_compared, house, entries[first], entries[second]))


def _compared(house: House, one: OnShelf, two: OnShelf) -> Markup:
    a, b = (_facts(house, entry) for entry in (one, two))
    rows = [
        tag("tr", tag("th", key), tag("td", a.get(key, "")), tag("td", b.get(key, "")))
        for key in dict.fromkeys([*a, *b])
    ]
    head = tag("tr", tag("th"), tag("th", name(one.title)), tag("th", name(two.title)))
    return tag(
        "div",
        tag("div", tag("table", tag("thead", head), tag("tbody", rows)), class_="scroll"),
        _sentences(house, one, two),
    )


def _facts(house: House, entry: OnShelf) -> dict[str, Any]:
    """What can be set side by side."""
    found = house.shelf.solution(entry.name)
    card: Mapping[str, Any] = found.card
    facts: dict[str, Any] = {"task": found.task, "classes": len(found.classes),
                             "input": f"{found.preparation.height} × {found.preparation.width} px"}  # fmt: skip
    for figure in card.get("figures") or ():
        if isinstance(figure, Mapping) and isinstance(figure.get("estimate"), int | float):
            low, high = figure.get("low"), figure.get("high")
            inside = f" [{low:.3f}, {high:.3f}]" if low is not None and high is not None else ""
            facts[visible(figure.get("metric"))] = f"{figure['estimate']:.3f}{inside}"
    candidate = card.get("candidate") or {}
    facts |= {key: visible(candidate[key], 60) for key in ("approach", "model", "loss") if candidate.get(key)}
    for limit, value in (card.get("limits") or {}).items():
        if isinstance(value, Mapping) and isinstance(value.get("measured"), int | float):
            facts[visible(limit)] = f"{value['measured']:.1f}"
    facts["size of the file"] = f"{entry.path.stat().st_size / 1e6:.1f} MB"
    return facts


def _sentences(house: House, one: OnShelf, two: OnShelf) -> Markup | None:
    """What a paired comparison of the two runs says, where they answered for the same images."""
    if one.run is None or two.run is None or one.run == two.run:
        return None
    try:
        found = compare(
            RunFolder.open(house.races.folder(one.run)), RunFolder.open(house.races.folder(two.run))
        )
    except ObjectifError as error:
        return tag("p", visible(error), class_="note")
    return tag("div", [tag("p", visible(sentence)) for sentence in found.sentences], class_="verdict")
