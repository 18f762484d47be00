"""Layout: YOLO, one text file for each image; a line is a class id and centre x, y, width and height as fractions.

    images/train/a.jpg  labels/train/a.txt  data.yaml     train, val and test folders are splits
    train/images/a.jpg  train/labels/a.txt                the other order
    a.jpg  a.txt  classes.txt                             side by side

Names come from data.yaml (`names`, a list or a map) or classes.txt; where both are there they must say the same.
Without them the ids are the names, which a note says. Ids are never shifted to fit: one that has no name stops the
reading. A line with more numbers is a polygon, and counts as the box around it. Only headers of images with objects are
read, for their size. Names are read in yolo_names.py, splits in yolo_splits.py, lines in yolo_lines.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

import yaml

from objectif.data import pixels
from objectif.data.beside import Images, stem
from objectif.data.dataset import Dataset
from objectif.data.files import Listing, Parts, listing
from objectif.data.marks import Mark, Picture, build
from objectif.data.writing import Bring, bring, flat_names, plain_classes, put, renamed, unheld
from objectif.data.yolo_lines import Counts, box_line, first_line, is_object, read_marks
from objectif.data.yolo_names import NAMES, class_names, describe, describes
from objectif.data.yolo_splits import Splitter, named_splits
from objectif.errors import DataError, ImageError

_LOOKED_AT = 20
_NOT_LABELS = re.compile(
    r"(readme.*|requirements|licen[cs]e.*|train|val|valid|test|.*_(train|val|test))\.txt"
)


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
        if describes(path if path.is_file() else None, root, found):
            return f"text files in {where} stand beside a YAML file that names classes"
        # images without an object have empty files, and may well be the first thousand
        told = (words for parts in labels if (words := first_line(root.joinpath(*parts))))
        if not any(is_object(words) for words in islice(told, _LOOKED_AT)):
            return None
        return f"text files in {where} hold class ids and fractions"

    def read(self, path: Path) -> Dataset:
        """All label files; DataError names the file and the line of what is wrong."""
        if path.is_file() and path.suffix.lower() not in {".yaml", ".yml"}:
            raise DataError(f"{path}: format 'yolo' expects a folder of images and labels, or its data.yaml.")
        root = _root(path)
        found = listing(root)
        description = describe(path if path.is_file() else None, root, found)
        images = Images(found.images)
        labels: dict[Parts, Parts] = {}
        problems = dict(found.problems)
        for parts in _labels(found):
            image = images.of(parts)
            if image is not None:
                labels[image] = parts
            elif is_object(first_line(root.joinpath(*parts))):
                problems[stem(parts)] = f"no such image ({'/'.join(parts)} is of it)"
        names, source, compared = class_names(root, found, description, labels.values())
        splits, said = named_splits(description, root)
        counts = Counts()
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
            kept = [box_line(box, height, width) for box in sample.boxes or () if not box.ignore]
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


def _root(path: Path) -> Path:
    return path if path.is_dir() else path.parent


def _labels(found: Listing) -> list[Parts]:
    """Text files that may hold labels: a train.txt is a list, but in a folder `labels` it is of train.jpg."""
    texts = [parts for parts in found.texts if parts[-1].lower().endswith(".txt")]
    return [
        parts
        for parts in texts
        if parts[-1].lower() not in NAMES
        and ("labels" in parts[:-1] or not _NOT_LABELS.fullmatch(parts[-1].lower()))
    ]


def _pictures(
    root: Path,
    found: Listing,
    labels: Mapping[Parts, Parts],
    names: Mapping[int, str],
    source: Path | None,
    splits: Mapping[str, list[Path]],
    counts: Counts,
    problems: dict[str, str],
) -> Iterator[Picture]:
    """Labelled images, and those beside them that no file labels."""
    splitter = Splitter(root, splits)
    folders = {image[:-1] for image in labels}
    for image in found.images:
        if image[:-1] not in folders:
            continue
        file, path = root.joinpath(*image), "/".join(image)
        marks: tuple[Mark, ...] = ()
        if image in labels:
            label = root.joinpath(*labels[image])
            try:
                marks = tuple(read_marks(label, file, names, source, counts))
            except ImageError as error:
                problems[path] = str(error)
                continue
        yield Picture(path, file, marks, splitter.of(image), labelled=image in labels)


def _notes(names: Mapping[int, str], source: Path | None, counts: Counts) -> list[str]:
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


def _dropped(counts: Counts) -> list[str]:
    """What the lines told and boxes do not hold."""
    gone = [f"polygons: {counts.polygons} became the boxes around them"] if counts.polygons else []
    return gone + ([f"confidences: of {counts.confidences} object(s)"] if counts.confidences else [])


FORMAT = Yolo()
