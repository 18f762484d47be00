"""Lines of YOLO: one line of a label file to one mark, and a box to such a line.

    2 0.5 0.5 0.25 0.5              class id, then centre x, centre y, width and height as fractions of the image
    2 0.5 0.5 0.25 0.5 0.93         and a confidence, which is not used
    2 0.1 0.1 0.4 0.1 0.4 0.3       class id and the points of a polygon, which counts as the box around it

Numbers that cannot be fractions stop the reading: pixels that are taken for fractions would be boxes far outside. What
the lines were is counted, to be said once and not for each line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from objectif.data.dataset import Box
from objectif.data.marks import Mark, mark
from objectif.errors import DataError
from objectif.images import photo

_FARTHEST = 2.0
"""A fraction beyond this is no box at the image's edge but one in pixels."""
_OVER = 0.01
"""By how much a point of a polygon, which is drawn on the image, may lie over its edge."""


@dataclass
class Counts:
    """What the lines were, to be said."""

    polygons: int = 0
    confidences: int = 0
    ids: set[int] = field(default_factory=set)


def first_line(file: Path) -> list[str]:
    """The words of the first line that has any; none where there is no such line, or it cannot be read."""
    try:
        with file.open(encoding="utf-8-sig") as stream:
            return next((words for line in stream if (words := line.split())), [])
    except (OSError, UnicodeDecodeError):
        return []


def is_object(words: list[str]) -> bool:
    """Whether a line is a class id and at least four other numbers."""
    return len(words) >= 5 and _id(words[0]) is not None and all(_value(w) is not None for w in words[1:])


def read_marks(
    label: Path, image: Path, names: Mapping[int, str], source: Path | None, counts: Counts
) -> Iterator[Mark]:
    """The objects of a label file; the image is opened for its size if there are any."""
    try:
        text = label.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{label}: cannot be read as UTF-8 text ({error}). Save it again.") from None
    size: tuple[int, int] | None = None
    for number, line in enumerate(text.split("\n"), 1):
        words = line.split()
        if not words:
            continue
        where = f"{label}, line {number}"
        name = _class(words[0], names, source, counts, where)
        x1, y1, x2, y2 = _fractions(words[1:], counts, where)
        if size is None:
            info = photo.probe(image)
            size = info.height, info.width
        height, width = size
        yield mark((x1 * width, y1 * height, x2 * width, y2 * height), name, where)


def _class(word: str, names: Mapping[int, str], source: Path | None, counts: Counts, where: str) -> str:
    """The name of a class id."""
    number = _id(word)
    if number is None:
        raise DataError(
            f"{where}: the class id is {word!r:.40}; expected a whole number from 0 on. Correct it."
        )
    counts.ids.add(number)
    if source is None:
        return str(number)
    if number not in names:
        raise DataError(
            f"{where}: the class id is {number}, but {source.name} names {len(names)} classes with the ids "
            f"{min(names)} to {max(names)}. Add its name or correct the label; ids are not shifted to fit."
        )
    return names[number]


def _fractions(words: list[str], counts: Counts, where: str) -> tuple[float, float, float, float]:
    """Corners as fractions of a box (4 numbers, or 5 with a confidence) or around a polygon (6 or more, even)."""
    if len(words) < 4 or (len(words) > 5 and len(words) % 2):
        raise DataError(
            f"{where}: {len(words)} number{'s' * (len(words) != 1)} after the class id; expected centre x, centre y, "
            "width and height. Correct the line."
        )
    polygon = len(words) > 5
    low, high = (-_OVER, 1 + _OVER) if polygon else (-_FARTHEST, _FARTHEST)
    values = []
    for place, word in enumerate(words):
        value = _value(word)
        # a confidence, the fifth, is not used: any number will do
        if value is None or not (low <= value <= high or (place == 4 and not polygon)):
            raise DataError(
                f"{where}: {word!r:.40}; expected fractions of the image's width and height, from 0 to 1. Divide pixels "
                f"by them{', and cut the polygon at the edge' * polygon}."
            )
        values.append(value)
    if polygon:
        counts.polygons += 1
        return min(values[::2]), min(values[1::2]), max(values[::2]), max(values[1::2])
    counts.confidences += len(words) == 5
    x, y, width, height = values[:4]
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _id(word: str) -> int | None:
    """The class id that a word means; some tools write all numbers alike, so 3.0 and 3.000000e+00 are 3."""
    value = _value(word)
    return int(value) if value is not None and value >= 0 and value.is_integer() else None


def _value(word: str) -> float | None:
    try:
        return None if "_" in word else float(word)  # 1_0 is a number to Python alone
    except ValueError:
        return None


def box_line(box: Box, height: int, width: int) -> str:
    """A box, in pixels, as a line; '' where the reader would take it for pixels."""
    place = (
        (box.x1 + box.x2) / 2 / width,
        (box.y1 + box.y2) / 2 / height,
        (box.x2 - box.x1) / width,
        (box.y2 - box.y1) / height,
    )
    return (
        "" if max(map(abs, place)) > _FARTHEST else " ".join([str(box.label), *(f"{v:.9g}" for v in place)])
    )
