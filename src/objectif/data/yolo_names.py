"""What the class numbers of YOLO mean: the names in data.yaml or classes.txt, and whether all files say the same.

    data.yaml     names: [ape, bee]     or {0: ape, 1: bee}; nc, where it is there, is how many
    classes.txt   ape                   one name a line, the first is of id 0; obj.names and classes.names are alike

data.yaml goes first. Another list beside the labels may name more or fewer ids, which is said, but none otherwise: to
choose between two names of an id would rename every object of it, unseen. So would a guess at ids that do not fit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from objectif.data.files import Listing, Parts
from objectif.errors import DataError

NAMES = ("classes.txt", "obj.names", "classes.names")
"""Files that list the names of classes, lower case."""

Description = tuple[Path, Mapping[str, Any]]
"""A data.yaml: its place and content."""


def describes(given: Path | None, root: Path, found: Listing) -> bool:
    """Whether a YAML file has a list or a map of names."""
    try:
        description = describe(given, root, found)
    except DataError:  # a broken file, maybe of something else, must not hide the other layouts
        return False
    return description is not None and isinstance(description[1].get("names"), list | dict)


def describe(given: Path | None, root: Path, found: Listing) -> Description | None:
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


def class_names(
    root: Path,
    found: Listing,
    description: Description | None,
    labels: Iterable[Parts],
) -> tuple[dict[int, str], Path | None, list[str]]:
    """Id -> name, the file that says so, and sentences about others that say it too; nothing where none does.

    DataError where another file beside the labels has another name for an id: one of them would rename every object.
    """
    lists = sorted((p for p in (*found.texts, *found.others) if p[-1].lower() in NAMES), key=len)
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
