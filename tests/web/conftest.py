"""A server in this process: the REST API without pages, on a shelf with two small Solutions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the web application is not installed: pip install 'objectif[web]'")
pytest.importorskip(
    "python_multipart", reason="the web application is not installed: pip install 'objectif[web]'"
)
httpx = pytest.importorskip(
    "httpx", reason="tests of the web application need httpx: pip install 'objectif[dev]'"
)

from PIL import Image

from objectif.solution.file import Solution
from objectif.web.settings import Settings

ODD = "<img onerror=alert(1) src=x>"


@pytest.fixture
def room(tmp_path: Path, colours: Callable[..., Solution]) -> Settings:
    """Settings of a server: `photos` is its root, with a red and an oddly named picture; two Solutions on the shelf."""
    root, shelf = tmp_path / "photos", tmp_path / "shelf"
    (shelf / "solutions").mkdir(parents=True)
    root.mkdir()
    for name, colour in (("red.png", (250, 10, 10)), (f"{ODD}.jpg", (10, 10, 250))):
        Image.new("RGB", (40, 30), colour).save(root / name)
    colours().save(shelf / "solutions" / "colours.objectif")
    colours(classes=("r", "g", "b")).save(shelf / "solutions" / "letters.objectif")
    return Settings((root.resolve(), shelf.resolve()), shelf.resolve())


class Client:
    """httpx on an application in this process, with its start and end, from plain functions."""

    def __init__(self, app: Any, **options: Any) -> None:
        self.app = app
        self.options = {"base_url": "http://localhost", **options}
        self.runner = asyncio.Runner()

    def __enter__(self) -> Client:
        self.runner.run(self._life("startup"))
        return self

    def __exit__(self, *_: object) -> None:
        self.runner.run(self._life("shutdown"))
        self.runner.close()

    async def _life(self, what: str) -> None:
        """One half of ASGI's lifespan; the other half waits in a task."""
        if what == "startup":
            self._told: asyncio.Queue[dict[str, str]] = asyncio.Queue()
            self._said: asyncio.Queue[dict[str, str]] = asyncio.Queue()
            self._task = asyncio.ensure_future(self.app({"type": "lifespan"}, self._told.get, self._said.put))
        await self._told.put({"type": f"lifespan.{what}"})
        assert (await self._said.get())["type"] == f"lifespan.{what}.complete"
        if what == "shutdown":
            await self._task

    async def ask(self, method: str, path: str, **more: Any) -> Any:
        """One request, to be awaited."""
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), **self.options) as client:
            return await client.request(method, path, **more)

    def __call__(self, method: str, path: str, **more: Any) -> Any:
        """One request."""
        return self.runner.run(self.ask(method, path, **more))


@contextmanager
def serving(settings: Settings, **options: Any) -> Iterator[Client]:
    """A server in this process."""
    from objectif.web.server import make

    with Client(make(settings, pages=False), **options) as client:
        yield client


@contextmanager
def listening(settings: Settings, *, pages: bool = False) -> Iterator[str]:
    """The address of a server in a thread of this process, for clients that need a socket."""
    import socket
    import threading
    import time

    import uvicorn

    from objectif.web.server import make

    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        server = uvicorn.Server(
            uvicorn.Config(make(settings, pages=pages), log_level="error", timeout_graceful_shutdown=1)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [held]})
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def client(room: Settings) -> Iterator[Client]:
    """A client of a server in `room`."""
    with serving(room) as found:
        yield found
