"""The shelf: all Solutions that the server can answer by. Its state is files, so that a restart loses nothing.

A Solution is on the shelf because its file lies in `solutions/` of the server's folder or in a finished run that the
server can see; nothing is copied and no list can go stale. What people called one is in titles.json.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

from objectif.errors import InputError, ObjectifError, SolutionError
from objectif.runs.storage import write_whole
from objectif.shell import OnShelf
from objectif.solution.file import SUFFIX, Solution, read
from objectif.web.paths import safe_name
from objectif.web.problems import Missing
from objectif.web.races import Races

TITLE_MOST = 80
_KEPT = 6  # Solutions in memory

Stamp = tuple[str, int, int]


class Shelf:
    """Solutions by name. Safe to use from several threads."""

    def __init__(self, folder: Path, races: Races, roots: tuple[Path, ...]) -> None:
        self.folder, self.races, self.roots = folder, races, roots
        self.own = folder / "solutions"
        self.own.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._known: dict[Stamp, OnShelf | None] = {}
        self._read: OrderedDict[Stamp, Solution] = OrderedDict()

    def all(self) -> tuple[OnShelf, ...]:
        """What is on the shelf, by name; files that cannot be read are left out."""
        found = [self._described(name, path, run) for name, (path, run) in self._files().items()]
        return tuple(one for one in found if one is not None)

    def one(self, name: str) -> OnShelf:
        """The entry of that name; Missing where there is none, SolutionError where its file cannot be read."""
        files = self._files()
        if name not in files:
            raise Missing(f"no Solution is called {name!r}; there are {', '.join(files) or 'none yet'}.")
        path, run = files[name]
        found = self._described(name, path, run)
        return found if found is not None else self._entry(name, path, run, self.solution_of(path))

    def solution(self, name: str) -> Solution:
        """The Solution of that name, kept while its file is unchanged."""
        return self.solution_of(self.one(name).path)

    def solution_of(self, path: Path) -> Solution:
        """The Solution in a file; the last few are kept."""
        stamp = stamp_of(path)
        with self._lock:
            if stamp in self._read:
                self._read.move_to_end(stamp)
                return self._read[stamp]
        found = read(path)
        with self._lock:
            self._read[stamp] = found
            while len(self._read) > _KEPT:
                self._read.popitem(last=False)
        return found

    def put(self, path: Path, title: str | None = None) -> OnShelf:
        """Copy a Solution file onto the shelf under a free name; SolutionError where it cannot be read."""
        solution = read(path)
        wanted = safe_name(title or path.stem)
        with self._lock:
            taken, name, number = self._files(), wanted, 2
            while name in taken:
                name, number = f"{wanted}-{number}", number + 1
            target = self.own / f"{name}{SUFFIX}"
            write_whole(target, path.read_bytes())
        if title is not None:
            self.rename(name, title)
        return self._entry(name, target, None, solution)

    def rename(self, name: str, title: str) -> OnShelf:
        """Give a Solution the title that people see; its name stays. InputError for one that is empty or too long."""
        title = title.strip()
        if not 0 < len(title) <= TITLE_MOST or not title.isprintable():
            raise InputError(f"title is {title[:90]!r}; expected 1 to {TITLE_MOST} printable characters.")
        self.one(name)
        with self._lock:
            titles = {**self._titles(), name: title}
            write_whole(
                self.folder / "titles.json", json.dumps(titles, ensure_ascii=False, indent=1).encode()
            )
            self._known.clear()
        return self.one(name)

    def _files(self) -> dict[str, tuple[Path, str | None]]:
        """Name -> (file, run that it came from), by name."""
        found: dict[str, tuple[Path, str | None]] = {}
        for name, folder in self.races.folders().items():
            files = sorted(folder.glob(f"*{SUFFIX}"))
            if len(files) == 1:
                found[name] = (files[0], name)
        found |= {path.stem: (path, None) for path in sorted(self.own.glob(f"*{SUFFIX}"))}
        return {name: one for name, one in sorted(found.items()) if self._inside(one[0])}

    def _inside(self, path: Path) -> bool:
        """Whether a file lies where this server may read, its links followed."""
        place = path.resolve()
        return any(place.is_relative_to(root) for root in self.roots)

    def _described(self, name: str, path: Path, run: str | None) -> OnShelf | None:
        try:
            stamp = stamp_of(path)
            if stamp not in self._known:
                self._known[stamp] = self._entry(name, path, run, read(path))
        except (ObjectifError, OSError):
            return None
        found = self._known[stamp]
        return None if found is None else replace(found, name=name, run=run)

    def _entry(self, name: str, path: Path, run: str | None, solution: Solution) -> OnShelf:
        title = self._titles().get(name, name)
        return OnShelf(name, title, path, run, solution.task, solution.classes)

    def _titles(self) -> dict[str, str]:
        try:
            found = json.loads((self.folder / "titles.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}


def stamp_of(path: Path) -> Stamp:
    """What changes when a file does. SolutionError where it has gone."""
    try:
        status = path.stat()
    except OSError as error:
        raise SolutionError(f"{path.name} has gone from the shelf ({error.strerror}).") from error
    return str(path), status.st_mtime_ns, status.st_size
