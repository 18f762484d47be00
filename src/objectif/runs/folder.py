"""A run folder: everything one race writes, each file whole or absent, one writer at a time.

Files are replaced whole (storage.py); the only one that grows is the journal (journal.py). A lock (flock)
keeps a second `solve` out; the system drops it when its holder dies, however it dies, so there are no stale
locks to delete by hand, which is why a plain "pid file" was not chosen.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import re
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.errors import RunError
from objectif.runs.journal import Journal
from objectif.runs.leaderboard import csv_text
from objectif.runs.result import Result
from objectif.runs.storage import explain, plain, remove_quietly, write_whole

PROBLEM = "problem.toml"
SPLITS = "splits.json"
JOURNAL = "journal.jsonl"
TRIALS = "trials"
HEALTH = "health.json"
ANSWERS = "answers.npz"
WHY = "why.json"
RESULT = "result.json"
LEADERBOARD = "leaderboard.csv"
REPORT = "report.html"
LOCK = ".lock"


def slug(trial: str) -> str:
    """A file name for a trial's id: readable, at most 100 bytes, and different for different ids."""
    plain = re.sub(r"[^A-Za-z0-9._+-]+", "-", trial).strip("-.")
    if plain and plain == trial and len(plain) <= 100:
        return plain
    return (
        f"{plain[:87] or 'trial'}-{hashlib.sha256(trial.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"
    )


def _foreign(place: Path) -> str | None:
    """A name in a folder that no race has written to; None where the folder is absent, empty or a run's."""
    if not place.is_dir() or any((place / name).is_file() for name in (JOURNAL, RESULT)):
        return None
    ours = {TRIALS, LOCK, ".writable", "problem.json"}
    return next((p.name for p in sorted(place.iterdir()) if p.name not in ours and p.suffix != ".tmp"), None)


@dataclass(frozen=True)
class RunFolder:
    """A folder on disk. `RunFolder.create` to write one, `RunFolder.open` to read one that is there."""

    path: Path

    @classmethod
    def create(cls, path: str | Path) -> RunFolder:
        """Make the folder (and its parents) or take the one there; RunError where it cannot be written.

        A folder of something else is refused: a race replaces and removes files of its own names.
        """
        place = Path(path)
        if place.exists() and not place.is_dir():
            raise RunError(
                f"{place} is a file; a run needs a folder. Remedy: choose another name with --out."
            )
        try:
            foreign = _foreign(place)
        except OSError as error:
            raise explain(error, place) from error
        if foreign is not None:
            raise RunError(
                f"{place} holds something else than a run (such as {foreign!r}). Remedy: choose a new or empty folder "
                "with --out."
            )
        try:
            (place / TRIALS).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise explain(error, place) from error
        folder = cls(place)
        folder.write_text(".writable", "")
        folder.file(".writable").unlink(missing_ok=True)
        return folder

    @classmethod
    def open(cls, path: str | Path) -> RunFolder:
        """An existing run folder; RunError where there is none."""
        place = Path(path)
        if not place.exists():
            raise RunError(
                f"{place} does not exist. Expected a run folder, as written by `objectif solve DATA --out "
                f"{place}`."
            )
        if not place.is_dir():
            raise RunError(f"{place} is a file. Expected the run folder it lies in: {place.resolve().parent}")
        if not any((place / name).is_file() for name in (RESULT, JOURNAL, PROBLEM)):
            raise RunError(
                f"{place} is not a run folder: it holds none of {RESULT}, {JOURNAL}, {PROBLEM}. Expected a "
                "folder written by `objectif solve`."
            )
        return cls(place)

    def file(self, name: str) -> Path:
        """The place of a file in the folder; it need not exist."""
        return self.path / name

    def has(self, name: str) -> bool:
        """Whether that file is there (a file that is there is whole)."""
        return self.file(name).is_file()

    # writing

    def write_bytes(self, name: str, content: bytes) -> Path:
        """Write a file whole or not at all.

        RunError on a full or read-only disk leaves the old one untouched.
        """
        target = self.file(name)
        write_whole(target, content)
        return target

    def write_text(self, name: str, text: str) -> Path:
        """`write_bytes` of UTF-8; a lone surrogate (an undecodable file name) is written as '?'."""
        return self.write_bytes(name, text.encode("utf-8", "replace"))

    def write_json(self, name: str, value: Any) -> Path:
        """Write JSON that any parser reads.

        No NaN, no infinity (they become null), numpy numbers as numbers.
        """
        return self.write_text(
            name, json.dumps(plain(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        )

    def write_arrays(self, name: str, arrays: Mapping[str, NDArray[Any]]) -> Path:
        """Write an .npz; arrays of Python objects are refused, because reading them would run code."""
        for key, array in arrays.items():
            if np.asarray(array).dtype.hasobject:
                raise TypeError(f"{name}: array {key!r} holds Python objects; expected numbers or strings")
        stream = io.BytesIO()
        np.savez(stream, **arrays)  # type: ignore[arg-type]
        return self.write_bytes(name, stream.getvalue())

    def write_trial(self, trial: str, arrays: Mapping[str, NDArray[Any]]) -> Path:
        """trials/<slug>.npz.

        By contract `scores` is (n_scored, C) float32 in the order of SplitPlan.scored().
        """
        return self.write_arrays(f"{TRIALS}/{slug(trial)}.npz", arrays)

    def write_result(self, result: Result) -> None:
        """result.json and leaderboard.csv."""
        self.write_text(LEADERBOARD, csv_text(result))
        self.write_json(RESULT, result.to_dict())

    # reading

    def read_bytes(self, name: str) -> bytes:
        """The bytes of a file; RunError names the file and what writes it."""
        try:
            return self.file(name).read_bytes()
        except FileNotFoundError as error:
            raise RunError(
                f"{self.file(name)} is not there: the run is unfinished or not a run. Remedy: run its "
                "`objectif solve` again; it goes on from the journal."
            ) from error
        except OSError as error:
            raise RunError(f"cannot read {self.file(name)}: {error.strerror or error}") from error

    def read_json(self, name: str) -> Any:
        """A JSON file of the folder; RunError where it is not JSON."""
        try:
            return json.loads(self.read_bytes(name))
        except ValueError as error:
            raise RunError(
                f"{self.file(name)} is not JSON ({error}). Remedy: delete it and run `objectif solve` again."
            ) from error

    def read_arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """The arrays of an .npz; RunError where it is damaged. Pickled objects are never loaded."""
        content = self.read_bytes(name)
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                return {key: archive[key] for key in archive.files}
        except (ValueError, OSError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise RunError(
                f"{self.file(name)} is damaged ({error}). Remedy: delete it and run `objectif solve` again."
            ) from error

    def read_trial(self, trial: str) -> dict[str, NDArray[Any]] | None:
        """The arrays of a finished trial.

        None where there are none or they are damaged (then it runs again).
        """
        name = f"{TRIALS}/{slug(trial)}.npz"
        if not self.has(name):
            return None
        try:
            return self.read_arrays(name)
        except RunError:
            return None

    def result(self) -> Result:
        """The finished run's result; RunError where the race has not ended."""
        return Result.from_dict(self.read_json(RESULT), name=str(self.file(RESULT)))

    def solution(self) -> Path:
        """The one *.objectif of a finished run; RunError where there is none or more than one."""
        found = sorted(self.path.glob("*.objectif"))
        if len(found) != 1:
            names = ", ".join(f.name for f in found) or "none"
            raise RunError(
                f"{self.path} holds {len(found)} Solutions ({names}); a finished run holds exactly one."
            )
        return found[0]

    # one writer at a time

    def journal(self) -> Journal:
        """The journal, opened to go on.

        A torn last line is cut off and the clock continues where it stood.
        """
        return Journal.resume(self.file(JOURNAL))

    @contextmanager
    def locked(self, patience: float = 3.0) -> Iterator[None]:
        """Hold the folder for writing; RunError where another process does for `patience` seconds and more.

        A short wait, because the children of a killed solve may hold the lock until they notice and die too.
        Half-written files of a killed run are swept away once the lock is held.
        """
        try:
            handle = os.open(self.file(LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise explain(error, self.file(LOCK)) from error
        try:
            self._take(handle, patience)
            for left in [*self.path.glob(".*.tmp"), *(self.path / TRIALS).glob(".*.tmp")]:
                remove_quietly(left)
            yield
        finally:
            os.close(handle)

    def _take(self, handle: int, patience: float) -> None:
        """flock within `patience` seconds, then write who holds it."""
        until = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() < until:
                    time.sleep(0.1)
                    continue
                holder = os.pread(handle, 32, 0).decode("ascii", "replace").strip() or "unknown"
                raise RunError(
                    f"{self.path} is being written by another solve (process {holder}). Remedy: wait for "
                    "it, stop it, or choose another folder with --out."
                ) from None
            except OSError as error:
                raise explain(error, self.file(LOCK)) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
