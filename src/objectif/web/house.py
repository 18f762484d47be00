"""Everything that a running server has, in one place: what routes and pages are handed, and the Shell of applications."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter

from objectif.data.load import load
from objectif.errors import ImageError, InputError
from objectif.problem import read as read_problem
from objectif.run.network import cores
from objectif.shell import Answered, RunState
from objectif.web.decoders import Decoders
from objectif.web.engine import Engine
from objectif.web.material import Materials, stated_within, within
from objectif.web.paths import inside, safe_name
from objectif.web.races import Races
from objectif.web.settings import Settings
from objectif.web.shelf import Shelf, Stamp, stamp_of
from objectif.web.thumbs import LARGEST, SMALLEST, Thumbs
from objectif.web.unpack import unpack

_ENGINES = 4  # Solutions ready to answer at once


class House:
    """The server's parts, made once. Everything async is called from the server's event loop."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.races = Races(settings.shelf, settings.roots)
        self.shelf = Shelf(settings.shelf, self.races, settings.roots)
        self.decoders = Decoders(cores() + 1, settings.pixels)
        self.thumbs = Thumbs(settings.shelf / "thumbs", self.decoders)
        self.materials = Materials(settings.shelf, settings.roots)
        self._engines: OrderedDict[Stamp, asyncio.Task[Engine]] = OrderedDict()

    def allowed(self, path: str | Path) -> Path:
        """The resolved path of what is in an allowed root. InputError."""
        return inside(path, self.settings.roots)

    async def engine(self, name: str) -> Engine:
        """The Solution of that name, ready to answer; the last few stay so."""
        entry = await asyncio.to_thread(self.shelf.one, name)
        stamp = stamp_of(entry.path)
        if stamp not in self._engines:
            self._engines[stamp] = asyncio.create_task(asyncio.to_thread(self._opened, entry.path))
        self._engines.move_to_end(stamp)
        try:
            engine = await asyncio.shield(self._engines[stamp])
        except Exception:
            self._engines.pop(stamp, None)
            raise
        while len(self._engines) > _ENGINES:
            _, old = self._engines.popitem(last=False)
            old.add_done_callback(lambda done: None if done.exception() else done.result().close())
        return engine

    def _opened(self, path: Path) -> Engine:
        return Engine(self.shelf.solution_of(path), self.decoders)

    async def answer(
        self, solution: str, image: bytes | Path, *, name: str = "image", outputs: bool = False
    ) -> Answered:
        """The answer for an encoded image or a file, which must be in an allowed root. ImageError, InputError, Busy."""
        engine = await self.engine(solution)
        if isinstance(image, Path):
            path, content = str(self.allowed(image)), b""
        else:
            path, content = None, image
            if not content:
                raise ImageError(f"{name}: the file is empty (0 bytes); expected an image.")
            if len(content) > self.settings.upload_bytes:
                raise ImageError(
                    f"{name}: {len(content):,} bytes; at most {self.settings.upload_bytes:,} are taken."
                )
        item, size = await engine.picture(content, path, name)
        answer = await engine.answer(item, name)
        return Answered(answer, await engine.outputs(item) if outputs else {}, size)

    def start(self, data: Path, options: Sequence[str] = (), *, name: str | None = None) -> RunState:
        """Start a race on data or a statement, both allowed and naming nothing outside of the roots. InputError, Conflict."""
        place = self.allowed(data)
        if place.suffix == ".toml":
            stated_within(read_problem(place), self.settings.roots)
        else:
            within(load(place), self.settings.roots)
        return self.races.start(place, options, name=name)

    async def unpack(self, name: str, zipped: Path) -> Path:
        """Unpack a zip into a folder of the shelf, which is an allowed root. DataError."""
        target = self.settings.shelf / "data" / safe_name(name)
        number = 2
        while target.exists():
            target, number = target.with_name(f"{safe_name(name)}-{number}"), number + 1
        return await asyncio.to_thread(unpack, zipped, target, 10 * self.settings.zip_bytes)

    def picture(self, path: str | Path, side: int = 320) -> str:
        """The URL of a thumbnail of a file in an allowed root."""
        if not SMALLEST <= side <= LARGEST:
            raise InputError(f"side is {side}; expected {SMALLEST} to {LARGEST} pixels.")
        return f"/api/v1/thumbnail?{urlencode({'path': str(self.allowed(path)), 'side': side})}"

    async def close(self) -> None:
        """End what lives with the server; races go on."""
        for task in self._engines.values():
            if task.done() and not task.exception():
                task.result().close()
        await self.materials.close()
        await self.decoders.close()


class PageShell:
    """The Shell (objectif/shell.py) of one application's pages."""

    def __init__(self, house: House, name: str, page: Callable[..., Any]) -> None:
        self._house, self._name, self.page = house, name, page
        self.api = APIRouter(prefix=f"/{name}", tags=[name])
        self.roots, self.shelf = house.settings.roots, house.settings.shelf
        self.allowed, self.picture, self.unpack = house.allowed, house.picture, house.unpack
        self.solutions, self.solution, self.put = house.shelf.all, house.shelf.solution, house.shelf.put
        self.runs, self.run = house.races.all, house.races.one

    def folder(self, *parts: str) -> Path:
        """A folder of this page's own below the shelf, made where it is not there."""
        for part in parts:
            if part != safe_name(part):
                raise InputError(
                    f"{part!r} is no name for a folder; expected letters, digits, '.', '_' and '-'."
                )
        place = self.shelf.joinpath("pages", self._name, *parts)
        place.mkdir(parents=True, exist_ok=True)
        return place

    async def answer(self, solution: str, image: bytes | Path, *, name: str = "image") -> Answered:
        """As House.answer, with the network's outputs."""
        return await self._house.answer(solution, image, name=name, outputs=True)

    async def start(self, data: Path, options: Sequence[str] = (), *, name: str | None = None) -> RunState:
        """Start a race as a child."""
        return await asyncio.to_thread(self._house.start, data, options, name=name)

    async def stop(self, name: str) -> RunState:
        """Ask a race to deliver the best so far."""
        return await asyncio.to_thread(self._house.races.stop, name)
