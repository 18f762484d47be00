"""The doors by which models, losses, formats, metrics and pages enter: entry points, built-ins included.

Listing a door imports nothing but metadata; loading one name imports that one module.
Built-ins use the same door as everybody else's, so a plug-in can do all that they can.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from objectif.errors import PluginError

if TYPE_CHECKING:
    from objectif.data.dataset import Dataset
    from objectif.problem import Problem

DOORS = ("models", "losses", "formats", "metrics", "apps", "pages")
ONE = {
    "models": "model",
    "losses": "loss",
    "formats": "format",
    "metrics": "metric",
    "apps": "application",
    "pages": "page",
}


class Format(Protocol):
    """A layout in which labelled images lie on disk (door `objectif.formats`).

    Three things are optional. `boxes = True` says that the layout tells where objects are, `masks = True` that it tells
    what each pixel is: where such a layout fits, those that tell classes only are not asked. `write(dataset, to, *, images)` writes a Dataset into the empty folder `to`, with
    images 'copy', 'link' or 'none', and returns sentences about what the layout cannot hold (class WritingFormat).
    `write_masks(dataset, to, *, images, form)` does so for masks, in one of `forms` or, of None, the best.
    """

    name: str
    richness: int  # of two equal readings the one with the higher number is taken

    def sniff(self, path: Path) -> str | None:
        """Why this layout fits `path`, in words to show a person; None where it does not. Cheap."""
        ...

    def read(self, path: Path) -> Dataset:
        """The whole reading. Raises DataError with value, expectation and remedy."""
        ...


class WritingFormat(Format, Protocol):
    """A Format that writes too."""

    def write(
        self, dataset: Dataset, to: Path, *, images: Literal["copy", "link", "none"] = "copy"
    ) -> list[str]:
        """Write into the empty folder `to`; returns what was lost, in sentences. Raises DataError."""
        ...


class App(Protocol):
    """An application: from a problem to advice that a person can act on (door `objectif.apps`).

    Importing it needs neither torch nor a web library; its page has a door of its own.
    """

    name: str
    title: str

    def problem(self, data: Path, **options: Any) -> Problem:
        """The statement for a user's data; options: as Problem takes them. InputError where the data do not fit."""
        ...

    def rehearse(self, folder: Path) -> Sequence[str]:
        """Its way from made-up answers to advice, as lines for a terminal; `folder` is empty and may be written to."""
        ...


@cache
def door(kind: str) -> Mapping[str, EntryPoint]:
    """Name -> entry point for one of DOORS, sorted by name; nothing is imported."""
    found = entry_points(group=f"objectif.{kind}")
    return {e.name: e for e in sorted(found, key=lambda e: e.name)}


def names(kind: str) -> tuple[str, ...]:
    """The names behind a door, sorted."""
    return tuple(door(kind))


def load(kind: str, name: str) -> Any:
    """The object called `name` behind a door; PluginError names what there is."""
    entries = door(kind)
    if name not in entries:
        close = difflib.get_close_matches(name, entries, n=1)
        hint = f"; did you mean {close[0]!r}" if close else ""
        raise PluginError(f"no {ONE[kind]} called {name!r}{hint}. Installed: {', '.join(entries) or 'none'}.")
    try:
        return entries[name].load()
    except ImportError as error:
        needs = (
            "Pages need the packages of the web application: pip install 'objectif[web]'."
            if kind == "pages"
            else "Models and losses need the training packages: pip install 'objectif[train]'."
        )
        raise PluginError(f"{ONE[kind]} {name!r} cannot be imported ({error}). {needs}") from error
