"""The frame of every page: navigation, light and dark, one style; and the one way by which text becomes HTML.

What a page shows is mostly HTML made by report/html.py, which escapes whatever is not its own; NiceGUI's elements stand
where something is typed or pressed. A page of a thousand elements would take a second to build, one of HTML a millisecond.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

from nicegui import ui

from objectif import __version__
from objectif.errors import ObjectifError
from objectif.report.html import Markup, join, tag
from objectif.web.house import House

STATIC = Path(__file__).parent / "static"
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><g fill="none" stroke="#0a7370" stroke-width="2.4">'
    '<circle cx="12" cy="12" r="10"/><circle cx="12" cy="12" r="5.5"/></g><circle cx="12" cy="12" r="2" fill="#0a7370"/></svg>'
)
STUDIO = {"Data": "/data", "Races": "/race", "Shelf": "/shelf"}


class Frame:
    """What pages are shown in. applications: title -> path of pages from outside the studio."""

    def __init__(self, house: House, applications: Mapping[str, str]) -> None:
        self.house = house
        self.links = {**STUDIO, **applications}

    def page(self, path: str, title: str, *, bare: bool = False) -> Callable[[Callable[..., Any]], Any]:
        """Decorator: show the function's elements at `path` in the frame. See objectif.shell.Shell.page."""

        def decorate(build: Callable[..., Any]) -> Any:
            @wraps(build)
            async def framed(*given: Any, **named: Any) -> Any:
                ui.add_head_html(str(tag("link", rel="stylesheet", href=static("studio.css"))))
                if not bare:
                    show(self._navigation(path), element="header").classes("top")
                with ui.element("div").classes("page bare" if bare else "page"):
                    try:
                        found = build(*given, **named)
                        return await found if inspect.isawaitable(found) else found
                    except ObjectifError as error:
                        show(tag("h1", "That is not to be had"))
                        refused(error)

            return ui.page(path, title=title)(framed)

        return decorate

    def _navigation(self, here: str) -> Markup:
        links = [
            tag(
                "a",
                title,
                href=path,
                aria_current="page" if here == path or here.startswith(f"{path}/") else None,
            )
            for title, path in self.links.items()
        ]
        return tag("nav", tag("a", _mark(), "objectif", href="/", class_="brand"), links, aria_label="pages")


def static(name: str) -> str:
    """The URL of a file of ours; it changes with the version, so that browsers may keep it."""
    return f"/studio/{name}?v={__version__}-{int((STATIC / name).stat().st_mtime)}"


def script(name: str) -> None:
    """Load a module of ours with this page."""
    ui.add_head_html(str(tag("script", type="module", src=static(name))))


def show(*parts: object, element: str = "div") -> ui.html:
    """Put HTML on the page: Markup as it is, everything else escaped."""
    return ui.html(join(*parts), sanitize=False, tag=element)


def button(words: str, do: Callable[..., Any], *, kind: str = "") -> ui.button:
    """A button in the studio's look. kind: "", "second" or "stop"."""
    return ui.button(words, on_click=do, color=None).classes(f"button {kind}".strip()).props("flat no-caps")


def refused(error: ObjectifError) -> None:
    """What went wrong, in the error's own words."""
    show(tag("p", str(error), class_="verdict bad", role="alert"))


def command(*words: str) -> Markup:
    """A command to copy."""
    import shlex

    return tag("pre", shlex.join(words))


def _mark() -> Markup:
    """A lens seen from the front."""
    rings = [
        tag("circle", cx=12, cy=12, r=r, fill="none", stroke="currentColor", stroke_width=2)
        for r in (10, 5.5)
    ]
    return tag(
        "svg",
        rings,
        tag("circle", cx=12, cy=12, r=1.8, fill="currentColor"),
        viewBox="0 0 24 24",
        aria_hidden="true",
    )
