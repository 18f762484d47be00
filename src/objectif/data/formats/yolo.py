"""Layout: YOLO, one text file for each image; a line is a class id and centre x, y, width and height as fractions.

    images/train/a.jpg  labels/train/a.txt  data.yaml     train, val and test folders are splits
    train/images/a.jpg  train/labels/a.txt                the other order
    a.jpg  a.txt  classes.txt                             side by side

Names come from data.yaml (`names`, a list or a map) or classes.txt; without them the ids are the names, which a note
says. Ids are never shifted to fit: one that has no name stops the reading. A line with more numbers is a polygon, and
counts as the box around it. Only headers of images with objects are read, for their size.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from objectif.data import pixels
from objectif.data.beside import Images, stem
from objectif.data.dataset import Box, Dataset
from objectif.data.files import Listing, Parts, listing, split_in
from objectif.data.marks import Mark, Picture, build, mark
from objectif.data.writing import Bring, bring, flat_names, plain_classes, put, renamed, unheld
from objectif.errors import DataError, ImageError
from objectif.images import photo

_LOOKED_AT = 20
_FARTHEST = 2.0
"""A fraction beyond this is no box at the image's edge but one in pixels."""
_NAMES = ("classes.txt", "obj.names", "classes.names")
_NOT_LABELS = re.compile(
    r"(readme.*|requirements|licen[cs]e.*|train|val|valid|test|.*_(train|val|test))\.txt"
)


@dataclass
class _Counts:
    """What the lines were, to be said."""

    polygons: int = 0
    confidences: int = 0
    ids: set[int] = field(default_factory=set)


class Yolo:
    """The format `yolo`."""

    name = "yolo"
    richness = 43
    boxes = True

    def sniff(self, path: Path) -> str | None:
        """Whether some of the first label files, each with its image, look like it."""
        if path.is_file() and path.suffix.lower() not in {".yaml", ".yml"}:
            return None
        root = _root(path)
        found = listing(root)
        images = Images(found.images)
        labels = [parts for parts in _labels(found) if images.of(parts) is not None][:_LOOKED_AT]
        if not any(_looks_so(root.joinpath(*parts)) for parts in labels):
            return None
        where = "/".join(labels[0][:-1]) or "the folder"
        return f"text files in {where} hold class ids and fractions"

    def read(self, path: Path) -> Dataset:
        """All label files; DataError names the file and the line of what is wrong."""
        if path.is_file() and path.suffix.lower() not in {".yaml", ".yml"}:
            raise DataError(f"{path}: format 'yolo' expects a folder of images and labels, or its data.yaml.")
        root = _root(path)
        found = listing(root)
        description = _description(path if path.is_file() else None, root, found)
        names, source = _names(root, found, description)
        images = Images(found.images)
        labels: dict[Parts, Parts] = {}
        problems = dict(found.problems)
        for parts in _labels(found):
            image = images.of(parts)
            if image is not None:
                labels[image] = parts
            elif _looks_so(root.joinpath(*parts)):
                problems[stem(parts)] = f"no such image ({'/'.join(parts)} is of it)"
        splits, said = _splits(description, root)
        counts = _Counts()
        pictures = list(_pictures(root, found, labels, names, source, splits, counts, problems))
        notes = [f"layout 'yolo': {len(labels)} label files", *_notes(names, source, counts), *said]
        order = list(dict.fromkeys(names[k] for k in sorted(names))) if names else None
        return build(
            pictures,
            root=root,
            layout=self.name,
            source=path,
            names=order or [str(k) for k in sorted(counts.ids)],
            notes=notes,
            problems=problems,
        )

    def write(self, dataset: Dataset, to: Path, *, images: Bring = "copy") -> list[str]:
        """images, labels and data.yaml; returns what YOLO cannot hold."""
        flat = flat_names(dataset)
        places = [
            f"{s.split}/{name}" if s.split is not None else name
            for s, name in zip(dataset.samples, flat, strict=True)
        ]
        bring(dataset, to / "images", places, images)
        classes, odd = plain_classes(dataset, _plain)
        far = 0
        for row, (sample, place) in enumerate(zip(dataset.samples, places, strict=True)):
            height, width = pixels.size(dataset, row) if sample.boxes else (1, 1)
            kept = [_line(box, height, width) for box in sample.boxes or () if not box.ignore]
            far += kept.count("")
            put(
                to / "labels" / Path(place).with_suffix(".txt"), "".join(f"{line}\n" for line in kept if line)
            )
        splits = sorted({s.split for s in dataset.samples if s.split is not None}, key=_order)
        folders = {split: f"images/{split}" for split in splits} or {"train": "images"}
        content = {"path": ".", **folders, "nc": len(classes), "names": dict(enumerate(classes))}
        put(to / "data.yaml", yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
        lost = [*renamed(dataset, flat), *unheld(dataset, groups=True, weights=True, ignored=True), *odd]
        lost += [f"boxes far outside their images: {far} left out"] if far else []
        if not splits:
            lost.append("no splits: data.yaml names all images as train; other tools want a val there")
        return lost


def _order(split: str) -> tuple[int, str]:
    return {"train": 0, "val": 1, "test": 2}.get(split, 3), split


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else "_" for c in text.strip())


def _line(box: Box, height: int, width: int) -> str:
    """'' where the reader would take it for pixels."""
    place = (
        (box.x1 + box.x2) / 2 / width,
        (box.y1 + box.y2) / 2 / height,
        (box.x2 - box.x1) / width,
        (box.y2 - box.y1) / height,
    )
    return (
        "" if max(map(abs, place)) > _FARTHEST else " ".join([str(box.label), *(f"{v:.9g}" for v in place)])
    )


# --- files --------------------------------------------------------------------------------------------------------


def _root(path: Path) -> Path:
    return path if path.is_dir() else path.parent


def _labels(found: Listing) -> list[Parts]:
    """Text files that may hold labels: a train.txt is a list, but in a folder `labels` it is of train.jpg."""
    texts = [parts for parts in found.texts if parts[-1].lower().endswith(".txt")]
    return [
        parts
        for parts in texts
        if parts[-1].lower() not in _NAMES
        and ("labels" in parts[:-1] or not _NOT_LABELS.fullmatch(parts[-1].lower()))
    ]


def _looks_so(file: Path) -> bool:
    """Whether the first line is a whole number and at least four others."""
    try:
        with file.open(encoding="utf-8-sig") as stream:
            words = stream.readline().split()
        return len(words) >= 5 and words[0].isdecimal() and all(_is_number(w) for w in words[1:])
    except (OSError, UnicodeDecodeError):
        return False


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _description(given: Path | None, root: Path, found: Listing) -> tuple[Path, Mapping[str, Any]] | None:
    """data.yaml: its place and content; None where there is none."""
    near = [p for p in found.texts if len(p) <= 2 and p[-1].lower().endswith((".yaml", ".yml"))]
    files = [given] if given is not None else [root.joinpath(*p) for p in near]
    for file in files:
        try:
            content = yaml.safe_load(file.read_bytes())
        except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
            said = " ".join(str(error).split())
            raise DataError(f"{file}: not readable as YAML ({said}). Correct it.") from None
        except OSError as error:
            raise DataError(f"{file}: cannot be read ({error.strerror}). Check its permissions.") from None
        if isinstance(content, dict) and ("names" in content or "nc" in content or given is not None):
            return file, content
    return None


def _names(
    root: Path, found: Listing, description: tuple[Path, Mapping[str, Any]] | None
) -> tuple[dict[int, str], Path | None]:
    """Id -> name, and the file that says so; nothing where none does."""
    if description is not None and "names" in description[1]:
        return _named(*description), description[0]
    for parts in sorted((*found.texts, *found.others), key=len):
        if parts[-1].lower() in _NAMES:
            file = root.joinpath(*parts)
            try:
                lines = file.read_text(encoding="utf-8-sig").rstrip().split("\n")
            except (OSError, UnicodeDecodeError) as error:
                raise DataError(f"{file}: cannot be read as UTF-8 text ({error}). Save it again.") from None
            return _checked(dict(enumerate(line.strip() for line in lines)), file), file
    return {}, None


def _named(file: Path, content: Mapping[str, Any]) -> dict[int, str]:
    """The names of data.yaml; DataError where they are no names, or not as many as `nc` says."""
    given, count = content["names"], content.get("nc")
    pairs = given.items() if isinstance(given, dict) else enumerate(given) if isinstance(given, list) else ()
    names: dict[int, str] = {}
    for key, value in pairs:
        number = int(key) if isinstance(key, str) and key.isdecimal() else key
        if type(number) is not int or number < 0 or not isinstance(value, str | int | float):
            raise DataError(f"{file}: names has {key!r}: {value!r:.40}; expected an id from 0 on and a text.")
        names[number] = str(value).strip()
    if not names:
        raise DataError(f"{file}: names is {given!r:.60}; expected a list of texts, or ids with texts.")
    if isinstance(count, int) and count != len(names):
        raise DataError(f"{file}: nc is {count}, but there are {len(names)} names. Correct one of them.")
    return _checked(names, file)


def _checked(names: dict[int, str], file: Path) -> dict[int, str]:
    """The names, if none is empty and none has two ids."""
    owner: dict[str, int] = {}
    for number, name in names.items():
        if not name:
            raise DataError(f"{file}: class {number} has no name. Write one; ids are counted by lines.")
        if owner.setdefault(name, number) != number:
            raise DataError(
                f"{file}: the class {name!r} has the ids {owner[name]} and {number}; expected one id for each name. "
                "Rename one, or give both the same id in the labels."
            )
    return names


# --- splits -------------------------------------------------------------------------------------------------------


def _splits(
    description: tuple[Path, Mapping[str, Any]] | None, root: Path
) -> tuple[dict[str, list[Path]], list[str]]:
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


class _Splitter:
    """The split of an image: that of data.yaml, or else of the deepest folder that is called like one."""

    def __init__(self, root: Path, given: Mapping[str, list[Path]]) -> None:
        self.base = root.resolve()
        self.given = {place.parts: split for split, places in given.items() for place in places}

    def of(self, image: Parts) -> str | None:
        parts = (*self.base.parts, *image)
        for length in range(len(parts), 0, -1):
            if parts[:length] in self.given:
                if parts[:length] == self.base.parts:
                    break  # the whole folder is no split
                return self.given[parts[:length]]
        return next((split for name in reversed(image[:-1]) if (split := split_in(name))), None)


# --- lines --------------------------------------------------------------------------------------------------------


def _pictures(
    root: Path,
    found: Listing,
    labels: Mapping[Parts, Parts],
    names: Mapping[int, str],
    source: Path | None,
    splits: Mapping[str, list[Path]],
    counts: _Counts,
    problems: dict[str, str],
) -> Iterator[Picture]:
    """Labelled images, and those beside them that no file labels."""
    splitter = _Splitter(root, splits)
    folders = {image[:-1] for image in labels}
    for image in found.images:
        if image[:-1] not in folders:
            continue
        file, path = root.joinpath(*image), "/".join(image)
        marks: tuple[Mark, ...] = ()
        if image in labels:
            label = root.joinpath(*labels[image])
            try:
                marks = tuple(_marks(label, file, names, source, counts))
            except ImageError as error:
                problems[path] = str(error)
                continue
        yield Picture(path, file, marks, splitter.of(image), labelled=image in labels)


def _marks(
    label: Path, image: Path, names: Mapping[int, str], source: Path | None, counts: _Counts
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


def _class(word: str, names: Mapping[int, str], source: Path | None, counts: _Counts, where: str) -> str:
    """The name of a class id."""
    try:
        value = float(word)
    except ValueError:
        value = -1.0
    if not (value >= 0 and value == int(value)):
        raise DataError(f"{where}: the class id is {word!r}; expected a whole number from 0 on. Correct it.")
    number = int(value)
    counts.ids.add(number)
    if source is None:
        return str(number)
    if number not in names:
        raise DataError(
            f"{where}: the class id is {number}, but {source.name} names {len(names)} classes with the ids "
            f"{min(names)} to {max(names)}. Add its name or correct the label; ids are not shifted to fit."
        )
    return names[number]


def _fractions(words: list[str], counts: _Counts, where: str) -> tuple[float, float, float, float]:
    """Corners as fractions of a box (4 numbers, or 5 with a confidence) or around a polygon (6 or more, even)."""
    if len(words) < 4 or (len(words) > 5 and len(words) % 2):
        raise DataError(
            f"{where}: {len(words)} number{'s' * (len(words) != 1)} after the class id; expected centre x, centre y, "
            "width and height. Correct the line."
        )
    bad = next((w for w in words if not _is_number(w)), None)
    values = [0.0] * 4 if bad is not None else [float(w) for w in words]
    if bad is not None or not all(abs(v) <= _FARTHEST for v in values[:4]):
        shown = bad if bad is not None else next(w for w in words if not abs(float(w)) <= _FARTHEST)
        raise DataError(
            f"{where}: {shown!r}; expected fractions of the image's width and height, from 0 to 1. Divide pixels by "
            "them."
        )
    if len(words) > 5:
        counts.polygons += 1
        return min(values[::2]), min(values[1::2]), max(values[::2]), max(values[1::2])
    counts.confidences += len(words) == 5
    x, y, width, height = values[:4]
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _notes(names: Mapping[int, str], source: Path | None, counts: _Counts) -> list[str]:
    said = []
    if source is None:
        said.append("no data.yaml or classes.txt names the classes: their ids are their names")
    else:
        gaps = sorted(set(names) - counts.ids)
        kept = ", ".join(f"{k} = {names[k]}" for k in sorted(counts.ids)[:8])
        anew = f" ({kept}); where they are written, ids count anew from 0, without gaps" if gaps else ""
        said.append(f"names of classes from {source.name}{anew}")
    if counts.polygons:
        said.append(f"{counts.polygons} polygon(s) count as the boxes around them")
    if counts.confidences:
        said.append(f"{counts.confidences} line(s) have a sixth number (a confidence), which is not used")
    return said


FORMAT = Yolo()
