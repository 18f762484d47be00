"""What an application's page sees of the server that shows it: the protocols `Page` and `Shell`.

An application adds pages to `objectif serve` by one object behind the door `objectif.pages`:

    [project.entry-points."objectif.pages"]
    lens = "objectif.apps.lens.page:PAGE"

The web room alone loads that door, so that importing an application needs no web library: only the module that the
entry point names imports NiceGUI or FastAPI. The server does what must not be forgotten by any page: bounds on uploads,
decoding in a child process, allowed roots, refusal of requests from other sites, one queue for each Solution. A page
gets at all of that by the Shell and by nothing else, so a test can hand it a fake.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from objectif.answers import Answer
    from objectif.solution.file import Solution

State = Literal["waiting", "running", "done", "stopped", "failed"]


@dataclass(frozen=True)
class OnShelf:
    """A Solution that the server can answer by.

    name: unique on the shelf, safe in a URL (letters, digits, '.', '_', '-'). title: what a person called it. path: its
    file. run: the run folder that it came from, where that is known. task, classes: as in the Solution.
    """

    name: str
    title: str
    path: Path
    run: str | None
    task: str
    classes: tuple[str, ...]


@dataclass(frozen=True)
class RunState:
    """A race that the server has started or that lies in one of its folders.

    name: unique, safe in a URL. folder: the run folder. state: what has become of it; "stopped": it ended without a
    Solution because somebody wished it. elapsed, budget: seconds; budget is None until the race has written it down.
    solution: the shelf's name of what it delivered, once it has. error: the last words of one that failed.
    """

    name: str
    folder: Path
    state: State
    elapsed: float
    budget: float | None
    solution: str | None
    error: str | None = None


@dataclass(frozen=True)
class Answered:
    """What a Solution says of one image.

    answer: for people (answers.py). outputs: the network's outputs for this image by name, without the batch axis:
    "scores" (C,), "embedding" (D,) where it has one, "map" (h, w) where it has one; raw, float32.
    size: (height, width) of the upright image in pixels. For an image answered in tiles `outputs` is empty.
    """

    answer: Answer
    outputs: Mapping[str, NDArray[np.float32]] = field(repr=False)
    size: tuple[int, int] = (0, 0)


class Shell(Protocol):
    """The server as a page sees it. All errors are from errors.py; a route that raises one answers problem+json.

    api: a fastapi.APIRouter served below /api/v1/NAME, NAME being the page's name at the door; its routes are in the
    OpenAPI description and are guarded as all others are. roots: folders that may be read. shelf: the server's own folder.
    """

    api: Any
    roots: tuple[Path, ...]
    shelf: Path

    def page(self, path: str, title: str, *, bare: bool = False) -> Callable[[Callable[..., Any]], Any]:
        """Decorator: the function, called for each visit with NiceGUI's elements going into the page, is shown at `path`
        in the server's frame (navigation, light and dark, 390 px and up); bare: without the navigation.

        The function may be async and may take `request` and the path's `{parameters}`, as FastAPI's routes do.
        """
        ...

    def folder(self, *parts: str) -> Path:
        """A folder of this page's own below the shelf, made where it is not there. InputError for a part with '/'."""
        ...

    def allowed(self, path: str | Path) -> Path:
        """The path with its links resolved; InputError where it does not lie in an allowed root or is not there."""
        ...

    def picture(self, path: str | Path, side: int = 320) -> str:
        """The URL, of this server, of a JPEG thumbnail of a file in an allowed root, `side` pixels at most; made when it is
        first asked for and kept. side: 64 to 1600. InputError as `allowed`."""
        ...

    def solutions(self) -> tuple[OnShelf, ...]:
        """What is on the shelf, by name."""
        ...

    def solution(self, name: str) -> Solution:
        """The Solution of that name, read once and kept while its file is unchanged. InputError where there is none."""
        ...

    def put(self, path: Path, title: str | None = None) -> OnShelf:
        """Put a Solution file on the shelf; it is copied. SolutionError where it cannot be read."""
        ...

    def answer(self, solution: str, image: bytes | Path, *, name: str = "image") -> Awaitable[Answered]:
        """The answer for an encoded image or a file in an allowed root, turned upright by EXIF.

        Decoded in a child process within bounds of bytes, pixels, memory and time; concurrent requests of one Solution run
        as a batch. name: what Answer.path says of bytes. ImageError where the image cannot be answered.
        """
        ...

    def unpack(self, name: str, zipped: Path) -> Awaitable[Path]:
        """Unpack a zip of images into a new folder below the shelf, which becomes an allowed root; returns the folder.

        DataError for a member outside of it, a link, too many files or too many bytes.
        """
        ...

    def start(
        self, data: Path, options: Sequence[str] = (), *, name: str | None = None
    ) -> Awaitable[RunState]:
        """Start `objectif solve DATA OPTIONS` as a child; its Solution comes onto the shelf when it is done.

        data: in an allowed root, a folder of images or a problem.toml. options: as on the command line, without --out.
        """
        ...

    def runs(self) -> tuple[RunState, ...]:
        """All races known, the newest first."""
        ...

    def run(self, name: str) -> RunState:
        """The race of that name; InputError where there is none."""
        ...

    def stop(self, name: str) -> Awaitable[RunState]:
        """Ask a race to deliver the best so far; returns at once."""
        ...


class Page(Protocol):
    """An application's pages (door `objectif.pages`). The object is a frozen value or a module.

    title: the word in the navigation. path: where it leads, such as "/lens"; also this page's name at the door with a '/'.
    """

    title: str
    path: str

    def build(self, shell: Shell) -> None:
        """Add routes to `shell.api` and pages by `shell.page`; called once, before the server listens. Reads no image."""
        ...
