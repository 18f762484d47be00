"""Label files and pictures that belong together by their name: a.xml is of a.jpg, in the folder that fits best.

Label files say in words which picture they mean, but those words are often from another machine ('C:\\data\\a.jpg') or
from before a renaming; the name of the label file itself is what tools keep in step, so it counts first.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from objectif.data.files import Parts


class Images:
    """Image files below a folder, found by the name of a label file or by a name in it."""

    def __init__(self, images: Iterable[Parts]) -> None:
        self.by_stem: dict[str, list[Parts]] = {}
        self.by_name: dict[str, list[Parts]] = {}
        for parts in images:
            self.by_stem.setdefault(stem(parts), []).append(parts)
            self.by_name.setdefault(parts[-1], []).append(parts)

    def of(self, label: Parts, named: str = "") -> Parts | None:
        """The image of the label file `label`, which says that it is of `named`; None where there is none."""
        said = base_name(named)
        own = stem(label)
        found = self.by_stem.get(own) or self.by_name.get(own)  # a.xml, or a.jpg.xml
        found = found or self.by_name.get(said) or self.by_stem.get(str(PurePosixPath(said).stem))
        if not found:
            return None
        return min(found, key=lambda parts: (-nearness(parts, label), parts[-1] != said, parts))

    def named(self, path: str, near: str | None = None) -> list[Parts]:
        """The images that share the longest end with `path`; of several, those in a folder that starts with `near`."""
        wanted = tuple(p for p in path.replace("\\", "/").split("/") if p not in {"", ".", ".."})
        found = self.by_name.get(wanted[-1] if wanted else "", [])
        if not found:
            return []
        longest = max(_common(parts[::-1], wanted[::-1]) for parts in found)
        best = [parts for parts in found if _common(parts[::-1], wanted[::-1]) == longest]
        if near is not None and len(best) > 1:
            best = [p for p in best if any(f.lower().startswith(near) for f in p[:-1])] or best
        return best


def base_name(path: str) -> str:
    """The last part of a path, on whatever system it was written."""
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2].strip()


def stem(parts: Parts) -> str:
    """The file's name without its suffix."""
    return PurePosixPath(parts[-1]).stem


def nearness(image: Parts, label: Parts) -> int:
    """How many folders at both ends of their paths are the same: images/train/a.jpg is of labels/train/a.txt."""
    a, b = image[:-1], label[:-1]
    if a == b:
        return 1000
    return _common(a, b) + _common(a[::-1], b[::-1])


def _common(a: Parts, b: Parts) -> int:
    """How many first parts are equal."""
    count = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        count += 1
    return count
