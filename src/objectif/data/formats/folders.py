"""Layout: one folder per class, with or without train, val and test folders around (or inside) the classes.

    roses/a.jpg                 class
    train/roses/a.jpg           split, class       (Train, TRAINING, valid, Testing ... count too)
    roses/train/a.jpg           class, split
    photos/roses/a.jpg          one folder around everything is stepped over

Folders deeper than that belong to the class: roses/plant7/a.jpg is a rose.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from objectif.data.dataset import Dataset, Sample
from objectif.data.files import SPLIT_NAMES, Listing, Parts, listing
from objectif.errors import DataError


@dataclass(frozen=True)
class Reading:
    """Where in a path the class and the split stand. why: to show."""

    class_at: int
    split_at: int | None
    why: str

    def place(self, parts: Parts) -> tuple[str, str | None] | None:
        """(class, split) of an image; None where it lies outside the class folders."""
        if len(parts) < max(self.class_at, self.split_at or 0) + 2:
            return None
        if self.split_at is None:
            return parts[self.class_at], None
        split = SPLIT_NAMES.get(parts[self.split_at].lower())
        return None if split is None else (parts[self.class_at], split)


class Folders:
    """The format `folders`."""

    name = "folders"
    richness = 10

    def sniff(self, path: Path) -> str | None:
        """How many class folders there are, and which splits; None where no image lies in a folder of its class."""
        reading = find_reading(listing(path).images) if path.is_dir() else None
        return None if reading is None else reading.why

    def read(self, path: Path) -> Dataset:
        """All images below class folders; DataError where there are none."""
        if not path.is_dir():
            raise DataError(
                f"{path}: is no folder; format 'folders' expects a folder per class: roses/a.jpg."
            )
        found = listing(path)
        reading = find_reading(found.images)
        if reading is None:
            raise DataError(
                f"{path}: no class folders with images ({len(found.images)} images in all). "
                "Expected one folder per class: roses/a.jpg, tulips/b.jpg."
            )
        placed = [(parts, reading.place(parts)) for parts in found.images]
        inside = [(parts, *where) for parts, where in placed if where is not None]
        classes = tuple(sorted({label for _, label, _ in inside}))
        index = {label: k for k, label in enumerate(classes)}
        samples = [
            Sample("/".join(parts), path.joinpath(*parts), (index[label],), split=split)
            for parts, label, split in inside
        ]
        samples.sort(key=lambda sample: sample.path)
        notes = _notes(reading, found, samples, classes)
        return Dataset(
            path.resolve().name,
            path,
            self.name,
            classes,
            tuple(samples),
            notes=notes,
            problems=found.problems,
        )


def find_reading(images: list[Parts]) -> Reading | None:
    """How to read these paths; None where there are no class folders."""
    inside = [parts for parts in images if len(parts) > 1]
    if not inside:
        return None
    base, around = 0, ""
    if _wrapped(inside):
        base, around = 1, f" inside {inside[0][0]!r}"
        inside = [parts for parts in inside if len(parts) > 2]
    tops = sorted({parts[base] for parts in inside})
    if all(name.lower() in SPLIT_NAMES for name in tops):
        deep = {parts[base + 1] for parts in inside if len(parts) > base + 2}
        if not deep:  # images right under train/ and test/: splits without classes
            return None
        return Reading(base + 1, base, f"{_count(len(deep))} under {', '.join(tops)}{around}")
    seconds = [parts[base + 1].lower() if len(parts) > base + 2 else "" for parts in inside]
    if all(name in SPLIT_NAMES for name in seconds):
        return Reading(
            base, base + 1, f"{_count(len(tops))}, each with {', '.join(sorted(set(seconds)))}{around}"
        )
    return Reading(base, None, f"{_count(len(tops))}{around}")


def _wrapped(inside: list[Parts]) -> bool:
    """Whether one folder stands around the class or split folders, as archives often unpack."""
    top = inside[0][0]
    if top.lower() in SPLIT_NAMES or any(parts[0] != top for parts in inside):
        return False
    seconds = {parts[1].lower() for parts in inside if len(parts) > 2}
    if seconds <= SPLIT_NAMES.keys():  # photos/train/roses/a.jpg, but not roses/train/a.jpg
        return any(len(parts) > 3 for parts in inside)
    return len(seconds) > 1


def _count(classes: int) -> str:
    return "one class folder" if classes == 1 else f"{classes} class folders"


def _notes(
    reading: Reading, found: Listing, samples: list[Sample], classes: tuple[str, ...]
) -> tuple[str, ...]:
    """Sentences about what was taken and what was left."""
    notes = [f"layout 'folders': {reading.why}"]
    loose = len(found.images) - len(samples)
    if loose:
        notes.append(f"{loose} image(s) outside the class folders left out")
    if found.others:
        example = "/".join(found.others[0])
        notes.append(
            f"{len(found.others)} file(s) that are neither images nor texts left out, such as {example!r}"
        )
    at = reading.class_at
    empty = {parts[at] for parts in found.folders if len(parts) == at + 1} - set(classes)
    if reading.split_at is not None and reading.split_at > at:
        empty -= set(SPLIT_NAMES)
    if empty and (at == 0 or reading.split_at == at - 1):
        notes.append(f"folder(s) without images, not taken as classes: {', '.join(sorted(empty))}")
    if reading.split_at is not None:
        notes.extend(_gaps(samples, classes))
    return tuple(notes)


def _gaps(samples: list[Sample], classes: tuple[str, ...]) -> list[str]:
    """A sentence for each class that a split lacks."""
    counts = Counter((s.split, s.labels[0]) for s in samples)
    splits = sorted({s.split for s in samples if s.split})
    return [
        f"class {label!r} has no image in {split}"
        for split in splits
        for k, label in enumerate(classes)
        if not counts[split, k]
    ]


FORMAT = Folders()
