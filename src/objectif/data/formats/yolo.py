"""Layout: YOLO, one text file for each image; a line is a class id and centre x, y, width and height as fractions.

    images/train/a.jpg  labels/train/a.txt  data.yaml     train, val and test folders are splits
    train/images/a.jpg  train/labels/a.txt                the other order
    a.jpg  a.txt  classes.txt                             side by side

Names come from data.yaml (`names`, a list or a map) or classes.txt; where both are there they must say the same.
Without them the ids are the names, which a note says. Ids are never shifted to fit: one that has no name stops the reading. A line with more numbers is a polygon, and
counts as the box around it. Only headers of images with objects are read, for their size.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
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
_OVER = 0.01
"""By how much a point of a polygon, which is drawn on the image, may lie over its edge."""
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
        """Whether some of the first label files that hold anything look like it, or a data.yaml stands beside them."""
        if path.is_file() and path.suffix.lower() not in {".yaml", ".yml"}:
            return None
        root = _root(path)
        found = listing(root)
        images = Images(found.images)
        labels = [parts for parts in _labels(found) if images.of(parts) is not None]
        if not labels:
            return None
        where = "/".join(labels[0][:-1]) or "the folder"
        if _describes(path if path.is_file() else None, root, found):
            return f"text files in {where} stand beside a YAML file that names classes"
        # images without an object have empty files, and may well be the first thousand
        told = (words for parts in labels if (words := _first_line(root.joinpath(*parts))))
        if not any(_is_object(words) for words in islice(told, _LOOKED_AT)):
            return None
        return f"text files in {where} hold class ids and fractions"

    def read(self, path: Path) -> Dataset:
        """All label files; DataError names the file and the line of what is wrong."""
        if path.is_file() and path.suffix.lower() not in {".yaml", ".yml"}:
            raise DataError(f"{path}: format 'yolo' expects a folder of images and labels, or its data.yaml.")
        root = _root(path)
        found = listing(root)
        description = _description(path if path.is_file() else None, root, found)
        images = Images(found.images)
        labels: dict[Parts, Parts] = {}
        problems = dict(found.problems)
        for parts in _labels(found):
            image = images.of(parts)
            if image is not None:
                labels[image] = parts
            elif _is_object(_first_line(root.joinpath(*parts))):
                problems[stem(parts)] = f"no such image ({'/'.join(parts)} is of it)"
        names, source, compared = _names(root, found, description, labels.values())
        splits, said = _splits(description, root)
        counts = _Counts()
        pictures = list(_pictures(root, found, labels, names, source, splits, counts, problems))
        notes = [
            f"layout 'yolo': {len(labels)} label files",
            *_notes(names, source, counts),
            *compared,
            *said,
        ]
        order = list(dict.fromkeys(names[k] for k in sorted(names))) if names else None
        return build(
            pictures,
            root=root,
            layout=self.name,
            source=path,
            names=order or [str(k) for k in sorted(counts.ids)],
            notes=notes,
            problems=problems,
            dropped=_dropped(counts),
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
        lost = [
            *renamed(dataset, flat),
            *unheld(dataset, groups=True, weights=True, ignored=True, masks=True),
            *odd,
        ]
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


def _first_line(file: Path) -> list[str]:
    """The words of the first line that has any; none where there is no such line, or it cannot be read."""
    try:
        with file.open(encoding="utf-8-sig") as stream:
            return next((words for line in stream if (words := line.split())), [])
    except (OSError, UnicodeDecodeError):
        return []


def _is_object(words: list[str]) -> bool:
    """Whether a line is a class id and at least four other numbers."""
    return len(words) >= 5 and _id(words[0]) is not None and all(_value(w) is not None for w in words[1:])


def _id(word: str) -> int | None:
    """The class id that a word means; some tools write all numbers alike, so 3.0 and 3.000000e+00 are 3."""
    value = _value(word)
    return int(value) if value is not None and value >= 0 and value.is_integer() else None


def _value(word: str) -> float | None:
    try:
        return None if "_" in word else float(word)  # 1_0 is a number to Python alone
    except ValueError:
        return None


def _describes(given: Path | None, root: Path, found: Listing) -> bool:
    """Whether a YAML file has a list or a map of names."""
    try:
        description = _description(given, root, found)
    except DataError:  # a broken file, maybe of something else, must not hide the other layouts
        return False
    return description is not None and isinstance(description[1].get("names"), list | dict)


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
    root: Path,
    found: Listing,
    description: tuple[Path, Mapping[str, Any]] | None,
    labels: Iterable[Parts],
) -> tuple[dict[int, str], Path | None, list[str]]:
    """Id -> name, the file that says so, and sentences about others that say it too; nothing where none does.

    DataError where another file beside the labels has another name for an id: one of them would rename every object.
    """
    lists = sorted((p for p in (*found.texts, *found.others) if p[-1].lower() in _NAMES), key=len)
    if description is not None and "names" in description[1]:
        names, source = _named(*description), description[0]
    elif lists:
        source = root.joinpath(*lists.pop(0))
        names = _checked(dict(enumerate(_name_lines(source))), source)
    else:
        return {}, None, []
    beside = {label[:depth] for label in labels for depth in range(len(label))}
    others = [root.joinpath(*parts) for parts in lists if parts[:-1] in beside]
    return names, source, [said for other in others for said in _compared(names, source, other)]


def _name_lines(file: Path) -> list[str]:
    """The names of classes.txt, one for each line; '' for a line without."""
    try:
        lines = file.read_text(encoding="utf-8-sig").rstrip().split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file}: cannot be read as UTF-8 text ({error}). Save it again.") from None
    return [line.strip() for line in lines]


def _compared(names: Mapping[int, str], source: Path, other: Path) -> Iterator[str]:
    """A sentence where `other` names more or fewer ids than `source`; DataError where it names one otherwise."""
    told = {number: name for number, name in enumerate(_name_lines(other)) if name}
    for number in sorted(told.keys() & names.keys()):
        if _spelling(told[number]) != _spelling(names[number]):
            raise DataError(
                f"{source}: the class id {number} is {names[number]!r}, but {other} says {told[number]!r}; expected one "
                "name for each id. Correct one of the files, or remove the one that is not of these labels."
            )
    if told and told.keys() != names.keys():
        yield (
            f"{other.name} names {len(told)} classes and {source.name} {len(names)}, alike where both do; "
            f"{source.name} is taken"
        )


def _spelling(name: str) -> str:
    """Without what people do not mean by a name: case and spaces."""
    return "".join(name.casefold().split())


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


def _fractions(words: list[str], counts: _Counts, where: str) -> tuple[float, float, float, float]:
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


def _dropped(counts: _Counts) -> list[str]:
    """What the lines told and boxes do not hold."""
    gone = [f"polygons: {counts.polygons} became the boxes around them"] if counts.polygons else []
    return gone + ([f"confidences: of {counts.confidences} object(s)"] if counts.confidences else [])


FORMAT = Yolo()
