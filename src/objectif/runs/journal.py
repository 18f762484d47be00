"""The journal of a race: one JSON object a line, one write each; the truth that a resume starts from.

JSON lines rather than a database: people read them with `tail -f`, programs without a library, and an append
is atomic enough that the only damage a killed process can do is a torn last line. That line is dropped and
said; damage anywhere else means that something other than a crash has happened, and is an error. Events are
not flushed to the disk one by one: a trial's scores are (folder.py), before its event is written, so after a
power cut a trial is repeated at worst, never believed without its scores.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from objectif.errors import RunError
from objectif.runs.storage import append_once, plain


@dataclass(frozen=True)
class Reading:
    """What a journal says.

    events: oldest first. torn: the dropped last line, or None. size: bytes that are whole.
    """

    events: tuple[dict[str, Any], ...]
    torn: str | None
    size: int

    @property
    def elapsed(self) -> float:
        """Seconds of racing written down, over all the sittings."""
        return max(
            (float(e["elapsed_s"]) for e in self.events if e.get("elapsed_s") is not None), default=0.0
        )

    @property
    def note(self) -> str | None:
        """The sentence to show where a line was dropped."""
        if self.torn is None:
            return None
        return (
            f"The journal's last line was torn by an interruption ({len(self.torn)} characters) and is "
            "dropped."
        )


def read(path: Path) -> Reading:
    """Read a journal; one that is not there is empty. RunError names a damaged line before the last."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Reading((), None, 0)
    except OSError as error:
        raise RunError(f"cannot read {path}: {error.strerror or error}") from error
    lines = content.split(b"\n")
    tail = lines.pop()  # what stands after the last newline: nothing, or a torn line
    events: list[dict[str, Any]] = []
    size = 0
    for number, line in enumerate(lines, 1):
        event = _parse(line)
        if event is None:
            if number == len(lines) and not tail:
                return Reading(tuple(events), line.decode("utf-8", "replace"), size)
            raise RunError(
                f"{path}, line {number} is damaged: {line[:60].decode('utf-8', 'replace')!r}. Expected one "
                "JSON object with the key 'event'. Remedy: restore the file or choose a new folder with "
                "--out."
            )
        events.append(event)
        size += len(line) + 1
    return Reading(tuple(events), tail.decode("utf-8", "replace") if tail else None, size)


def _parse(line: bytes) -> dict[str, Any] | None:
    """The event on a line, or None where it is not one."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None


class Journal:
    """An open journal: append events, know the time raced. Safe to use from several threads.

    The clock counts the time of racing, not of the wall: it continues from the last event written, so a
    budget of 20 minutes is 20 minutes however often the race is interrupted.
    """

    def __init__(self, path: Path, past: Reading) -> None:
        self.path = path
        self.past = past
        self._start = time.monotonic() - past.elapsed
        self._lock = threading.Lock()

    @classmethod
    def resume(cls, path: Path) -> Journal:
        """Open for appending; a torn last line is cut off first, or the next event would be glued to it."""
        past = read(path)
        if past.torn is not None:
            try:
                os.truncate(path, past.size)
            except OSError as error:
                raise RunError(f"cannot repair the last line of {path}: {error.strerror or error}") from error
        return cls(path, past)

    @property
    def events(self) -> tuple[dict[str, Any], ...]:
        """The events of earlier sittings, oldest first."""
        return self.past.events

    def elapsed(self) -> float:
        """Seconds of racing until now, earlier sittings included."""
        return time.monotonic() - self._start

    def append(
        self, event: str, *, trial: str | None = None, status: str | None = None, **more: Any
    ) -> dict[str, Any]:
        """Write one event with its `elapsed_s` by a single write; returns it. RunError on a full disk.

        more: JSON-ready values. A write that was cut short is taken back, so that the journal stays whole.
        """
        record = {
            "event": event,
            "trial": trial,
            "status": status,
            "elapsed_s": round(self.elapsed(), 3),
            **plain(more),
        }
        line = json.dumps(record, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace") + b"\n"
        with self._lock:
            append_once(self.path, line)
        return record


def last_by_trial(events: tuple[dict[str, Any], ...]) -> Mapping[str, dict[str, Any]]:
    """The newest event of each trial that has a status: what a resume needs to know."""
    return {str(e["trial"]): e for e in events if e.get("trial") is not None and e.get("status") is not None}
