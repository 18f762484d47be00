"""Legend files: which number or colour of a mask is which class, in the forms that are met.

    classes.txt     sky                 one name a line: the first is of number 0
                    0 sky               or number and name; * is any other number above 0, each an object of its own
                    128 64 64 sky       or red, green, blue and name, or name and colour, or #804040 sky
    class_dict.csv  name,r,g,b          with or without such a head
    colors.json     {"sky": [128, 64, 64]}, {"0": "sky"}, {"#804040": "sky"}, or a list of {"name", "color" or "id"}

The names void, unlabelled, unlabeled, ignore and the like are of pixels that are not counted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from objectif.errors import DataError

_NAMES = (
    "classes.txt labels.txt label_colors.txt label_colours.txt labelmap.txt class_names.txt codes.txt class_dict.csv "
    "classes.csv label_colors.csv colors.json colours.json classes.json"
)
NAMES = tuple(_NAMES.split(" "))
"""Names of files that are looked for, lower case, the first before the others."""
_VOIDS = "void unlabelled unlabeled ignore ignored unannotated ignore_index don't_care"
VOIDS = frozenset(_VOIDS.split(" "))
"""Names, lower case, of pixels that are not counted."""

Colour = tuple[int, int, int]
Key = int | Colour | None
"""A number, a colour, or nothing: its place in the list. ANY is every other number above 0."""
ANY = -1
Entry = tuple[Key, str]

_SPACE = r"[\s,;:=]+"
_FORMS = (
    re.compile(rf"(?P<hex>#[0-9a-fA-F]{{6}}){_SPACE}(?P<name>.+)"),
    re.compile(rf"(?P<r>\d{{1,3}}){_SPACE}(?P<g>\d{{1,3}}){_SPACE}(?P<b>\d{{1,3}}){_SPACE}(?P<name>.+)"),
    re.compile(rf"(?P<name>.+?){_SPACE}(?P<r>\d{{1,3}}){_SPACE}(?P<g>\d{{1,3}}){_SPACE}(?P<b>\d{{1,3}})[:;,\s]*"),
    re.compile(rf"(?P<name>.+?){_SPACE}(?P<hex>#[0-9a-fA-F]{{6}})"),
    re.compile(rf"(?P<value>\d+|\*){_SPACE}(?P<name>.+)"),
    re.compile(r"(?P<name>.+?)\s*[,;\t:=]\s*(?P<value>\d+)"),
)  # fmt: skip
_EXPECTED = "expected one name a line, a number and a name, or red, green, blue (0 to 255) and a name"


def is_void(name: str) -> bool:
    """Whether a class of this name is not counted."""
    return re.sub(r"[\s\-]+", "_", name.strip().lower()) in VOIDS


def read(file: Path) -> list[Entry]:
    """The entries of a legend file in its order; DataError says which line or entry is none."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file}: the legend cannot be read ({error}). Save it as UTF-8 text.") from None
    entries = _json(text, file) if file.suffix.lower() == ".json" else list(_lines(text, file))
    if not entries:
        raise DataError(f"{file}: the legend names no class; {_EXPECTED}.")
    kinds = {"number" if isinstance(k, int) else "colour" if k else "place" for k, _ in entries}
    if len(kinds) > 1:
        raise DataError(
            f"{file}: the legend has {' and '.join(sorted(kinds))} in turn; {_EXPECTED}, all alike."
        )
    seen: dict[Key, str] = {}
    for key, name in entries:
        if key is not None and seen.setdefault(key, name) != name:
            raise DataError(
                f"{file}: {shown(key)} is {seen[key]!r} and {name!r}; expected one name. Remove one."
            )
    return entries


def shown(key: Key) -> str:
    """A number or '#ff0000', for people."""
    if isinstance(key, tuple):
        return f"#{key[0]:02x}{key[1]:02x}{key[2]:02x}"
    return "any other number" if key == ANY else str(key)


def _lines(text: str, file: Path) -> Iterable[Entry]:
    first = True
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip().strip("\ufeff")
        if not line or (line.startswith("#") and _FORMS[0].fullmatch(line) is None):
            continue
        if first and file.suffix.lower() == ".csv" and not re.search(r"\d", line):
            first = False
            continue
        first = False
        yield _entry(line, f"{file}, line {number}")


def _entry(line: str, where: str) -> Entry:
    """One line; a name alone where no other form fits."""
    for form in _FORMS:
        found = form.fullmatch(line)
        if found is None:
            continue
        parts = found.groupdict()
        name = _name(parts["name"], where)
        if "value" in parts:
            return (ANY if parts["value"] == "*" else int(parts["value"])), name
        if "hex" in parts:
            return _of_hex(parts["hex"]), name
        return _colour([int(parts[c]) for c in "rgb"], where), name
    return None, _name(line, where)


def _name(text: str, where: str) -> str:
    name = text.strip().strip("\"'").strip(" ,;:")
    if not name:
        raise DataError(f"{where}: an entry of the legend without a name; {_EXPECTED}. Fill it in.")
    return name


def _of_hex(text: str) -> Colour:
    value = int(text.lstrip("#"), 16)
    return value >> 16, value >> 8 & 255, value & 255


def _colour(values: Any, where: str) -> Colour:
    if (
        not isinstance(values, list)
        or len(values) not in {3, 4}
        or not all(type(v) is int and 0 <= v <= 255 for v in values)
    ):
        raise DataError(f"{where}: {values!r:.60} is no colour; {_EXPECTED}. Correct it.")
    return values[0], values[1], values[2]


def _json(text: str, file: Path) -> list[Entry]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file}: the legend is not readable as JSON ({error}). Correct it.") from None
    if isinstance(content, Mapping):
        return [_pair(str(key), value, f"{file}, {key!r}") for key, value in content.items()]
    if isinstance(content, list):
        return [_record(item, f"{file}, entry {k}") for k, item in enumerate(content, 1)]
    raise DataError(f"{file}: the legend is {content!r:.40}; expected an object or a list of classes.")


def _pair(key: str, value: object, where: str) -> Entry:
    """ "sky": [r, g, b] or 3 or "#804040"; "3": "sky"; "#804040": "sky"."""
    if isinstance(value, str) and re.fullmatch(r"\d+|\*|#[0-9a-fA-F]{6}", key):
        return _entry(f"{key} {value}", where)
    if isinstance(value, str) and re.fullmatch(r"#[0-9a-fA-F]{6}", value):
        return _of_hex(value), _name(key, where)
    if type(value) is int and value >= 0:
        return value, _name(key, where)
    return _colour(value, where), _name(key, where)


def _record(item: object, where: str) -> Entry:
    """{"name": "sky", "color": [r, g, b]} or with "id"; or a name alone."""
    if isinstance(item, str):
        return None, _name(item, where)
    if not isinstance(item, Mapping) or not isinstance(item.get("name"), str):
        raise DataError(f"{where}: {item!r:.60}; expected a name, with color or id. Correct it.")
    name = item["name"]
    colour = next((item[k] for k in ("color", "colour", "rgb") if item.get(k) is not None), None)
    if colour is not None:
        return _pair(name, colour, where)
    number = next((item[k] for k in ("id", "value", "index") if item.get(k) is not None), None)
    return (None, _name(name, where)) if number is None else _pair(name, number, where)
