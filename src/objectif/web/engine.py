"""A Solution at work for many who ask at once: their pictures go through one Predictor, in batches of what waits.

The Predictor already takes what is there, up to the batch that suits the network, on a thread for each core, and never
waits to fill one (run/ordered.py). So a queue of requests is an endless list of inputs, and this file only brings
questions in and answers back. Answers leave in order; a picture in tiles holds up those behind it, a second or two.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.answers import Answer
from objectif.errors import ImageError, InputError
from objectif.images.prepare import Placement
from objectif.run.inputs import Failure
from objectif.run.predictor import Picture, Predictor
from objectif.solution.file import Solution
from objectif.web import frames
from objectif.web.decoders import Decoders
from objectif.web.problems import Busy

WAITING = 256
"""Pictures that wait for one Solution; more are refused, because their answers would come too late to be wanted."""


class Engine:
    """One Solution's Predictor and the thread that feeds it.

    SolutionError where it breaks its contract; InputError where it must know more of a picture than its pixels.
    """

    def __init__(self, solution: Solution, decoders: Decoders) -> None:
        self.solution, self.decoders = solution, decoders
        self.predictor = Predictor(solution)
        list(self.predictor.predict([]))  # raises where the Solution must know more than pixels
        self._lock = threading.Lock()
        self._asked: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._open: deque[Future[Answer]] = deque()
        self._ended = False
        threading.Thread(target=self._serve, name="objectif-engine", daemon=True).start()

    async def picture(self, image: bytes, path: str | None, name: str) -> tuple[Any, tuple[int, int]]:
        """An image decoded and prepared by a child, as the Predictor takes it, and its (height, width)."""
        known = self.solution
        head = {
            "do": "prepare",
            "name": name,
            "path": path,
            "preparation": known.preparation.to_dict(),
            "reference": known.reference,
            "tiled": self.predictor.task.tiled,
        }
        told, raw = await self.decoders.ask(head, image)
        size = int(told["size"][0]), int(told["size"][1])
        pixels = frames.array_of(told, raw)
        return (pixels if told.get("whole") else Picture(name, pixels, Placement(**told["placement"]))), size

    async def answer(self, item: Any, name: str) -> Answer:
        """The answer for a picture of `picture`. ImageError where there is none, Busy where too many wait."""
        future: Future[Answer] = Future()
        with self._lock:
            if self._ended:
                raise Busy("this Solution made room for others just now; try again.")
            if len(self._open) >= WAITING:
                raise Busy(f"{WAITING} pictures wait for this Solution already; try again in a second.")
            self._open.append(future)
            self._asked.put(item)
        return replace(await asyncio.shield(asyncio.wrap_future(future)), path=name)

    async def outputs(self, item: Any) -> dict[str, NDArray[np.float32]]:
        """All that the network says of one prepared picture, by name, without the batch axis; {} for one in tiles."""
        if not isinstance(item, Picture):
            return {}
        found = await asyncio.to_thread(self.predictor.outputs, item.pixels[None])
        return {name: values[0] for name, values in found.items()}

    def close(self) -> None:
        """No more questions."""
        with self._lock:
            self._ended = True
            self._asked.put(None)

    def _serve(self) -> None:
        """Answers to those who asked, in order; after a fault, which fails all who wait, it begins anew."""
        while not self._ended:
            try:
                for found in self.predictor.predict(iter(self._asked.get, None)):
                    with self._lock:
                        future = self._open.popleft()
                    if isinstance(found, Failure):
                        future.set_exception(ImageError(f"{found.path}: {found.reason}"))
                    else:
                        future.set_result(found)
            except Exception as error:
                self._fail(error)

    def _fail(self, error: Exception) -> None:
        """All who wait are told; a new queue, because the reader of the old one may still take from it."""
        told = error if isinstance(error, InputError) else ImageError(f"the Solution failed: {error}")
        with self._lock:
            self._asked.put(None)
            self._asked, waiting = queue.SimpleQueue(), list(self._open)
            self._open.clear()
        for future in waiting:
            future.set_exception(told)
