"""problem.toml: reading it, with the line of each fault; writing it, with the reason of each choice."""

from __future__ import annotations

import os
import tempfile
import tomllib
from collections.abc import Mapping
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from objectif.errors import ProblemError
from objectif.problem import comments, installed, toml, values
from objectif.problem.readers import close_to
from objectif.problem.statement import Problem
from objectif.problem.values import SECTIONS, Fault

if TYPE_CHECKING:
    from objectif.data.dataset import Dataset


def read(path: Path | str) -> Problem:
    """The Problem that a problem.toml states; relative paths in it start at its folder.

    ProblemError has one line for each fault: file, line, value, what was expected, remedy.
    """
    path = Path(path)
    text = _text(path)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line, what = toml.syntax_line(error, text)
        raise ProblemError(
            f"{path}:{line}: not valid TOML: {what}. Text stands in quotes, lists in []."
        ) from None
    problem, faults = _problem(table, path.absolute().parent)
    if problem is None or faults:
        where = toml.lines(text)
        marked = sorted(((toml.line_of(where, f.key), f.text) for f in faults), key=itemgetter(0))
        raise ProblemError("\n".join(f"{path}:{line}: {what}" for line, what in marked))
    return problem


def write(problem: Problem, path: Path | str, dataset: Dataset | None = None) -> None:
    """Write problem.toml with every choice spelled out and why; `dataset` adds what was found in the data.

    The file is replaced whole or not at all. ProblemError where it cannot be written.
    """
    path = Path(path)
    folder = path.absolute().parent
    try:
        content = comments.text(problem, folder, dataset)
    except ValueError as error:
        raise ProblemError(f"{path}: cannot be written: {error}. Rename the file or folder.") from None
    try:
        handle, name = tempfile.mkstemp(dir=folder, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(content)
            Path(name).chmod(0o644)
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise ProblemError(
            f"{path}: cannot be written ({error.strerror}). Choose a folder that exists and has room."
        ) from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ProblemError(f"{path}: not UTF-8 text; expected a problem.toml.") from None
    except OSError as error:
        raise ProblemError(f"{path}: {error.strerror}; `objectif init DATA` writes a problem.toml.") from None


def _problem(table: Mapping[str, Any], folder: Path) -> tuple[Problem | None, list[Fault]]:
    """The Problem of a parsed file, or all that is wrong with it."""
    given, faults = _fields(table)
    if "data" not in table and not any("did you mean 'data'" in fault.text for fault in faults):
        faults.append(
            Fault((), 'no key data; expected the path of the labelled images, as in data = "photos".')
        )
    given.setdefault("metric", "cost" if "cost" in given else "auto")
    read, more = values.read(given, folder)
    faults += more
    if not more:
        faults += values.contradictions(read)
    if faults:
        return None, faults
    problem = Problem(**read)
    return problem, list(installed.faults(problem))


def _fields(table: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """The file's sections as one table of fields, and the keys that are not known there."""
    flat: dict[str, Any] = {}
    faults: list[Fault] = []
    for section, known in SECTIONS.items():
        inside = table.get(section, {}) if section else table
        if not isinstance(inside, Mapping):
            faults.append(
                Fault((section,), f"{section} = {values.shown(inside)}: expected a section [{section}].")
            )
            continue
        if section == "limits":
            flat[section] = inside  # its own keys are checked with its values
            continue
        for key, value in inside.items():
            if key in known:
                flat[key] = value
            elif section or key not in SECTIONS:
                faults.append(Fault((section, key) if section else (key,), _unknown(section, key)))
    return flat, faults


def _unknown(section: str, key: str) -> str:
    """What to say of a key that is not known in this section."""
    home = next((name for name, keys in SECTIONS.items() if key in keys), None)
    if home is not None:
        place = f"under [{home}]" if home else "above all sections"
        return f"key {key!r} does not belong here; move it {place}."
    near = close_to(key, [k for keys in SECTIONS.values() for k in keys])
    known = ", ".join((*SECTIONS[section], *([] if section else ["[limits]", "[search]"])))
    return f"unknown key {toml.visible(key)!r}; known here are {known}{near or '.'}"
