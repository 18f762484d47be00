"""What a user names to be answered for, turned into files: names, folders, globs, a list on stdin.

Everything is lazy, so that a folder of a million pictures or a list that is still being written starts at once.
What cannot be used becomes a Failure in its place and never stops the rest.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from objectif.images.photo import is_image_name

STDIN = "-"
_CHUNK = 1 << 16
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Failure:
    """An input that could not be answered for. path: as it was given; reason: for a person."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: no answer, {self.reason}"


def find(inputs: Iterable[str | Path], *, stdin: int = 0) -> Iterator[str | Failure]:
    """The files that `inputs` name, in the order given; within a folder sorted by name, folders last.

    A name that exists is that file or folder, whatever brackets and stars it has; only then is it a glob.
    Folders are searched to their bottom for image names; hidden entries (".x") are passed over, links followed once.
    "-" reads a list from the file descriptor `stdin`, separated by newlines or by NUL; its lines are never globs.
    """
    for given in inputs:
        name = os.fspath(given)
        if name == STDIN:
            for line in lines(stdin):
                yield from _existing(line)
        elif os.path.lexists(name) or not glob.has_magic(name):
            yield from _existing(name)
        else:
            yield from _matching(name)


def lines(descriptor: int) -> Iterator[str]:
    """Names from a list that is being read, each as soon as it is complete; empty ones are left out.

    A NUL before the end of the first piece that holds a separator makes it a NUL list (`find -print0`).
    os.read and not sys.stdin: a thread that waits in a buffered reader aborts the interpreter when it exits.
    """
    separator, rest, first = b"", b"", True
    while piece := os.read(descriptor, _CHUNK):
        rest += piece.removeprefix(_BOM) if first else piece
        first = False
        if not separator and (b"\0" in rest or b"\n" in rest):
            separator = b"\0" if b"\0" in rest else b"\n"
        if separator:
            *complete, rest = rest.split(separator)
            yield from (_name(line) for line in complete if line.strip())
    if rest.strip():
        yield _name(rest)


def _name(line: bytes) -> str:
    """A line as a file name: a list written on Windows ends its lines in CR LF."""
    name = os.fsdecode(line)
    return name[:-1] if name.endswith("\r") and not os.path.lexists(name) else name


def _existing(name: str) -> Iterator[str | Failure]:
    if os.path.isdir(name):
        yield from _folder(name)
    elif os.path.lexists(name):
        yield name
    else:
        yield Failure(name, "no such file or folder; check the name")


def _matching(pattern: str) -> Iterator[str | Failure]:
    found = sorted(glob.glob(pattern, recursive=True))
    # `**` names a folder and, again, all that is below it: folders are searched only where nothing else matched
    files = [name for name in found if not os.path.isdir(name) and is_image_name(name)]
    if files:
        yield from files
        return
    folders = [name for name in found if os.path.isdir(name)]
    if not folders:
        met = (
            f"{len(found)} files match, none of them with the name of an image"
            if found
            else "nothing matches"
        )
        yield Failure(pattern, f"no such file, and as a glob {met}; check the pattern")
    for name in folders:
        yield from _folder(name)


def _folder(top: str) -> Iterator[str | Failure]:
    empty = True
    for item in _walk(top):
        empty = False
        yield item
    if empty:
        yield Failure(top, "the folder holds no images; check the name, or name the files one by one")


def _walk(top: str) -> Iterator[str | Failure]:
    """Images below a folder, depth first; a stack and not recursion, because folders nest deeper than Python."""
    seen: set[tuple[int, int]] = set()
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        try:
            where = os.stat(folder)
            if (where.st_dev, where.st_ino) in seen:
                continue
            seen.add((where.st_dev, where.st_ino))
            with os.scandir(folder) as listing:
                entries = sorted((e for e in listing if not e.name.startswith(".")), key=lambda e: e.name)
        except OSError as error:
            yield Failure(folder, f"the folder cannot be read ({error.strerror}); check its permissions")
            continue
        below = [entry.path for entry in entries if entry.is_dir()]
        waiting += reversed(below)
        # a dangling link is yielded, so that it is reported; a pipe or a socket is not, because reading it would wait
        yield from (
            e.path
            for e in entries
            if is_image_name(e.name) and (e.is_file() or e.is_symlink()) and not e.is_dir()
        )
