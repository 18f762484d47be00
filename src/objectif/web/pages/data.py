"""Data: name a folder or drop one; then its pictures by class, and what `inspect` says of them, as pictures."""

from __future__ import annotations

import asyncio

from nicegui import ui

from objectif.data.dataset import Dataset
from objectif.errors import ObjectifError
from objectif.report.html import Markup, join, name, tag, visible
from objectif.web.house import House
from objectif.web.material import PAGE, Material, counted
from objectif.web.pages import doubts
from objectif.web.pages.frame import Frame, button, command, refused, script, show


def build(frame: Frame, house: House) -> None:
    """GET /data, GET /data/{key}."""

    @frame.page("/data", "Data")
    def data() -> None:
        script("drop.js")
        show(tag("h1", "Data"), tag("object-drop"))
        _by_path(house)
        known = [tag("li", tag("h3", tag("a", name(m.path.name), href=f"/data/{m.key}")),
                     tag("p", name(m.path, 70), class_="note"), class_="item") for m in house.materials.all()]  # fmt: skip
        show(tag("ul", known, class_="grid") if known else None)

    @frame.page("/data/{key}", "Data")
    async def one(key: str, label: str = "") -> None:
        material = await asyncio.to_thread(house.materials.one, key)
        dataset = await asyncio.to_thread(house.materials.dataset, material)
        script("gallery.js")
        counts = list((await asyncio.to_thread(counted, dataset)).values())
        usable = f"{len(dataset):,} images · {len(dataset.classes)} classes · layout {dataset.layout} · {dataset.task}"
        show(
            tag("h1", name(dataset.name)),
            tag("p", usable, class_="soft"),
            _notes(dataset.notes, len(dataset.problems)),
        )
        with ui.element("div").classes("acts"):
            ui.link("State the problem", f"/problem/{key}").classes("button")
            button("Start a race now", lambda: _race(house, material), kind="second")
        with ui.element("section").classes("panel"):
            show(tag("h2", "Pictures"), _classes(key, [visible(c) for c in dataset.classes], counts, label))
            show(tag("object-gallery", data_key=key, data_label=label or None))
        _inspected(house, material, dataset)


def _by_path(house: House) -> None:
    """A path to type, for data that are on this machine already."""

    async def look() -> None:
        said.clear()
        try:
            found = await asyncio.to_thread(lambda: house.materials.add(house.allowed(path.value or "")))
        except ObjectifError as error:
            with said:
                refused(error)
            return
        ui.navigate.to(f"/data/{found.key}")

    with ui.element("div").classes("acts"):
        path = (
            ui.input("or the path of a folder or file on this machine")
            .props("outlined dense")
            .classes("wide")
        )
        path.style("flex: 1 1 320px").on("keydown.enter", look)
        button("Look at it", look)
    said = ui.element("div")


def _notes(notes: tuple[str, ...], unusable: int) -> Markup | None:
    told = [
        *notes,
        *([f"{unusable} files cannot be used; what inspect says names them."] if unusable else []),
    ]
    return tag("ul", [tag("li", visible(note)) for note in told], class_="note") if told else None


def _classes(key: str, classes: list[str], counts: list[int], chosen: str) -> Markup:
    """Links that show one class alone."""
    from urllib.parse import urlencode

    every = tag("a", f"all {sum(counts):,}", href=f"/data/{key}", class_="tag" if chosen else "tag done")
    links = [
        tag(
            "a",
            name(c, 30),
            f" {n:,}",
            href=f"/data/{key}?{urlencode({'label': c})}",
            class_="tag done" if c == chosen else "tag",
        )
        for c, n in zip(classes[:200], counts, strict=False)
    ]
    return tag("p", [join(link, " ") for link in (every, *links)])


async def _race(house: House, material: Material) -> None:
    try:
        started = await asyncio.to_thread(lambda: house.start(house.materials.statement(material)))
    except ObjectifError as error:
        ui.notify(str(error), type="negative", multi_line=True)
        return
    ui.navigate.to(f"/race/{started.name}")


def _inspected(house: House, material: Material, dataset: Dataset) -> None:
    """What inspect says: its page, or that it is looking, or a button."""
    with ui.element("section").classes("panel"):
        show(tag("h2", "What the data say"))
        place = ui.element("div")
    below = ui.element("div")

    def draw(told: str, why: str) -> None:
        place.clear()
        with place:
            if told == "done":
                show(tag("iframe", src=f"/data-page/{material.key}/{PAGE}", class_="report", sandbox="allow-popups",
                         title="what the data say", loading="lazy"))  # fmt: skip
            elif told == "running":
                said = "Looking at every picture: duplicates, doubtful labels, leakage, confounds ..."
                show(tag("p", said, role="status"))
            else:
                show(tag("p", why, class_="verdict bad") if why else None)
                button("Look at every picture", begin, kind="second")
            show(tag("p", "The same on the command line:", class_="note"))
            show(command("objectif", "inspect", str(material.path)))
        below.clear()
        with below:
            if told == "done":
                doubts.section(house, material, dataset)

    async def begin() -> None:
        tasks.add(task := asyncio.ensure_future(house.materials.look(material)))
        task.add_done_callback(tasks.discard)
        await asyncio.sleep(0.2)
        tick()

    shown = [("", "")]
    tasks: set[asyncio.Future[None]] = set()

    def tick() -> None:
        now = house.materials.looked(material)
        if now != shown[0]:
            shown[0] = now
            draw(*now)

    tick()
    ui.timer(1.5, tick)
