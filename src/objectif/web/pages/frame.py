"""The frame of every page: navigation, light and dark, one style; and the one way by which text becomes HTML."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

from nicegui import ui

from objectif.report.html import Markup, join, raw, tag
from objectif.web.house import House

STYLE = (Path(__file__).parent / "studio.css").read_text(encoding="utf-8")
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" cy="16" r="14" fill="#2f6f4f"/>'
    '<circle cx="16" cy="16" r="7" fill="none" stroke="#fff" stroke-width="3"/></svg>'
)
STUDIO = {"Data": "/data", "Race": "/race", "Shelf": "/shelf"}


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
                ui.add_head_html(tag("style", raw(STYLE)))
                if not bare:
                    show(self._navigation(path), element="header")
                with ui.element("main").classes("bare" if bare else ""):
                    found = build(*given, **named)
                    return await found if inspect.isawaitable(found) else found

            return ui.page(path, title=title)(framed)

        return decorate

    def _navigation(self, here: str) -> Markup:
        links = [
            tag("a", title, href=path, aria_current="page" if here == path else None)
            for title, path in self.links.items()
        ]
        return tag("nav", tag("a", "objectif", href="/", class_="brand"), links, aria_label="pages")


def show(*parts: object, element: str = "div") -> ui.html:
    """Put HTML on the page: Markup as it is, everything else escaped."""
    return ui.html(join(*parts), sanitize=False, tag=element)
