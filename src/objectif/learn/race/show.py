"""Progress for people: what runs, what leads, how much time is left. On stderr, so that stdout stays for answers."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from objectif.learn.race.board import Board


class Show:
    """A few live lines on a terminal; a plain line now and then where stderr is a file."""

    def __init__(self, console: Console | None = None, quiet: bool = False) -> None:
        self.console = console or Console(stderr=True)
        self.quiet = quiet
        self._stage = ""
        self._said = 0.0
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if self.console.is_terminal and not self.quiet:
            self._live = Live(console=self.console, refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def say(self, sentence: str) -> None:
        """A sentence that stays."""
        if not self.quiet:
            self.console.print(sentence, highlight=False, markup=False)

    def stage(self, name: str) -> None:
        """A new stage begins."""
        self._stage = name
        if not self._live:
            self.say(f"· {name}")

    def tick(self, board: Board, running: list[str], left: float) -> None:
        """Show the state of the race."""
        now = time.monotonic()
        if self.quiet or (self._live is None and now - self._said < 15):
            return
        self._said = now
        done = sum(map(len, board.scores.values()))
        leader = next(iter(board.ranked()), None)
        leads = (
            "nobody yet"
            if leader is None
            else f"{leader.id}  {board.metric.name} {abs(board.estimate(leader)):.3f}"
        )
        if self._live is None:
            self.say(f"  {done} trials done, {max(0, left):.0f} s left, leading: {leads}")
            return
        table = Table.grid(padding=(0, 2))
        table.add_row("stage", self._stage)
        table.add_row("leading", leads)
        table.add_row("running", "\n".join(running[:3]) or "-")
        table.add_row("trials", f"{done} done, {len(board.failed)} failed, {len(board.dropped)} dropped")
        table.add_row("time left", f"{max(0, left):.0f} s")
        self._live.update(table)
