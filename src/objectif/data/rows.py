"""Rows of a manifest become a Dataset: files found, labels indexed, every flaw named with its line.

Shared by the layouts that list images one by one (CSV, JSON lines).
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from objectif.data.dataset import Dataset, Sample
from objectif.data.files import SPLIT_NAMES
from objectif.errors import DataError

WORDS = {
    "path": ("path", "file", "filename", "file_name", "filepath", "file_path", "image", "image_path", "img"),
    "label": ("label", "labels", "class", "category", "target"),
    "group": ("group", "group_id", "patient", "patient_id", "subject", "subject_id"),
    "split": ("split", "set", "subset", "fold"),
    "weight": ("weight", "sample_weight"),
}
"""What the columns of a manifest may be called (any case); the first that is there is taken."""


@dataclass(frozen=True)
class Row:
    """One line. labels: () is an image without a label (or with none of the classes, where multi-label)."""

    line: int
    path: str
    labels: tuple[str, ...]
    group: str | None = None
    split: str | None = None
    weight: float = 1.0


def columns(names: Sequence[str]) -> dict[str, str]:
    """Role -> name of the column that plays it, for the names of WORDS that are there."""
    lower = {name.strip().lower(): name for name in reversed(names)}
    found = {role: next((lower[w] for w in words if w in lower), None) for role, words in WORDS.items()}
    return {role: name for role, name in found.items() if name is not None}


CORNERS = (
    ("x1", "y1", "x2", "y2"),
    ("xmin", "ymin", "xmax", "ymax"),
    ("x_min", "y_min", "x_max", "y_max"),
    ("left", "top", "right", "bottom"),
)
"""What the columns of a box's corners may be called, in any case."""


def corners(names: Sequence[str]) -> tuple[str, str, str, str] | None:
    """The columns of x1, y1, x2, y2; None where there are none."""
    lower = {name.strip().lower(): name for name in reversed(names)}
    for x1, y1, x2, y2 in CORNERS:
        if {x1, y1, x2, y2} <= lower.keys():
            return lower[x1], lower[y1], lower[x2], lower[y2]
    return None


def split_word(text: str, where: str) -> str | None:
    """'train', 'val', 'test' or 'fold3' from what a manifest says; None for nothing; DataError for the rest."""
    word = text.strip().lower()
    if not word:
        return None
    if word in SPLIT_NAMES:
        return SPLIT_NAMES[word]
    number = word.removeprefix("fold").strip("_- ")
    if number.isdecimal():
        return f"fold{int(number)}"
    raise DataError(f"{where}: split {text!r}; expected train, val or test, or fold0, fold1, ... Correct it.")


def weight_number(text: str, where: str) -> float:
    """A positive finite number; DataError otherwise. Nothing is 1."""
    if not text.strip():
        return 1.0
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (value > 0 and math.isfinite(value)):
        raise DataError(
            f"{where}: weight {text!r}; expected a number above 0. Correct it, or remove the row."
        )
    return value


def build(
    rows: Iterable[Row],
    *,
    manifest: Path,
    root: Path,
    layout: str,
    multilabel: bool,
    classes: Sequence[str] | None = None,
    notes: Sequence[str] = (),
) -> Dataset:
    """The Dataset of these rows. Paths are relative to `root`, or to a folder in it that holds them all.

    Images that are not there and rows without a label go to `problems`. Raises DataError where one path has two
    labels, or nothing usable is left.
    """
    kept, repeated = _once(rows, manifest)
    if not kept:
        raise DataError(f"{manifest}: no rows below the header. Expected one row per image.")
    base = base_of([row.path for row in kept], root)
    used = sorted({label for row in kept for label in row.labels})
    names = used if classes is None else [c for c in classes if c in set(used)]
    samples, problems = _samples(kept, base, root, names, multilabel)
    if not samples:
        path, why = next(iter(problems.items()))
        raise DataError(
            f"{manifest}: none of its {len(problems)} images can be used ({path!r}: {why}). "
            f"Paths are looked up from {root}; correct them, or move the manifest beside the images."
        )
    said = [*notes, *_said(kept, repeated, base, root, samples)]
    if len(names) < len(classes or names):
        said.append(
            f"classes that no image has left out: {', '.join(sorted(set(classes or ()) - set(names)))}"
        )
    name = root.resolve().name if manifest.stem in {"manifest", "labels", "data"} else manifest.stem
    return Dataset(name, root, layout, tuple(names), samples, multilabel, tuple(said), problems)


def _said(rows: list[Row], repeated: int, base: Path, root: Path, samples: Sequence[Sample]) -> list[str]:
    """Sentences about how the rows were read."""
    said = []
    if base != root:
        said.append(f"paths are relative to {base.relative_to(root).as_posix()!r}")
    if repeated:
        said.append(f"{repeated} repeated row(s) counted once")
    lost = len(rows) - len(samples)
    if lost:
        said.append(f"{lost} of {len(rows)} rows cannot be used (no such file, or no label): left out")
    unsplit = sum(s.split is None for s in samples)
    if 0 < unsplit < len(samples):
        said.append(f"{unsplit} image(s) without a split are used for training")
    return said


def _samples(
    rows: list[Row], base: Path, root: Path, names: Sequence[str], multilabel: bool
) -> tuple[tuple[Sample, ...], dict[str, str]]:
    """The usable rows, sorted by path, and path -> why for the others."""
    index = {name: k for k, name in enumerate(names)}
    samples, problems = [], {}
    for row in rows:
        file = file_at(base, row.path)
        shown = Path(os.path.relpath(file, root)).as_posix() if file.is_relative_to(root) else row.path
        flaw = _flaw(file, row, multilabel)
        if flaw:
            problems[shown] = flaw
            continue
        labels = tuple(sorted(index[label] for label in row.labels))
        samples.append(Sample(shown, file, labels, group=row.group, split=row.split, weight=row.weight))
    return tuple(sorted(samples, key=lambda s: s.path)), problems


def _once(rows: Iterable[Row], manifest: Path) -> tuple[list[Row], int]:
    """Rows with each path once, and how many were repeats; DataError where repeats disagree."""
    first: dict[str, Row] = {}
    repeated = 0
    for row in rows:
        before = first.setdefault(os.path.normpath(row.path), row)
        if before is row:
            continue
        repeated += 1
        if (before.labels, before.group, before.split) != (row.labels, row.group, row.split):
            raise DataError(
                f"{manifest}, line {row.line}: {row.path!r} is already in line {before.line} with another label, "
                f"group or split ({', '.join(before.labels) or 'none'}; here {', '.join(row.labels) or 'none'}). "
                "Keep one row per image; join several labels with '|'."
            )
    return list(first.values()), repeated


def base_of(paths: Sequence[str], root: Path) -> Path:
    """`root`, or the first folder in it where some of the first images are while none is under `root`."""
    probes = paths[:20]
    inner = sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
    for base in (root, *inner):
        if any(file_at(base, path).is_file() for path in probes):
            return base
    return root


def file_at(base: Path, path: str) -> Path:
    """Where a manifest's path points; one written on Windows is understood."""
    file = base / path
    if "\\" in path and not file.exists():
        return base / path.replace("\\", "/")
    return file


def _flaw(file: Path, row: Row, multilabel: bool) -> str | None:
    """Why a row cannot be used."""
    if not row.labels and not multilabel:
        return f"no label (line {row.line})"
    return absence(file, f"line {row.line}")


def absence(file: Path, where: str) -> str | None:
    """Why there is no file at this path, or None; `where` it is named."""
    try:
        if file.is_file():
            return None
        return f"is a folder ({where})" if file.is_dir() else f"no such file ({where})"
    except (OSError, ValueError) as error:
        return f"impossible path ({where}: {error})"
