"""Boxes as layouts have them become a Dataset: corners checked, names checked, images without objects kept and said.

Shared by all layouts that know boxes. What is impossible (a corner that is no number, corners the wrong way round)
stops the reading with the place of the object, because a box that is silently dropped turns an object into background.
What is odd but possible (partly outside the image, no area, a pixel small) is kept; health/objects.py tells of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from objectif.data.dataset import Box, Dataset, Sample
from objectif.errors import DataError


@dataclass(frozen=True, slots=True)
class Mark:
    """One object: corners in pixels, the name of its class, and whether it is to be ignored."""

    x1: float
    y1: float
    x2: float
    y2: float
    name: str
    ignore: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """One image and its objects. path: shown, relative to the root. labelled: whether any label file speaks of it."""

    path: str
    file: Path
    marks: tuple[Mark, ...]
    split: str | None = None
    group: str | None = None
    weight: float = 1.0
    labelled: bool = True


def mark(corners: Sequence[object], name: str, where: str, *, ignore: bool = False) -> Mark:
    """A Mark from four numbers or texts; `where` it stands is for messages.

    Raises DataError: no number, NaN or infinite, right of left or above below, no class name.
    """
    x1, y1, x2, y2 = (finite(value, where) for value in corners)
    if x2 < x1 or y2 < y1:
        raise DataError(
            f"{where}: the box ({x1:g}, {y1:g}, {x2:g}, {y2:g}) is inverted; expected x1 <= x2 and y1 <= y2. "
            "Correct the corners."
        )
    if not name.strip():
        raise DataError(
            f"{where}: the object has no class. Expected a name; fill it in or remove the object."
        )
    return Mark(x1, y1, x2, y2, name.strip(), ignore)


def finite(value: object, where: str) -> float:
    """A finite number of pixels from a number or a text; DataError for all else, integers that no float can hold too."""
    try:
        found = float(value) if isinstance(value, (str, int, float)) else math.nan
    except (ValueError, OverflowError):
        found = math.nan
    if not math.isfinite(found):
        shown = repr(value) if isinstance(value, str) else str(value)
        raise DataError(
            f"{where}: a corner of the box is {shown:.40}; expected a finite number of pixels. "
            "Correct it or remove the object."
        )
    return found


def build(
    pictures: Iterable[Picture],
    *,
    root: Path,
    layout: str,
    source: Path,
    names: Sequence[str] | None = None,
    notes: Sequence[str] = (),
    problems: Mapping[str, str] | None = None,
    name: str | None = None,
    dropped: Sequence[str] = (),
) -> Dataset:
    """The Dataset of these pictures, sorted by path; its classes are those that have objects.

    names: all classes in their order; without, those that are met, sorted. source: what messages name.
    dropped: what the reader left behind; classes that have no objects are added here.
    Raises DataError: no picture, no object, one path twice, names that differ in case or spaces only.
    """
    kept = sorted(pictures, key=lambda p: p.path)
    problems = dict(problems or {})
    _refuse_repeats(kept, source)
    met = {m.name for p in kept for m in p.marks}
    counted = {m.name for p in kept for m in p.marks if not m.ignore}
    check_names(sorted(met), source)
    if not counted:
        raise DataError(_nothing(source, kept, problems))
    classes = tuple(n for n in (names or sorted(met)) if n in counted)
    index = {n: k for k, n in enumerate(classes)}
    samples = tuple(_sample(p, index) for p in kept)
    unused = [n for n in names or () if n not in met]
    said = [*notes, *_said(kept, unused, met - counted)]
    title = name or root.resolve().name
    gone = (*dropped, *_gone(kept, unused, met - counted))
    return Dataset(title, root, layout, classes, samples, True, tuple(said), problems, dropped=gone)


def _sample(picture: Picture, index: Mapping[str, int]) -> Sample:
    boxes = tuple(
        Box(m.x1, m.y1, m.x2, m.y2, index[m.name], m.ignore) for m in picture.marks if m.name in index
    )
    labels = tuple(sorted({box.label for box in boxes if not box.ignore}))
    group, split, weight = picture.group, picture.split, picture.weight
    return Sample(picture.path, picture.file, labels, group=group, split=split, weight=weight, boxes=boxes)


def _refuse_repeats(pictures: Sequence[Picture], source: Path) -> None:
    for before, after in pairwise(pictures):
        if before.path == after.path:
            raise DataError(
                f"{source}: the image {after.path!r} is listed twice"
                + (f" ({before.split} and {after.split})" if before.split != after.split else "")
                + "; expected each image once. Remove one entry."
            )


def check_names(names: Sequence[str], source: Path) -> None:
    """DataError where two different names are equal but for case and spaces."""
    first: dict[str, str] = {}
    for name in names:
        before = first.setdefault("".join(name.casefold().split()), name)
        if before != name:
            raise DataError(
                f"{source}: the classes {before!r} and {name!r} differ in case or spaces only; expected one spelling "
                "for each class. Rename one of them in the labels."
            )


def _nothing(source: Path, pictures: Sequence[Picture], problems: Mapping[str, str]) -> str:
    if not pictures and problems:
        path, why = next(iter(problems.items()))
        return (
            f"{source}: none of its {len(problems)} images can be used ({path!r}: {why}). "
            "Correct the names, or put the images beside the labels."
        )
    return (
        f"{source}: no object in {len(pictures)} images; expected at least one box that is not to be ignored. "
        "Check that the labels are those of these images."
    )


def _gone(pictures: Sequence[Picture], unused: Sequence[str], ignored: set[str]) -> list[str]:
    """Sentences about the classes that the Dataset has no more."""
    gone = [f"classes without objects: {_listed(unused)}"] if unused else []
    if ignored:
        count = sum(m.name in ignored for p in pictures for m in p.marks)
        gone.append(f"classes with ignored objects only: {_listed(sorted(ignored))} ({count} object(s))")
    return gone


def _said(pictures: Sequence[Picture], unused: Sequence[str], ignored: set[str]) -> list[str]:
    """Sentences about images without objects, classes without objects and objects to be ignored."""
    said = []
    blank = sum(p.labelled and not p.marks for p in pictures)
    bare = sum(not p.labelled for p in pictures)
    if blank:
        said.append(f"{blank} image(s) labelled as holding no object are kept as negatives")
    if bare:
        said.append(f"{bare} image(s) without labels are kept as negatives: nothing is to be found on them")
    if unused:
        said.append(f"classes without objects left out: {_listed(unused)}")
    if ignored:
        said.append(f"classes with ignored objects only left out: {_listed(sorted(ignored))}")
    skipped = sum(m.ignore for p in pictures for m in p.marks)
    if skipped:
        said.append(
            f"{skipped} object(s) marked difficult or crowd are neither to be found nor wrong to find"
        )
    unsplit = sum(p.split is None for p in pictures)
    if 0 < unsplit < len(pictures):
        said.append(f"{unsplit} image(s) without a split are used for training")
    return said


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
