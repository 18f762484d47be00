"""Races that the server starts, follows and stops: each is a child `objectif solve`, its state is on the disk.

The child is a process of its own session that outlives the server: it writes its run folder, its words go to a log
beside, and a small file says which process it is. After a restart the server reads these files and knows as much as
before. A process number alone proves nothing, because numbers are given out again; the time at which the process
started is compared too. Stopping is SIGINT, on which a race delivers the best so far.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from objectif.errors import InputError
from objectif.runs.folder import JOURNAL, LOCK, PROBLEM, RESULT
from objectif.runs.journal import read as read_journal
from objectif.runs.storage import write_whole
from objectif.shell import RunState, State
from objectif.web.paths import safe_name
from objectif.web.problems import Conflict, Missing

PROGRAM = (sys.executable, "-P", "-m", "objectif")
_NICE = 5  # of races: whoever waits for a page or an answer goes first
_LOG_SHOWN = 4096


class Races:
    """Run folders that the server can see: its own in `runs/` of its folder, and those in `runs/` of each root.

    program: what is run with `solve ...` as its arguments.
    """

    def __init__(self, folder: Path, roots: Sequence[Path], program: Sequence[str] = PROGRAM) -> None:
        self.program = tuple(program)
        self.own, self.notes = folder / "runs", folder / "races"
        self.others = tuple(dict.fromkeys(root / "runs" for root in roots if root / "runs" != self.own))
        self.own.mkdir(parents=True, exist_ok=True)
        self.notes.mkdir(parents=True, exist_ok=True)
        self._starting = threading.Lock()
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._read: dict[Path, tuple[tuple[int, int] | None, float]] = {}

    def folders(self) -> dict[str, Path]:
        """Name -> run folder; of two with one name the server's own counts, then that of the first root."""
        found: dict[str, Path] = {
            note.stem: self.own / note.stem
            for note in sorted(self.notes.glob("*.json"), key=lambda p: p.stem)
        }
        for place in (self.own, *self.others):
            with suppress(OSError):
                for folder in sorted(place.iterdir()):
                    name = safe_name(folder.name)
                    if name not in found and folder.is_dir() and _is_run(folder):
                        found[name] = folder
        return found

    def all(self) -> tuple[RunState, ...]:
        """All races, the newest first."""
        found = self.folders()
        states = [(self._when(name, folder), self._state(name, folder)) for name, folder in found.items()]
        return tuple(state for _, state in sorted(states, key=lambda pair: -pair[0]))

    def one(self, name: str) -> RunState:
        """The race of that name; Missing where there is none."""
        return self._state(name, self.folder(name))

    def folder(self, name: str) -> Path:
        """The run folder of that name; Missing where there is none."""
        found = self.folders()
        if name not in found:
            raise Missing(
                f"no run is called {name!r}; there are {', '.join(list(found)[:20]) or 'none yet'}."
            )
        return found[name]

    def note(self, name: str) -> dict[str, Any]:
        """What was written down when the server started this race; {} of a race that it did not start."""
        try:
            found = json.loads((self.notes / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def log(self, name: str) -> str:
        """The last words of the child, for people."""
        try:
            with open(self.notes / f"{name}.log", "rb") as stream:
                stream.seek(max(0, os.fstat(stream.fileno()).st_size - _LOG_SHOWN))
                return stream.read().decode("utf-8", "replace")
        except OSError:
            return ""

    def start(self, data: Path, options: Sequence[str] = (), *, name: str | None = None) -> RunState:
        """Start `objectif solve DATA OPTIONS --out RUN`. Conflict where a race is called so already."""
        with self._starting:
            chosen = self._free(safe_name(name or _called(data)), given=name is not None)
            self._begin(chosen, data, options)
        return self.one(chosen)

    def _begin(self, chosen: str, data: Path, options: Sequence[str]) -> None:
        """The child, its log and its note."""
        out = self.own / chosen
        words = ["solve", str(data), *options, "--out", str(out)]
        surroundings = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}
        with open(self.notes / f"{chosen}.log", "wb") as log:
            child = subprocess.Popen(
                [*self.program, *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=surroundings,
                start_new_session=True,
                cwd=self.own.parent,
            )
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, child.pid, _NICE)
        self._children[chosen] = child
        self._write(chosen, {"pid": child.pid, "born": _born(child.pid), "started": time.time(),
                             "command": ["objectif", *words], "data": str(data), "stopping": False})  # fmt: skip

    def stop(self, name: str) -> RunState:
        """Ask a race to deliver the best so far. Conflict where it is not running or not the server's to stop."""
        state, note = self.one(name), self.note(name)
        if state.state != "running" or not note:
            raise Conflict(
                f"the run {name!r} is {state.state}; only one that this server started can be stopped."
            )
        if not _alive(note):
            raise Conflict(f"the process of the run {name!r} has gone.")
        if not note["stopping"]:
            self._write(name, {**note, "stopping": True})
            os.kill(note["pid"], signal.SIGINT)
        return self.one(name)

    def _free(self, wanted: str, *, given: bool) -> str:
        """A name that no race has; one that the user chose is taken as it is, or refused."""
        taken = self.folders()
        if wanted not in taken:
            return wanted
        if given:
            raise Conflict(f"a run is called {wanted!r} already; choose another name.")
        return next(name for k in range(2, 10**6) if (name := f"{wanted}-{k}") not in taken)

    def _state(self, name: str, folder: Path) -> RunState:
        note = self.note(name) if folder.parent == self.own else {}
        self._reap(name)
        elapsed, budget = self._spent(folder), _stated_budget(folder)
        solution = name if (folder / RESULT).is_file() and any(folder.glob("*.objectif")) else None
        state, error = self._fate(name, folder, note, solution)
        return RunState(name, folder, state, elapsed, budget, solution, error)

    def _fate(
        self, name: str, folder: Path, note: Mapping[str, Any], solution: str | None
    ) -> tuple[State, str | None]:
        if _alive(note) if note else _held(folder):
            return "running", None
        if solution is not None:
            return "done", None
        words = [line for line in self.log(name).splitlines() if line.strip()] if note else []
        if note and note["stopping"]:
            return "stopped", words[-1] if words else None
        return ("failed", words[-1] if words else "it ended without a word") if note else ("stopped", None)

    def _spent(self, folder: Path) -> float:
        """Seconds raced; a journal is read again where it has changed."""
        journal = folder / JOURNAL
        try:
            status = journal.stat()
        except OSError:
            return 0.0
        stamp = (status.st_mtime_ns, status.st_size)
        if self._read.get(folder, (None, 0.0))[0] != stamp:
            self._read[folder] = stamp, _elapsed(journal)
        return self._read[folder][1]

    def _reap(self, name: str) -> None:
        child = self._children.get(name)
        if child is not None and child.poll() is not None:
            del self._children[name]

    def _write(self, name: str, note: Mapping[str, Any]) -> None:
        write_whole(self.notes / f"{name}.json", json.dumps(note, ensure_ascii=False, indent=1).encode())

    def _when(self, name: str, folder: Path) -> float:
        for path in (self.notes / f"{name}.json", folder / JOURNAL, folder):
            with suppress(OSError):
                return path.stat().st_mtime
        return 0.0


def _called(data: Path) -> str:
    """The name of data, or of those that a problem.toml states."""
    if data.suffix != ".toml":
        return data.stem
    try:
        return Path(str(tomllib.loads(data.read_text(encoding="utf-8"))["data"])).stem
    except (OSError, ValueError, KeyError):
        return data.stem


def _is_run(folder: Path) -> bool:
    return any((folder / name).is_file() for name in (RESULT, JOURNAL, PROBLEM))


def _born(pid: int) -> str | None:
    """When a process started, in ticks since the machine did; None where there is no such process, or only its remains."""
    try:
        fields = (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        )
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


def _alive(note: Mapping[str, Any]) -> bool:
    """Whether the process that was noted still runs, and is not another with its number."""
    return note.get("born") is not None and _born(int(note["pid"])) == note["born"]


def _held(folder: Path) -> bool:
    """Whether some `objectif solve` writes this folder now."""
    try:
        handle = os.open(folder / LOCK, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(handle)
    return False


def _elapsed(journal: Path) -> float:
    """Seconds raced, as the journal says."""
    try:
        return read_journal(journal).elapsed
    except InputError:
        return 0.0


def _stated_budget(folder: Path) -> float | None:
    """Seconds that a race may take, where it has written down its statement."""
    try:
        budget = json.loads((folder / "problem.json").read_text(encoding="utf-8"))["budget"]
    except (OSError, ValueError, KeyError, TypeError):
        budget = _budget(folder)
    return float(budget) if isinstance(budget, int | float) else None


def _budget(folder: Path) -> Any:
    try:
        return tomllib.loads((folder / PROBLEM).read_text(encoding="utf-8")).get("search", {}).get("budget")
    except (OSError, ValueError):
        return None
