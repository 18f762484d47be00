"""The children that decode, from the server's side: a few of them, each with one picture at a time, killed when slow.

They live on, because starting one costs a third of a second. One that was killed or died is started again for the next
picture. Thumbnails wait behind pictures that somebody wants an answer for: a child is kept free of them where there are two.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from objectif.errors import ImageError
from objectif.web import frames
from objectif.web.problems import Busy

MEGABYTES, SECONDS = 1024, 20.0
_WAITING = 256


class Decoders:
    """A pool of decoding children. Use from one event loop; `close` ends them."""

    def __init__(
        self, number: int, pixels: int, *, megabytes: int = MEGABYTES, seconds: float = SECONDS
    ) -> None:
        self.pixels, self.megabytes, self.seconds = pixels, megabytes, seconds
        self._free: asyncio.LifoQueue[Process | None] = asyncio.LifoQueue()
        for _ in range(number):
            self._free.put_nowait(None)
        self._idle = asyncio.Semaphore(max(1, number - 1))
        self._all: set[Process] = set()
        self._waiting = 0

    async def warm(self) -> None:
        """Start all children now, so that the first picture need not wait for one."""
        jobs = [self.ask({"do": "nothing", "name": "nothing"}) for _ in range(self._free.qsize())]
        await asyncio.gather(*jobs, return_exceptions=True)

    async def ask(
        self, head: Mapping[str, Any], body: bytes = b"", *, patient: bool = False
    ) -> tuple[dict[str, Any], bytes]:
        """One job to a child: what it says and the bytes with it. patient: it may wait for others (thumbnails).

        ImageError where the picture cannot be decoded within the bounds; Busy where too many wait.
        """
        if self._waiting >= _WAITING:
            raise Busy(f"{_WAITING} pictures wait to be decoded already; try again in a second.")
        self._waiting += 1
        try:
            if patient:
                async with self._idle, self._child() as child:
                    return await self._exchange(child, head, body)
            async with self._child() as child:
                return await self._exchange(child, head, body)
        finally:
            self._waiting -= 1

    @asynccontextmanager
    async def _child(self) -> AsyncIterator[Process]:
        """A child of one's own for a while; one that is in doubt afterwards is killed."""
        child = await self._free.get()
        whole = False
        try:
            if child is None or child.returncode is not None:
                child = await self._started()
            yield child
            whole = True
        except ImageError:
            whole = child in self._all  # it refused a picture and lives
            raise
        finally:
            if not whole and child is not None:
                self._kill(child)
                child = None
            self._free.put_nowait(child)

    async def _started(self) -> Process:
        command = [sys.executable, "-P", "-m", "objectif.web.decoder", str(self.megabytes), str(self.pixels)]
        surroundings = {
            **os.environ,
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            "MALLOC_ARENA_MAX": "2",
        }
        child = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=surroundings, start_new_session=True
        )
        self._all.add(child)
        try:
            await self._answer(child)
        except (ValueError, asyncio.IncompleteReadError) as error:
            self._kill(child)
            raise Busy(
                "a process that decodes pictures could not be started; try again in a second."
            ) from error
        return child

    async def _exchange(
        self, child: Process, head: Mapping[str, Any], body: bytes
    ) -> tuple[dict[str, Any], bytes]:
        assert child.stdin is not None
        try:
            async with asyncio.timeout(self.seconds):
                for piece in frames.packed(head, body):
                    child.stdin.write(piece)
                await child.stdin.drain()
                told, raw = await self._answer(child)
        except TimeoutError:
            self._kill(child)
            raise ImageError(
                f"{head['name']}: decoding takes more than {self.seconds:g} seconds. Scale it down."
            ) from None
        except (OSError, ValueError, asyncio.IncompleteReadError):
            self._kill(child)
            raise ImageError(
                f"{head['name']}: the process that decodes it died; it is no sound image. Convert it or remove it."
            ) from None
        if "error" in told:
            raise ImageError(told["error"])
        return told, raw

    async def _answer(self, child: Process) -> tuple[dict[str, Any], bytes]:
        assert child.stdout is not None
        head, body = frames.lengths(await child.stdout.readexactly(frames.LENGTHS.size))
        told = json.loads(await child.stdout.readexactly(head))
        return told, await child.stdout.readexactly(body) if body else b""

    def _kill(self, child: Process) -> None:
        self._all.discard(child)
        if child.returncode is None:
            with suppress(ProcessLookupError):
                child.kill()

    async def close(self) -> None:
        """End all children."""
        for child in list(self._all):
            self._kill(child)
            await child.wait()
