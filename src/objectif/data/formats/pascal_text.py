"""Layout: "PASCAL Annotation Version 1.00", one text file for each image (Penn-Fudan, early PASCAL challenges); read only.

    Image filename : "PNGImages/a.png"
    Bounding box for object 1 "Person" (Xmin, Ymin) - (Xmax, Ymax) : (160, 182) - (302, 431)

Coordinates are taken as they stand. The names of PASCAL classes carry a pose or a view, as in PASpersonWalking or
PAScarRear: what is to be found is the person or the car, so that part is left out, and a note says so.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from objectif.data.beside import Images
from objectif.data.dataset import Dataset
from objectif.data.files import Parts, listing
from objectif.data.formats.voc import AS_THEY_STAND
from objectif.data.marks import Mark, Picture, build, mark
from objectif.errors import DataError

_LOOKED_AT = 20
_IMAGE = re.compile(r'^Image filename\s*:\s*"(.*)"', re.MULTILINE)
_BOX = re.compile(
    r'^Bounding box for object (?P<n>\d+)\s+"(?P<name>.*?)"[^:]*:\s*(?P<rest>.*)$', re.MULTILINE
)
_PAIR = re.compile(r"\(([^,()]*),([^,()]*)\)\s*-\s*\(([^,()]*),([^,()]*)\)\s*$")
_POSED = re.compile(r"(PAS[a-z]+)[A-Z]\w*")
_EXTRA = re.compile(r"^(Pixel mask|Polygon|Center point|Original label)\b", re.MULTILINE)
_WHAT = {
    "Pixel mask": "pixel masks",
    "Polygon": "polygons",
    "Center point": "centre points",
    "Original label": "original labels",
}
_POSES = "poses and views in names of classes"
_COUNT = re.compile(r"^Objects with ground truth\s*:\s*(\d+)", re.MULTILINE)


class PascalText:
    """The format `pascal_text`."""

    name = "pascal_text"
    richness = 41
    boxes = True

    def sniff(self, path: Path) -> str | None:
        """How many text files there are, if the first ones say that they are annotations."""
        if not path.is_dir():
            return None
        texts = _texts(listing(path).texts)
        if not any(_is_annotation(path.joinpath(*parts)) for parts in texts[:_LOOKED_AT]):
            return None
        return f"text files in {'/'.join(texts[0][:-1]) or 'the folder'} are PASCAL annotations"

    def read(self, path: Path) -> Dataset:
        """All annotations; DataError names the file and the object that is wrong."""
        if not path.is_dir():
            raise DataError(
                f"{path}: is no folder; format 'pascal_text' expects one with text files and images."
            )
        found = listing(path)
        images = Images(found.images)
        problems = dict(found.problems)
        pictures = []
        extras: Counter[str] = Counter()
        for parts in _texts(found.texts):
            file = path.joinpath(*parts)
            if not _is_annotation(file):
                continue
            named, marks = _one(file, extras)
            image = images.of(parts, named)
            if image is None:
                problems[named] = f"no such image ({'/'.join(parts)} is of it)"
            else:
                pictures.append(Picture("/".join(image), path.joinpath(*image), marks))
        if not pictures and not problems:
            raise DataError(f"{path}: no text file begins with 'PASCAL Annotation Version'.")
        notes = [f"layout 'pascal_text': {len(pictures)} annotated images", AS_THEY_STAND]
        if extras[_POSES]:
            notes.append("the pose or view in the names of PASCAL classes, such as Walking, is left out")
        return build(
            pictures,
            root=path,
            layout=self.name,
            source=path,
            notes=notes,
            problems=problems,
            dropped=[f"{what}: of {count} object(s)" for what, count in sorted(extras.items())],
        )


def _texts(texts: list[Parts]) -> list[Parts]:
    return [parts for parts in texts if parts[-1].lower().endswith(".txt")]


def _is_annotation(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            return b"PASCAL Annotation Version" in stream.read(400)
    except OSError:
        return False


def _one(file: Path, extras: Counter[str]) -> tuple[str, tuple[Mark, ...]]:
    """The image that a file names, and its objects; what else is said of them is counted in `extras`."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file}: cannot be read as UTF-8 text ({error}). Save it again.") from None
    image, count = _IMAGE.search(text), _COUNT.search(text)
    if image is None:
        raise DataError(f"{file}: no line 'Image filename : \"a.png\"'. Add it or remove the file.")
    marks = tuple(_marks(text, file))
    extras.update(_WHAT[found[1]] for found in _EXTRA.finditer(text))
    extras.update(_POSES for found in _BOX.finditer(text) if _POSED.fullmatch(found["name"]))
    if count is not None and int(count[1]) != len(marks):
        raise DataError(
            f"{file}: {len(marks)} boxes, but {count[1]} objects with ground truth. The file is cut short or edited; "
            "fetch it again or correct it."
        )
    return image[1], marks


def _marks(text: str, file: Path) -> Iterator[Mark]:
    for found in _BOX.finditer(text):
        where = f"{file}, object {found['n']}"
        pair = _PAIR.search(found["rest"])
        if pair is None:
            raise DataError(f"{where}: {found['rest']!r}; expected (160, 182) - (302, 431). Correct it.")
        posed = _POSED.fullmatch(found["name"])
        yield mark([v.strip() for v in pair.groups()], posed[1] if posed else found["name"], where)


FORMAT = PascalText()
