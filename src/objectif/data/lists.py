"""Given split lists: text files of paths (train.txt, val.txt, test.txt, or fold0.txt, fold1.txt, ...).

Lines are relative to some folder above the data, seldom the one at hand, so a line is matched by the longest
common end of its path with the image's. Nothing is guessed: a line that fits no image or two stops the run.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from objectif.data.dataset import Dataset
from objectif.data.files import SPLIT_NAMES
from objectif.errors import DataError


def apply(dataset: Dataset, folder: Path) -> Dataset:
    """The Dataset with the splits of the lists in `folder`; images in no list are left out, which a note says.

    Raises DataError: no lists, both folds and train or val, a line that names no image or several, an image in two
    lists.
    """
    lists = _files(folder)
    index = _Index(dataset)
    given: dict[int, str] = {}
    for split, file in lists.items():
        for number, line in enumerate(_lines(file), 1):
            if not line.strip():
                continue
            row = index.row(line, f"{file}, line {number}")
            if given.setdefault(row, split) != split:
                raise DataError(
                    f"{file}, line {number}: {line!r} is already in {lists[given[row]].name}. "
                    "An image belongs to one list; remove it from the other."
                )
    if not given:
        raise DataError(f"{folder}: the lists {', '.join(f.name for f in lists.values())} are empty.")
    rows = sorted(given)
    samples = tuple(replace(dataset.samples[row], split=given[row]) for row in rows)
    sizes = ", ".join(f"{split} {sum(s.split == split for s in samples)}" for split in lists)
    notes = [*dataset.notes, f"splits from {folder}: {sizes}"]
    if any(s.split for s in dataset.samples):
        notes.append("the splits of the layout itself are replaced by these lists")
    left = len(dataset) - len(rows)
    if left:
        notes.append(f"{left} image(s) in no list left out")
    return replace(dataset, samples=samples, notes=tuple(notes))


def _files(folder: Path) -> dict[str, Path]:
    """Split -> file, sorted."""
    if not folder.is_dir():
        raise DataError(
            f"--splits {folder}: no such folder. Expected one with train.txt, val.txt, test.txt or fold*.txt."
        )
    found: dict[str, Path] = {}
    for file in sorted(folder.glob("*.txt"), key=lambda f: (len(f.stem), f.stem)):
        stem = file.stem.lower()
        number = stem.removeprefix("fold").strip("_-") if stem.startswith("fold") else ""
        split = f"fold{int(number)}" if number.isdecimal() else SPLIT_NAMES.get(stem)
        if split is None:
            continue
        if split in found:
            raise DataError(f"{folder}: {found[split].name} and {file.name} are the same split. Keep one.")
        found[split] = file
    folds = [split for split in found if split.startswith("fold")]
    if folds and {"train", "val"} & set(found):
        raise DataError(
            f"{folder}: fold lists beside train or val lists. Keep one kind (folds may go with test.txt)."
        )
    if len(folds) == 1:
        raise DataError(f"{folder}: one fold list only ({found[folds[0]].name}). Expected at least two.")
    if not found:
        raise DataError(
            f"{folder}: no lists. Expected train.txt, val.txt, test.txt or fold0.txt, fold1.txt, ..."
        )
    return found


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file}: cannot be read as UTF-8 text ({error}). Save it again.") from None


class _Index:
    """Finds the image that a line names."""

    def __init__(self, dataset: Dataset) -> None:
        base = dataset.root.resolve().parts
        self.samples = dataset.samples
        self.root = dataset.root
        self.by_name: dict[str, list[tuple[int, tuple[str, ...], int]]] = {}
        for row, sample in enumerate(dataset.samples):
            own = tuple(sample.path.split("/"))
            self.by_name.setdefault(own[-1], []).append((row, (*base, *own), len(own)))

    def row(self, line: str, where: str) -> int:
        """The row whose path has the longest end in common with `line`: all of the line, or all of Sample.path."""
        parts = tuple(p for p in line.rstrip("\r").replace("\\", "/").split("/") if p not in {"", "."})
        best: list[int] = []
        longest = 0
        for row, full, own in self.by_name.get(parts[-1] if parts else "", ()):
            common = _common_end(parts, full)
            if common < min(len(parts), own) or common < longest:
                continue
            if common > longest:
                best, longest = [], common
            best.append(row)
        if not best:
            raise DataError(
                f"{where}: {line!r} names no image in {self.root}. Correct the line or the data folder."
            )
        if len(best) > 1:
            shown = ", ".join(repr(self.samples[row].path) for row in best[:3])
            raise DataError(f"{where}: {line!r} fits {len(best)} images ({shown}). Write more of the path.")
        return best[0]


def _common_end(a: tuple[str, ...], b: tuple[str, ...]) -> int:
    """How many last parts are equal."""
    count = 0
    for x, y in zip(reversed(a), reversed(b), strict=False):
        if x != y:
            break
        count += 1
    return count
