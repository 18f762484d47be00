"""Layout: a CSV with one row for each object: an image, the corners of a box and a class.

    path,x1,y1,x2,y2,label,ignore,group,split,weight      ignore, group, split and weight are optional
    a.jpg,10,20,110,90.5,rose,0,plant7,train,1
    b.jpg,,,,,,,,,                                        no corners: an image without objects

xmin, ymin, xmax, ymax and left, top, right, bottom do as well. Several files named after splits are read as one.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from objectif.data.dataset import Dataset
from objectif.data.files import split_in
from objectif.data.formats.manifest import Table, candidates, table
from objectif.data.formats.voc import AS_THEY_STAND
from objectif.data.marks import Mark, Picture, build, mark
from objectif.data.rows import absence, base_of, columns, corners, file_at, split_word, weight_number
from objectif.data.writing import Bring, bring, put, reference, tree_names, unheld
from objectif.errors import DataError, LayoutAmbiguous

_IGNORE = ("ignore", "difficult", "iscrowd", "crowd")
_SIZES = ("width", "height", "depth")
_HEAD = ("path", "x1", "y1", "x2", "y2", "label")


@dataclass(frozen=True)
class _Entry:
    """One row: an image, what is said of it, and its object, if any."""

    path: str
    where: str
    mark: Mark | None
    group: str | None
    split: str | None
    weight: float


class BoxesCsv:
    """The format `boxes_csv`."""

    name = "boxes_csv"
    richness = 40
    boxes = True

    def sniff(self, path: Path) -> str | None:
        """Names the files that have a column of paths, one of labels and four of corners."""
        fitting = [file for file in candidates(path) if _fits(file)]
        return None if not fitting else f"{', '.join(f.name for f in fitting)} lists boxes"

    def read(self, path: Path) -> Dataset:
        """All rows; DataError names the line of what is wrong."""
        files = [file for file in candidates(path) if _fits(file)] or candidates(path)[:1]
        if not files:
            raise DataError(f"{path}: no CSV file. Expected one with the columns {', '.join(_HEAD)}.")
        if len(files) > 1 and not all(split_in(file.stem) for file in files):
            listed = ", ".join(f.name for f in files[:5]) + (", ..." if len(files) > 5 else "")
            raise LayoutAmbiguous(
                f"{path}: several CSV files list boxes: {listed}. Give the one that is meant instead of the folder."
            )
        entries = []
        unread: dict[str, None] = {}
        for file in files:
            split = split_in(file.stem) if len(files) > 1 else None
            content = table(file)
            entries += [replace(e, split=split or e.split) for e in _entries(file, content)]
            unread |= dict.fromkeys(_unread(content[0]))
        root = files[0].parent
        pictures, problems, base = _pictures(entries, root)
        notes = [f"layout 'boxes_csv': {', '.join(f.name for f in files)}", AS_THEY_STAND]
        if base != root:
            notes.append(f"paths are relative to {base.relative_to(root).as_posix()!r}")
        plain = files[0].stem.lower() in {"boxes", "labels", "annotations", "manifest"} or len(files) > 1
        name = root.resolve().name if plain else files[0].stem
        return build(
            pictures,
            root=root,
            layout=self.name,
            source=files[0],
            notes=notes,
            problems=problems,
            name=name,
            dropped=[f"columns that are not read: {', '.join(list(unread)[:12])}"] if unread else (),
        )

    def write(self, dataset: Dataset, to: Path, *, images: Bring = "copy") -> list[str]:
        """boxes.csv and, unless images is 'none', the folder images. Masks are lost."""
        names = [f"images/{name}" for name in tree_names(dataset)]
        bring(dataset, to, names, images)
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        extra = _extra(dataset)
        writer.writerow([*_HEAD, *extra])
        for sample, name in zip(dataset.samples, names, strict=True):
            said = {"group": sample.group or "", "split": sample.split or "", "weight": repr(sample.weight)}
            path = reference(sample.file, to, name, images)
            for box in sample.boxes or ():
                row = {**said, "ignore": int(box.ignore)}
                place = [repr(float(v)) for v in (box.x1, box.y1, box.x2, box.y2)]
                writer.writerow([path, *place, dataset.classes[box.label], *(row[k] for k in extra)])
            if not sample.boxes:
                writer.writerow([path, "", "", "", "", "", *({**said, "ignore": ""}[k] for k in extra)])
        put(to / "boxes.csv", stream.getvalue())
        return unheld(dataset, masks=True)


def _extra(dataset: Dataset) -> list[str]:
    """The optional columns that say something."""
    samples = dataset.samples
    return [
        *(["ignore"] if any(b.ignore for s in samples for b in s.boxes or ()) else []),
        *(["group"] if any(s.group is not None for s in samples) else []),
        *(["split"] if any(s.split is not None for s in samples) else []),
        *(["weight"] if any(s.weight != 1.0 for s in samples) else []),
    ]


def _fits(file: Path) -> bool:
    try:
        names, rows = table(file, limit=1)
    except DataError:
        return False
    return bool(rows) and corners(names) is not None and {"path", "label"} <= columns(names).keys()


def _entries(file: Path, content: Table) -> Iterator[_Entry]:
    names, rows = content
    role, places = columns(names), corners(names)
    if places is None or not {"path", "label"} <= role.keys():
        raise DataError(
            f"{file}: the columns are {', '.join(names)}; expected {', '.join(_HEAD)} (or xmin, ymin, xmax, ymax)."
        )
    at = {key: names.index(column) for key, column in role.items()}
    lower = [name.strip().lower() for name in names]
    ignored = next((lower.index(word) for word in _IGNORE if word in lower), None)
    four = [names.index(place) for place in places]
    for line, fields in rows:
        where = f"{file}, line {line}"
        if not fields[at["path"]].strip():
            raise DataError(f"{where}: the path is empty. Fill it in, or remove the row.")
        said = {key: fields[k].strip() for key, k in at.items()}
        place = [fields[k].strip() for k in four]
        found = None
        if any(place):
            ignore = ignored is not None and _flag(fields[ignored], where)
            found = mark(place, said["label"], where, ignore=ignore)
        split, weight = split_word(said.get("split", ""), where), weight_number(said.get("weight", ""), where)
        yield _Entry(fields[at["path"]], where, found, said.get("group") or None, split, weight)


def _unread(names: Sequence[str]) -> list[str]:
    """The columns that nothing is taken from; the size of an image is known without."""
    ignored = next((word for word in _IGNORE if word in {name.strip().lower() for name in names}), None)
    taken = {*columns(names).values(), *(corners(names) or ())}
    return [n for n in names if n.strip() and n not in taken and n.strip().lower() not in {ignored, *_SIZES}]


def _flag(text: str, where: str) -> bool:
    """Whether an object is to be ignored."""
    word = text.strip().lower()
    if word not in {"", "0", "1", "0.0", "1.0", "false", "true"}:
        raise DataError(f"{where}: ignore is {text!r}; expected 0 or 1.")
    return word in {"1", "1.0", "true"}


def _pictures(entries: list[_Entry], root: Path) -> tuple[list[Picture], Mapping[str, str], Path]:
    """Rows gathered by image; images that are not there are problems. Also the folder of the paths."""
    by_path: dict[str, list[_Entry]] = {}
    for entry in entries:
        by_path.setdefault(os.path.normpath(entry.path), []).append(entry)
    base = base_of([rows[0].path for rows in by_path.values()], root)
    pictures, problems = [], {}
    for rows in by_path.values():
        first = rows[0]
        for row in rows:
            if (row.group, row.split, row.weight) != (first.group, first.split, first.weight):
                raise DataError(
                    f"{row.where}: {row.path!r} has another group, split or weight than in {first.where}. "
                    "Expected the same in all rows of an image."
                )
        file = Path(os.path.normpath(file_at(base, first.path)))
        inside = file.is_relative_to(root)
        shown = file.relative_to(root).as_posix() if inside else first.path
        flaw = absence(file, first.where.rpartition(", ")[2])
        if flaw:
            problems[shown] = flaw
            continue
        marks = tuple(row.mark for row in rows if row.mark is not None)
        pictures.append(Picture(shown, file, marks, first.split, first.group, first.weight))
    return pictures, problems, base


FORMAT = BoxesCsv()
