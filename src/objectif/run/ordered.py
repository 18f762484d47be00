"""Ordered parallel map over an iterable that may be endless, slow or both: threads, bounded memory.

Why not ThreadPoolExecutor.map: it reads the whole iterable before the first result, and the interpreter joins its
threads when it exits, so that Ctrl-C would wait for a list on stdin that never ends. Here one thread reads ahead by a
bounded number of items, workers take what there is, and results are handed over in the order of the items, each as
soon as those before it are done, even while the next item is still to come.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ordered(
    work: Callable[[list[tuple[int, Item]]], list[Result]],
    items: Iterable[Item],
    *,
    workers: int,
    batch: int = 1,
    window: int = 64,
    stop: Callable[[], None] = lambda: None,
) -> Generator[Result]:
    """Results of `work` for all items, in their order.

    work: takes 1 to `batch` pairs (number from 0, item), gives one result for each, or for the first few of them, so
    that those do not wait for one that takes long; the others are then given again. Runs on `workers` threads.
    window: items read, at most, ahead of the results consumed. The iterable is read on one thread of its own.
    An exception of `work` or of the iterable is raised in its place, after the results before it. Closing the iterator
    (also Ctrl-C) lets running work end and does not wait for an iterable that blocks. stop is called when no more
    results are wanted, so that long work can end early.
    """
    return _Ordered(work, batch, max(window, batch * workers), stop).results(iter(items), max(1, workers))


class _Ordered(Generic[Item, Result]):
    """What reader, workers and consumer share, all of it under one lock; each of the three waits for its own sign."""

    def __init__(
        self,
        work: Callable[[list[tuple[int, Item]]], list[Result]],
        batch: int,
        window: int,
        stop: Callable[[], None],
    ) -> None:
        self.work, self.batch, self.window, self.stop = work, batch, window, stop
        lock = threading.Lock()
        self.room, self.waiting_items, self.results_ready = (threading.Condition(lock) for _ in range(3))
        self.waiting: deque[tuple[int, Item]] = deque()
        self.done: dict[int, Result | _Raised] = {}
        self.read = 0  # items (and, at the end, perhaps the iterable's exception) that were numbered
        self.consumed = 0  # results handed over
        self.busy = 0  # workers inside work()
        self.ended = False  # nothing more will be read
        self.stopped = False  # nobody wants results any more

    def results(self, items: Iterator[Item], workers: int) -> Generator[Result]:
        threads = [threading.Thread(target=self._read, args=(items,), daemon=True)]
        threads += [threading.Thread(target=self._run, args=(workers,), daemon=True) for _ in range(workers)]
        try:
            for thread in threads:
                thread.start()
            while (result := self._next()) is not None:
                if isinstance(result[0], _Raised):
                    raise result[0].error
                yield result[0]
        finally:
            self.stop()
            # native code must not be running when the interpreter goes down; a reader that waits for input may be
            with self.results_ready:
                self.stopped = True
                self.room.notify_all()
                self.waiting_items.notify_all()
                self.results_ready.wait_for(lambda: self.busy == 0)

    def _next(self) -> tuple[Result | _Raised] | None:
        """The next result, in a tuple because it may be anything; None at the end."""
        with self.results_ready:
            self.results_ready.wait_for(
                lambda: self.consumed in self.done or (self.ended and self.consumed == self.read)
            )
            if self.consumed not in self.done:
                return None
            result = self.done.pop(self.consumed)
            self.consumed += 1
            self.room.notify()
            return (result,)

    def _read(self, items: Iterator[Item]) -> None:
        while True:
            try:
                item = next(items)
            except StopIteration:
                return self._end(None)
            except BaseException as error:  # the consumer raises it in its place
                return self._end(error)
            with self.room:
                self.room.wait_for(lambda: self.stopped or self.read - self.consumed < self.window)
                if self.stopped:
                    return None
                self.waiting.append((self.read, item))
                self.read += 1
                self.waiting_items.notify()

    def _end(self, error: BaseException | None) -> None:
        with self.results_ready:
            if error is not None:
                self.done[self.read] = _Raised(error)
                self.read += 1
            self.ended = True
            self.waiting_items.notify_all()
            self.results_ready.notify()

    def _run(self, workers: int) -> None:
        while pairs := self._take(workers):
            numbers = [number for number, _ in pairs]
            found: dict[int, Result | _Raised]
            try:
                results = self.work(pairs)
                found = dict(zip(numbers[: max(1, len(results))], results, strict=True))
            except BaseException as error:  # the consumer raises it in its place
                found = dict.fromkeys(numbers, _Raised(error))
            with self.results_ready:
                self.done.update(found)
                self.waiting.extendleft(reversed(pairs[len(found) :]))
                self.waiting_items.notify(len(pairs) - len(found))
                self.busy -= 1
                self.results_ready.notify()

    def _take(self, workers: int) -> list[tuple[int, Item]]:
        """A fair share of what waits, so that the last few items keep every worker busy; empty when all is done."""
        with self.waiting_items:
            self.waiting_items.wait_for(lambda: self.waiting or self.ended or self.stopped)
            if self.stopped or not self.waiting:
                return []
            share = min(self.batch, -(-len(self.waiting) // workers))
            self.busy += 1
            return [self.waiting.popleft() for _ in range(share)]


class _Raised:
    """An exception on its way to the consumer."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
