"""Finding image files below a folder, and what stands beside them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from objectif.images.photo import is_image_name

SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
    "calibration": "calibration",
}
"""Words, lower case, that folders, manifests and lists use for the splits; calibration: to prove promises by."""


def split_in(word: str) -> str | None:
    """The split that the name of a folder or file means: 'train', 'val', 'test', 'fold3'; None where it means none."""
    word = word.lower()
    number = word.removeprefix("fold").strip("_- ") if word.startswith("fold") else ""
    return f"fold{int(number)}" if number.isdecimal() else SPLIT_NAMES.get(word)


_TEXTS = "txt md rst csv tsv json jsonl xml html htm pdf py sh url db ini yaml yml toml log"
_QUIET_SUFFIXES = frozenset(f".{kind}" for kind in _TEXTS.split(" "))

Parts = tuple[str, ...]
"""A path relative to the data folder, in parts: ('roses', 'a.jpg')."""


@dataclass
class Listing:
    """What lies below a folder. images, texts: sorted. folders: all of them, relative. others: files that are neither
    images nor texts. problems: shown path -> why, for what cannot be used."""

    images: list[Parts] = field(default_factory=list)
    texts: list[Parts] = field(default_factory=list)
    folders: list[Parts] = field(default_factory=list)
    others: list[Parts] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)


def listing(root: Path) -> Listing:
    """Everything below `root`; hidden files and folders are skipped, links followed unless they lead upwards."""
    found = Listing()

    def refused(error: OSError) -> None:
        where = Path(error.filename or root)
        shown = where.relative_to(root).as_posix() if where.is_relative_to(root) else str(where)
        found.problems[_shown(shown)] = f"folder cannot be opened ({error.strerror}); give read permission"

    for folder, below, files in os.walk(root, followlinks=True, onerror=refused):
        below[:] = sorted(_inward(folder, below))
        base = Path(folder).relative_to(root).parts
        found.folders.extend((*base, name) for name in below)
        for name in files:
            _file(found, (*base, name))
    found.images.sort()
    found.texts.sort()
    return found


def _inward(folder: str, below: list[str]) -> Iterator[str]:
    """Sub-folders worth entering: not hidden, not archive litter, no link to an enclosing folder (a cycle)."""
    here = os.path.realpath(folder)
    for name in below:
        if name.startswith(".") or name == "__MACOSX":
            continue
        inner = os.path.join(folder, name)
        if os.path.islink(inner) and Path(here).is_relative_to(os.path.realpath(inner)):
            continue
        yield name


def _file(found: Listing, parts: Parts) -> None:
    """Put one file where it belongs."""
    name = parts[-1]
    if name.startswith("."):
        return
    if not is_image_name(name):
        suffix = Path(name).suffix.lower()
        if suffix in _QUIET_SUFFIXES:
            found.texts.append(parts)
        elif suffix and not name.upper().startswith(("LICENSE", "LICENCE", "README")):
            found.others.append(parts)
        return
    shown = "/".join(parts)
    if shown != _shown(shown):
        found.problems[_shown(shown)] = "the name is not UTF-8; rename the file"
        return
    found.images.append(parts)


def _shown(text: str) -> str:
    """Text that can be printed: bytes that are no UTF-8 become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")
