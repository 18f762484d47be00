"""The lenses that a server can show: those of its own folder and those that lie in the folders it may read; opened once."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

from objectif.apps.lens import cards, new
from objectif.apps.lens.folder import HELDOUT, Lens, open_lens, solution_of
from objectif.apps.lens.nearest import FILE as EXAMPLES
from objectif.apps.lens.teach import ACCEPTED, WAITING
from objectif.errors import InputError
from objectif.shell import Shell

_FILES = (cards.FILE, HELDOUT, EXAMPLES, WAITING, ACCEPTED)


class Lenses:
    """Found by name. Every method may be called from any thread."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self._opened: dict[Path, tuple[tuple[int, ...], Lens]] = {}
        self._shelved: dict[Path, tuple[int, str]] = {}
        self._making = threading.Lock()  # two visitors may see the end of one race

    def folders(self) -> dict[str, Path]:
        """Name, safe in a URL -> folder. Of two with one name the server's own counts."""
        found: dict[str, Path] = {}
        for place in (self.shell.folder(), *self.shell.roots):
            for folder in (place, *_inside(place)):
                if (folder / cards.FILE).is_file() and (folder / HELDOUT).is_file():
                    found.setdefault(page_name(folder), folder)
        return found

    def open(self, name: str) -> Lens:
        """The lens of that name, read again where one of its files has changed. InputError where there is none."""
        folders = self.folders()
        if name not in folders:
            raise InputError(f"there is no lens {name!r}; there are {', '.join(folders) or 'none yet'}.")
        folder = folders[name]
        stamp = tuple(_changed(path) for path in (solution_of(folder), *(folder / file for file in _FILES)))
        if folder not in self._opened or self._opened[folder][0] != stamp:
            self._opened[folder] = stamp, open_lens(folder)
        return self._opened[folder][1]

    def on_shelf(self, lens: Lens) -> str:
        """The name by which the server answers for a lens's Solution; put on the shelf where it is not there."""
        path = solution_of(lens.folder)
        changed = _changed(path)
        if self._shelved.get(path, (0, ""))[0] != changed:
            self._shelved[path] = changed, self._shelf(path)
        return self._shelved[path][1]

    def _shelf(self, path: Path) -> str:
        size, own = path.stat().st_size, _sum(path)
        for entry in self.shell.solutions():
            if entry.path.stat().st_size == size and _sum(entry.path) == own:
                return entry.name
        return self.shell.put(path, path.stem).name

    def make(self, run: str) -> str:
        """The lens of a race that is done, by its name; made where it is not there. InputError where it is not done."""
        race = self.shell.run(run)
        if race.state != "done":
            raise InputError(f"the race {run!r} is {race.state}; expected one that is done.")
        folder = self.shell.folder(lens_folder(run))
        with self._making:
            if not (folder / cards.FILE).is_file():
                new.make(race.folder, folder, title=run)
        return page_name(folder)


def lens_folder(run: str) -> str:
    """The name of the folder in which the lens of a race is made."""
    return f"{run}{new.SUFFIX_OF_LENS}"


def page_name(folder: Path) -> str:
    """A folder's name as it stands in a URL: letters, digits, '_' and '-'."""
    plain = "".join(
        c if c.isascii() and (c.isalnum() or c in "_-") else "-"
        for c in folder.name.removesuffix(new.SUFFIX_OF_LENS)
    )
    return (
        plain.strip("-")
        or f"lens-{hashlib.sha256(folder.name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
    )


def _inside(place: Path) -> list[Path]:
    """The folders in a folder; none where it cannot be read."""
    try:
        return sorted(p for p in place.iterdir() if p.is_dir() and not p.name.startswith("."))
    except OSError:
        return []


def _changed(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


def _sum(path: Path) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
