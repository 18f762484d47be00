"""Splits of YOLO: which images are train, val and test, as data.yaml says or else as folders are called.

A value of data.yaml is a folder, a list of images, or several of either, and its paths are often of another machine or
begin with a '../' too many. A path that is not there is said, and folders tell the splits. Where data.yaml gives the same
images to two splits, none of its splits is taken: what is held out would be among what is learned. Where it names
train alone, that is the key which tools want, and not a split.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from objectif.data.files import Parts, split_in
from objectif.data.yolo_names import Description


def named_splits(description: Description | None, root: Path) -> tuple[dict[str, list[Path]], list[str]]:
    """Split -> folders and files that data.yaml names for it, resolved; and sentences."""
    if description is None:
        return {}, []
    file, content = description
    given: dict[str, list[Path]] = {}
    said = []
    for key in ("train", "val", "valid", "test"):
        values = content.get(key)
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, str) and value.strip():
                place = _resolved(value, content.get("path"), file.parent)
                if place is None:
                    said.append(
                        f"{file.name}: {key} is {value!r}, which is not there; folders tell the splits"
                    )
                else:
                    given.setdefault(split_in(key) or key, []).extend(_listed(place))
    if set(given) == {"train"}:  # the key that tools want, not a split
        return {}, said
    flat = [place for places in given.values() for place in places]
    if len(set(flat)) < len(flat):
        return {}, [*said, f"{file.name} names the same images for two splits: its splits are not taken"]
    return given, said


def _resolved(value: str, base: object, beside: Path) -> Path | None:
    """A path of data.yaml: below its `path`, beside the file, or with the '../' that some tools put before it."""
    plain = value.replace("\\", "/")
    roots = [beside / str(base)] if base else []
    for place in (*roots, beside):
        for text in (plain, re.sub(r"^(\.\./)+", "", plain)):
            if (place / text).exists():
                return (place / text).resolve()
    return None


def _listed(place: Path) -> list[Path]:
    """The folder itself, or the images that a list names."""
    if place.is_dir():
        return [place]
    try:
        lines = place.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError):
        return []
    return [(place.parent / line.strip()).resolve() for line in lines if line.strip()]


class Splitter:
    """The split of an image: that of data.yaml, or else of the deepest folder that is called like one."""

    def __init__(self, root: Path, given: Mapping[str, list[Path]]) -> None:
        self.base = root.resolve()
        self.given = {place.parts: split for split, places in given.items() for place in places}

    def of(self, image: Parts) -> str | None:
        """The split of an image below the root; None where nothing names one."""
        parts = (*self.base.parts, *image)
        for length in range(len(parts), 0, -1):
            if parts[:length] in self.given:
                if parts[:length] == self.base.parts:
                    break  # the whole folder is no split
                return self.given[parts[:length]]
        return next((split for name in reversed(image[:-1]) if (split := split_in(name))), None)
