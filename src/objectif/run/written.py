"""Answers as others read them: JSON lines, CSV rows, one COCO table.

Bytes, not text, so that names in any encoding pass through whatever the locale is. The CSV of boxes and the COCO table
are those that this project reads as data again: a box that is wrong can be put right and learnt from.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from objectif.answers import Answer, Boxes
from objectif.images.prepare import Placement
from objectif.solution.file import Solution
from objectif.tasks import find


def kind(solution: Solution) -> type[Answer]:
    """The type of the answers that a Solution gives."""
    task, classes = find(solution.task), solution.classes
    silent = task.empty(1, len(classes))
    [answer] = task.answers([""], classes, silent, solution.decoding, solution.multilabel, [Placement(1, 1)])
    return type(answer)


def json_line(answer: Answer) -> bytes:
    """One line. Names that are not Unicode are escaped (\\udc..), all others are written as they are."""
    line = json.dumps(answer.as_dict(), ensure_ascii=False) + "\n"
    try:
        return line.encode()
    except UnicodeEncodeError:
        return (json.dumps(answer.as_dict()) + "\n").encode()


def csv_header(answers: type[Answer], classes: Sequence[str]) -> bytes:
    """The first line of a CSV of such answers."""
    if issubclass(answers, Boxes):
        return csv_row("path", "x1", "y1", "x2", "y2", "label", "score")
    return csv_row("path", "label", *(f"score:{name}" for name in classes))


def csv_rows(answer: Answer) -> bytes:
    """One row for a label (several joined by '|') with the probability of each class; one row for each box.

    An image without boxes has one row whose cells are empty, so that it is not taken for one that was never looked at.
    """
    if not isinstance(answer, Boxes):
        return csv_row(answer.path, answer.label, *(f"{score:.6f}" for score in answer.scores))
    rows = [
        csv_row(answer.path, *(f"{side:.2f}" for side in box), label, f"{score:.6f}")
        for box, label, score in zip(answer.boxes, answer.labels, answer.scores, strict=True)
    ]
    return b"".join(rows) or csv_row(answer.path, *[""] * 6)


def csv_row(*cells: str) -> bytes:
    """Cells as RFC 4180 has them, but with a bare newline at the end; a name's bytes pass through unchanged."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode("utf-8", "surrogateescape")


class Coco:
    """Boxes as one COCO table; ids count from 1 in the order of images, boxes and classes, so the same run gives the same."""

    def __init__(self, classes: Sequence[str]) -> None:
        self._images: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []
        self._ids = {name: k for k, name in enumerate(classes, 1)}

    def add(self, answer: Boxes) -> None:
        """One image with its boxes, [x, y, width, height] in pixels."""
        image = len(self._images) + 1
        size = {"width": answer.width, "height": answer.height}
        self._images.append({"id": image, "file_name": answer.path, **size})
        for box, label, score in zip(answer.boxes, answer.labels, answer.scores, strict=True):
            x1, y1, x2, y2 = (float(side) for side in box)
            self._annotations.append(
                {
                    "id": len(self._annotations) + 1,
                    "image_id": image,
                    "category_id": self._ids[label],
                    "bbox": [round(v, 2) for v in (x1, y1, x2 - x1, y2 - y1)],
                    "area": round((x2 - x1) * (y2 - y1), 2),
                    "iscrowd": 0,
                    "score": round(float(score), 6),
                }
            )

    def content(self) -> bytes:
        """The table: images, annotations with their score, categories."""
        categories = [{"id": k, "name": name} for name, k in self._ids.items()]
        table = {"images": self._images, "annotations": self._annotations, "categories": categories}
        return (json.dumps(table) + "\n").encode()
