"""Corrections of labels that somebody made while looking: a file beside the data, never a change in the data.

Two files lie beside the folder `flowers`: flowers.corrections.csv (path, was, is; an empty `is` drops the picture) says
what a person decided, one line each, to be kept, mailed or thrown away. flowers.corrected.csv lists all pictures with the
labels that hold now, a layout that every verb reads: `objectif solve flowers.corrected.csv`. Deleting both undoes all.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from objectif.data.dataset import Dataset
from objectif.errors import DataError, RunError
from objectif.runs.storage import write_whole

DROPPED = ""


class Corrections:
    """The corrections of one folder of images, each of one class; place: the folder for both files.

    DataError for data of another kind.
    """

    def __init__(self, data: Path, dataset: Dataset, place: Path) -> None:
        if not data.is_dir() or dataset.multilabel or any(s.item is not None for s in dataset.samples):
            raise DataError(
                f"{data.name}: labels can be corrected here in a folder of images with one class each; this is {dataset.layout!r}. "
                "Edit its labels where they are written."
            )
        self.dataset = dataset
        self.file, self.manifest = (
            place / f"{data.name}.{word}.csv" for word in ("corrections", "corrected")
        )
        self.prefix = data.name if place == data.parent else str(data)

    def read(self) -> dict[str, str]:
        """Path in the data -> the class that it is, DROPPED where it is to be left out."""
        try:
            with open(self.file, encoding="utf-8", newline="") as stream:
                return {row["path"]: row["is"] for row in csv.DictReader(stream)}
        except FileNotFoundError:
            return {}
        except (OSError, KeyError, csv.Error, UnicodeDecodeError) as error:
            raise DataError(
                f"{self.file} cannot be read ({error}); expected the columns path, was, is."
            ) from error

    def say(self, number: int, label: str | None) -> None:
        """Write down what picture `number` is: a class, DROPPED, or None for what the data say. DataError otherwise."""
        sample, known = self.dataset.samples[number], self.read()
        if label not in {None, DROPPED, *self.dataset.classes}:
            raise DataError(f"label is {label!r}; expected one of {', '.join(self.dataset.classes[:20])}.")
        known.pop(sample.path, None)
        if label is not None and label != self.dataset.classes[sample.labels[0]]:
            known[sample.path] = label
        self._write(known)

    def _write(self, known: dict[str, str]) -> None:
        was = {s.path: self.dataset.classes[s.labels[0]] for s in self.dataset.samples}
        lines = [[path, was.get(path, ""), label] for path, label in sorted(known.items())]
        rows = [
            [f"{self.prefix}/{s.path}", known.get(s.path, was[s.path]), s.group or "", s.split or ""]
            for s in self.dataset.samples
            if known.get(s.path) != DROPPED
        ]
        try:
            write_whole(self.file, _csv(["path", "was", "is"], lines))
            write_whole(self.manifest, _csv(*_without_empty(["path", "label", "group", "split"], rows)))
        except RunError as error:
            raise DataError(f"corrections are written beside the data: {error}") from error


def _without_empty(heads: list[str], rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    """The table without columns that say nothing."""
    kept = [k for k in range(len(heads)) if k < 2 or any(row[k] for row in rows)]
    return [heads[k] for k in kept], [[row[k] for k in kept] for row in rows]


def _csv(heads: list[str], rows: list[list[str]]) -> bytes:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerows([heads, *rows])
    return stream.getvalue().encode("utf-8", "surrogateescape")
