"""Layout: a CSV that lists images and labels, one row each.

    path,label,group,split,weight        group, split and weight are optional
    a.jpg,rose,plant7,train,1

Multi-label: labels joined by '|' or ';' in one column, or a column of 0 and 1 per class. Comma, semicolon and tab
separate. Several files named after splits (train.csv, test.csv) are read as one.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from objectif.data.dataset import Dataset
from objectif.data.files import SPLIT_NAMES
from objectif.data.rows import Row, build, columns, corners, split_word, weight_number
from objectif.errors import DataError, LayoutAmbiguous

Table = tuple[list[str], list[tuple[int, list[str]]]]
"""(names of columns, [(line number, fields)])."""

_HOT = {"0": False, "1": True, "0.0": False, "1.0": True}


class Manifest:
    """The format `manifest`."""

    name = "manifest"
    richness = 20

    def sniff(self, path: Path) -> str | None:
        """Names the file and its columns where a CSV has a column of paths and one of labels (or of 0 and 1)."""
        fitting = [file for file in candidates(path) if _fits(file)]
        return None if not fitting else f"{', '.join(f.name for f in fitting)} lists paths and labels"

    def read(self, path: Path) -> Dataset:
        """All rows; DataError names the line of what is wrong."""
        files = candidates(path)
        if not files:
            raise DataError(f"{path}: no CSV file. Expected one with the columns path and label.")
        files = [file for file in files if _fits(file)] or files[:1]
        tables = {file: table(file) for file in files}
        root = files[0].parent
        if len(files) > 1 and not all(file.stem.lower() in SPLIT_NAMES for file in files):
            listed = ", ".join(f.name for f in files[:5]) + (", ..." if len(files) > 5 else "")
            raise LayoutAmbiguous(
                f"{path}: several CSV files list images: {listed}. Give the one that is meant instead of the folder."
            )
        roles = {file: _roles(file, tables[file]) for file in files}
        if len({tuple(sorted(r.items())) for r in roles.values()}) > 1:
            raise DataError(
                f"{path}: {', '.join(f.name for f in files)} have different columns. Make them equal."
            )
        role, names = roles[files[0]], tables[files[0]][0]
        joint = _joint(tables.values(), names, role)
        hot = [] if "label" in role else _hot_columns(tables[files[0]], role)
        rows = [r for file in files for r in _rows(file, tables[file], role, joint, hot, len(files) > 1)]
        one_each = bool(hot) and all(len(r.labels) == 1 for r in rows)
        multilabel = bool(joint) or (bool(hot) and not one_each)
        notes = _notes(files, names, role, joint, hot, one_each)
        return build(
            rows,
            manifest=files[0],
            root=root,
            layout=self.name,
            multilabel=multilabel,
            classes=hot or None,
            notes=notes,
        )


def candidates(path: Path) -> list[Path]:
    """The CSV file that is meant, or those in a folder, sorted."""
    if path.is_file():
        return [path] if path.suffix.lower() in {".csv", ".tsv"} else []
    return sorted(f for f in path.iterdir() if f.suffix.lower() in {".csv", ".tsv"} and f.is_file())


def _fits(file: Path) -> bool:
    """Whether a file has the columns of a manifest; a cheap look at its first rows."""
    try:
        names, rows = table(file, limit=50)
    except DataError:
        return False
    role = columns(names)
    if "path" not in role or not rows or corners(names) is not None:  # boxes are for another layout
        return False
    if "label" in role:
        return True
    return len(_hot_columns((names, rows), role)) == len(names) - len(role) >= 2


def table(file: Path, limit: int | None = None) -> Table:
    """Header and rows of a CSV in UTF-8. Raises DataError: unreadable, other encoding, ragged rows, no header."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            start = stream.readline()
            stream.seek(0)
            reader = csv.reader(stream, delimiter=max(",;\t", key=start.count), strict=True)
            names = [name.strip() for name in next(reader, [])]
            rows = []
            for fields in reader:
                if any(field.strip() for field in fields):
                    _check_width(file, reader.line_num, fields, names)
                    rows.append((reader.line_num, fields))
                if limit is not None and len(rows) >= limit:
                    break
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: not UTF-8 (byte {error.start}). Save it as UTF-8.") from None
    except csv.Error as error:
        raise DataError(f"{file}: not a readable CSV ({error}). Save it again as CSV.") from None
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror}). Check its permissions.") from None
    twice = sorted({name for name in names if names.count(name) > 1})
    if not names or twice:
        what = f"the column {twice[0]!r} is there twice" if twice else "the file is empty"
        raise DataError(f"{file}: {what}. Expected a header such as path,label.")
    return names, rows


def _check_width(file: Path, line: int, fields: list[str], names: list[str]) -> None:
    if len(fields) != len(names):
        raise DataError(
            f"{file}, line {line}: {len(fields)} field{'s' * (len(fields) != 1)}; expected {len(names)} ({', '.join(names)}). "
            "Put names that hold the separator between double quotes."
        )


def _roles(file: Path, content: Table) -> dict[str, str]:
    """Role -> column; DataError where paths or labels are missing."""
    names = content[0]
    role = columns(names)
    if "path" not in role:
        raise DataError(
            f"{file}: no column of paths among {', '.join(names)}. Expected path and label in the header."
        )
    if "label" not in role and len(_hot_columns(content, role)) < 2:
        raise DataError(
            f"{file}: no column of labels among {', '.join(names)}. Expected label, or a column of 0 and 1 per class."
        )
    return role


def _hot_columns(content: Table, role: dict[str, str]) -> list[str]:
    """Names of the columns without a role that hold 0 and 1 only."""
    names, rows = content
    return [
        name
        for k, name in enumerate(names)
        if name not in role.values() and all(fields[k].strip() in _HOT for _, fields in rows)
    ]


def _joint(tables: Iterable[Table], names: list[str], role: dict[str, str]) -> str:
    """What joins the labels of one image: '|', ';' or '' for one label each."""
    if "label" not in role:
        return ""
    at = names.index(role["label"])
    labels = [fields[at] for _, rows in tables for _, fields in rows]
    return next((mark for mark in "|;" if any(mark in label for label in labels)), "")


def _rows(
    file: Path, content: Table, role: dict[str, str], joint: str, hot: list[str], by_name: bool
) -> Iterator[Row]:
    """The rows in one form."""
    names, lines = content
    at = {key: names.index(name) for key, name in role.items()}
    for line, fields in lines:
        where = f"{file}, line {line}"
        text = {key: fields[k].strip() for key, k in at.items()}
        path = fields[at["path"]]
        if not path.strip():
            raise DataError(f"{where}: the path is empty. Fill it in, or remove the row.")
        if hot:
            labels = tuple(name for name in hot if _HOT[_cell(fields[names.index(name)], where, name)])
        else:
            parts = text["label"].split(joint) if joint else [text["label"]]
            labels = tuple(dict.fromkeys(p.strip() for p in parts if p.strip()))
        row = Row(
            line,
            path,
            labels,
            text.get("group") or None,
            split_word(text.get("split", ""), where),
            weight_number(text.get("weight", ""), where),
        )
        yield replace(row, split=SPLIT_NAMES[file.stem.lower()]) if by_name else row


def _cell(text: str, where: str, name: str) -> str:
    """A 0 or a 1; a second file may hold something else where the first did not."""
    if text.strip() not in _HOT:
        raise DataError(f"{where}: {text!r} in column {name!r}; expected 0 or 1.")
    return text.strip()


def _notes(
    files: list[Path], names: list[str], role: dict[str, str], joint: str, hot: list[str], one_each: bool
) -> list[str]:
    """Sentences about how the file was read."""
    said = ", ".join(f"{key} = {name!r}" if key != name else key for key, name in role.items())
    notes = [f"layout 'manifest': {', '.join(f.name for f in files)} ({said})"]
    if joint:
        notes.append(f"labels are joined by {joint!r}: multi-label")
    if hot:
        kind = "every row has exactly one 1: one label per image" if one_each else "multi-label"
        notes.append(f"{len(hot)} columns of 0 and 1 are the classes; {kind}")
    unused = [name for name in names if name not in role.values() and name not in hot]
    if unused:
        notes.append(f"columns not used: {', '.join(unused[:12])}{', ...' if len(unused) > 12 else ''}")
    return notes


FORMAT = Manifest()
