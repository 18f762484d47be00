"""Doubtful labels side by side with what they look like, each to be corrected, dropped or confirmed with one press."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from nicegui import ui

from objectif.data.dataset import Dataset
from objectif.errors import DataError, ObjectifError
from objectif.health.words import shown
from objectif.report.html import Markup, name, tag
from objectif.web.corrections import DROPPED, Corrections
from objectif.web.house import House
from objectif.web.material import RECORD, Material
from objectif.web.pages.frame import button, refused, show

_SHOWN = 24
_NO_WORRY = (
    "Nothing says that any label is wrong; every set has some that are the least plausible, and these are."
)


def section(house: House, material: Material, dataset: Dataset) -> None:
    """The doubts that inspect found, on the page; nothing where it found none or labels cannot be corrected here."""
    found, worrying = _doubts(material)
    try:
        corrections = Corrections(material.path, dataset, _place(house, material))
    except DataError:
        return
    if not found:
        return
    numbers = {shown(sample.path): k for k, sample in enumerate(dataset.samples)}
    classes = {shown(c): c for c in dataset.classes}
    with ui.element("section").classes("panel"):
        lead = "Wrong labels are likely among these." if worrying else _NO_WORRY
        kept = "What you decide is written beside the data, not into them."
        show(tag("h2", "Labels worth a second look"), tag("p", f"{lead} {kept}", class_="soft"))
        summary = ui.element("div")
        _summary(house, corrections, summary)
        with ui.element("div").classes("grid"):
            for doubt in found[:_SHOWN]:
                number, looks = numbers.get(doubt["path"]), classes.get(doubt["looks"])
                if number is not None and looks is not None:
                    _doubt(house, material, corrections, summary, doubt, number, looks)


def _place(house: House, material: Material) -> Path:
    """Beside the data; in the server's folder where what is beside them is not the server's to write."""
    beside = material.path.parent
    return beside if any(beside.is_relative_to(root) for root in house.settings.roots) else material.folder


def _doubts(material: Material) -> tuple[list[dict[str, Any]], bool]:
    """(the least plausible labels, whether there are more of them than chance gives)."""
    try:
        record = json.loads((material.folder / RECORD).read_text(encoding="utf-8"))
        found = record["doubts"] or {}
        return list(found.get("images", [])), bool(found.get("worrying"))
    except (OSError, ValueError, KeyError, TypeError):
        return [], False


def _doubt(
    house: House,
    material: Material,
    corrections: Corrections,
    summary: ui.element,
    doubt: dict[str, Any],
    number: int,
    looks: str,
) -> None:
    """One picture with its three buttons."""
    path = corrections.dataset.samples[number].path

    async def say(label: str | None) -> None:
        try:
            await asyncio.to_thread(corrections.say, number, label)
        except ObjectifError as error:
            ui.notify(str(error), type="negative", multi_line=True)
            return
        said.set_content(_decided(corrections, path))
        _summary(house, corrections, summary)

    with ui.element("div").classes("item"):
        source = f"/api/v1/data/{material.key}/samples/{number}/thumbnail?side=320"
        show(tag("img", src=source, alt=doubt["path"], loading="lazy", class_="doubt"))
        show(tag("p", "labelled ", tag("b", name(doubt["given"])), ", looks like ", tag("b", name(doubt["looks"])),
                 f" ({doubt['looks_probability']:.0%})"))  # fmt: skip
        with ui.element("div").classes("acts"):
            button(f"It is {doubt['looks'][:24]}", lambda: say(looks), kind="second")
            button("Drop it", lambda: say(DROPPED), kind="second")
            button("The label is right", lambda: say(None), kind="second")
        said = show(_decided(corrections, path))


def _decided(corrections: Corrections, path: str) -> Markup:
    known = corrections.read()
    if path not in known:
        return tag("p", "as the data say", class_="note")
    return tag(
        "p",
        "dropped" if known[path] == DROPPED else tag("span", "now ", name(known[path])),
        class_="tag done",
    )


def _summary(house: House, corrections: Corrections, place: ui.element) -> None:
    """How many corrections there are, and the race on what holds now."""
    count = len(corrections.read())

    async def race() -> None:
        try:
            started = await asyncio.to_thread(house.start, corrections.manifest)
        except ObjectifError as error:
            refused(error)
            return
        ui.navigate.to(f"/race/{started.name}")

    place.clear()
    with place:
        if count:
            show(tag("p", f"{count} corrected: ", tag("code", name(corrections.file, 90)), class_="verdict"))
            button(f"Race with {count} corrected", race)
