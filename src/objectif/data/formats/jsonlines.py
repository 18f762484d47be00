"""Layout: JSON lines, one object per image.

    {"path": "a.jpg", "label": "rose", "group": "plant7", "split": "train", "weight": 1}

Multi-label: "label" is a list.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from objectif.data.dataset import Dataset
from objectif.data.rows import Row, build, columns, split_word, weight_number
from objectif.errors import DataError, LayoutAmbiguous

SUFFIXES = {".jsonl", ".ndjson", ".jsonlines"}


class JsonLines:
    """The format `jsonlines`."""

    name = "jsonlines"
    richness = 21

    def sniff(self, path: Path) -> str | None:
        """Names the file whose first object has a path and a label."""
        fitting = [file for file in candidates(path) if _fits(file)]
        return None if not fitting else f"{', '.join(f.name for f in fitting)} lists paths and labels"

    def read(self, path: Path) -> Dataset:
        """All lines; DataError names the line of what is wrong."""
        files = [file for file in candidates(path) if _fits(file)] or candidates(path)[:1]
        if not files:
            raise DataError(f"{path}: no JSON lines file (.jsonl, .ndjson).")
        if len(files) > 1:
            raise LayoutAmbiguous(
                f"{path}: several files list images: {', '.join(map(str, files))}. "
                "Give the one that is meant instead of the folder."
            )
        objects = list(_objects(files[0]))
        several = any(isinstance(_label(o), list) and len(_label(o)) != 1 for _, o in objects)
        rows = [_row(files[0], line, values) for line, values in objects]
        notes = [f"layout 'jsonlines': {files[0].name}{', several labels per image' if several else ''}"]
        known = {name for _, o in objects for name in columns(list(o)).values()}
        unused = sorted({name for _, o in objects for name in o} - known)
        if unused:
            notes.append(f"keys not used: {', '.join(unused[:12])}{', ...' if len(unused) > 12 else ''}")
        return build(
            rows, manifest=files[0], root=files[0].parent, layout=self.name, multilabel=several, notes=notes
        )


def candidates(path: Path) -> list[Path]:
    """The file that is meant, or those in a folder, sorted."""
    if path.is_file():
        return [path] if path.suffix.lower() in SUFFIXES else []
    return sorted(f for f in path.iterdir() if f.suffix.lower() in SUFFIXES and f.is_file())


def _fits(file: Path) -> bool:
    try:
        _, first = next(_objects(file), (0, {}))
    except DataError:
        return False
    return {"path", "label"} <= columns(list(first)).keys()


def _objects(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line number, object) of each line that is not blank."""
    try:
        with file.open(encoding="utf-8-sig") as stream:
            for line, text in enumerate(stream, 1):
                if not text.strip():
                    continue
                try:
                    values = json.loads(text)
                except (json.JSONDecodeError, RecursionError) as error:
                    raise DataError(
                        f"{file}, line {line}: not JSON ({error}). One object per line."
                    ) from None
                if not isinstance(values, dict):
                    raise DataError(
                        f"{file}, line {line}: {text.strip()[:40]!r}; expected an object {{...}}."
                    )
                yield line, values
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: not UTF-8 (byte {error.start}). Save it as UTF-8.") from None
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror}). Check its permissions.") from None


def _label(values: dict[str, Any]) -> Any:
    return values.get(columns(list(values)).get("label", ""))


def _row(file: Path, line: int, values: dict[str, Any]) -> Row:
    """One object as a Row."""
    where = f"{file}, line {line}"
    role = columns(list(values))
    path = values.get(role.get("path", ""))
    if not isinstance(path, str) or not path.strip():
        raise DataError(
            f'{where}: path is {path!r}; expected a text such as "roses/a.jpg". Keys: {list(values)}.'
        )
    if "label" not in role:
        raise DataError(f'{where}: no label among the keys {", ".join(values)}. Expected "label": "rose".')
    label = values[role["label"]]
    listed = label if isinstance(label, list) else [] if label is None else [label]
    if not all(isinstance(item, str | int) for item in listed):
        raise DataError(f"{where}: label is {label!r}; expected a text, or a list of texts.")
    texts = (str(item).strip() for item in listed)
    extra = {key: _text(values.get(role.get(key, ""))) for key in ("group", "split", "weight")}
    return Row(
        line,
        path,
        tuple(dict.fromkeys(text for text in texts if text)),
        extra["group"] or None,
        split_word(extra["split"], where),
        weight_number(extra["weight"], where),
    )


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


FORMAT = JsonLines()
