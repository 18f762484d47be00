"""Answers as others read them: JSON lines, CSV rows, one COCO table, pictures of masks, restored pictures.

Bytes, not text, so that names in any encoding pass through whatever the locale is. The CSV of boxes and the COCO table
are those that this project reads as data again: a box that is wrong can be put right and learnt from. The CSV of masks
is the table of their objects, because a row for each picture would tell nothing that JSON lines do not.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from objectif.answers import AnomalyMap, Answer, Boxes, Masks, Picture
from objectif.data.outlines import rle
from objectif.data.pieces import pieces
from objectif.errors import InputError
from objectif.images.prepare import Placement
from objectif.run.palette import table
from objectif.run.regions import Spacing
from objectif.run.sheets import SHEETS
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


_MOST = 65_535  # objects that a 16-bit picture can number
_JUDGED = ("act", "why")


def csv_header(
    answers: type[Answer],
    classes: Sequence[str],
    channels: int = 0,
    unit: str | None = None,
    *,
    judged: bool = False,
) -> bytes:
    """The first line of a CSV of such answers.

    Of masks only: channels: those of which csv_rows() tells the means; unit: of the spacing that csv_rows() is given, as it
    is to stand in the columns' names (area_um2, perimeter_um). judged: the last columns are act and why.
    """
    columns = SHEETS[answers].columns(classes, channels, unit)
    return csv_row(*columns, *(_JUDGED if judged else ()))


def csv_rows(
    answer: Answer,
    pixels: NDArray[Any] | None = None,
    channels: int = 0,
    spacing: Spacing | None = None,
    *,
    judged: bool = False,
) -> bytes:
    """One row for a label (several joined by '|') with the probability of each class; one row for each box or object.

    An image without boxes or objects has one row whose cells are empty, so that it is not taken for one that was never
    looked at. pixels, channels, spacing: of the objects of masks, see sheets.py. judged: each row ends with what may be done
    with the answer and why; empty where nobody judged it.
    """
    told = answer.judgement
    last = () if not judged else ("", "") if told is None else (told.act, told.reason)
    rows = SHEETS[type(answer)].rows(answer, pixels, channels, spacing)
    return b"".join(csv_row(answer.path, *row, *last) for row in rows)


def csv_row(*cells: str) -> bytes:
    """Cells as RFC 4180 has them, but with a bare newline at the end; a name's bytes pass through unchanged."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode("utf-8", "surrogateescape")


class Coco:
    """Boxes or objects as one COCO table; ids count from 1 in their order, so the same run gives the same."""

    def __init__(self, classes: Sequence[str]) -> None:
        self._images: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []
        self._ids = {name: k for k, name in enumerate(classes, 1)}

    def add(self, answer: Boxes | Masks) -> None:
        """One image with its boxes, [x, y, width, height] in pixels, or with its objects as runs of pixels."""
        image = len(self._images) + 1
        size = answer.mask.shape if isinstance(answer, Masks) else (answer.height, answer.width)
        told = {"id": image, "file_name": answer.path, "width": size[1], "height": size[0]}
        self._images.append(told)
        if isinstance(answer, Masks):
            self._objects(answer, image)
            return
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

    def _objects(self, answer: Masks, image: int) -> None:
        """The objects of a mask; a class that is answered nowhere has none."""
        for piece in pieces(answer):
            high, wide = piece.mask.shape
            self._annotations.append(
                {
                    "id": len(self._annotations) + 1,
                    "image_id": image,
                    "category_id": self._ids[answer.classes[piece.label]],
                    "bbox": [piece.left, piece.top, wide, high],
                    "area": int(np.count_nonzero(piece.mask)),
                    "iscrowd": 0,
                    "segmentation": rle(piece, *answer.mask.shape),
                }
            )

    def content(self) -> bytes:
        """The table: images, annotations (boxes with their score), categories."""
        categories = [{"id": k, "name": name} for name, k in self._ids.items()]
        whole = {"images": self._images, "annotations": self._annotations, "categories": categories}
        return (json.dumps(whole) + "\n").encode()


def index_png(answer: Masks) -> bytes:
    """The class of each pixel as an 8-bit PNG; its palette has the colours of overlays, so that viewers show classes."""
    picture = Image.fromarray(answer.labels)
    picture.putpalette(table(answer.background).tobytes())
    return _png(picture)


def instance_png(answer: Masks) -> bytes:
    """The number of each pixel's object as a 16-bit PNG, 0 where there is none; numbers are those of the table.

    InputError where a number needs more than 16 bits.
    """
    numbers = np.zeros(answer.mask.shape, np.uint16)
    for piece in pieces(answer):
        if piece.number > _MOST:
            raise InputError(
                f"{answer.path}: object {piece.number} is beyond the {_MOST:,} that a 16-bit picture can number. "
                "Use --to coco or --to geojson."
            )
        high, wide = piece.mask.shape
        numbers[piece.top : piece.top + high, piece.left : piece.left + wide][piece.mask] = piece.number
    return _png(Image.fromarray(numbers))


def map_tiff(answer: AnomalyMap) -> bytes:
    """How unusual each pixel is, as a TIFF of 32-bit floats of the picture's size, in the unit of score and threshold."""
    content = io.BytesIO()
    Image.fromarray(answer.map).save(content, "TIFF", compression="tiff_deflate")
    return content.getvalue()


def picture_png(answer: Picture, bits: int = 8) -> bytes:
    """The picture as a PNG of 8 or 16 bits a channel, gray or RGB."""
    pixels = answer.rounded(bits)
    if pixels.shape[2] == 3 and bits == 16:  # Pillow knows no colour of 16 bits
        return bytes(cv2.imencode(".png", np.ascontiguousarray(pixels[:, :, ::-1]))[1].tobytes())
    return _png(Image.fromarray(pixels if pixels.shape[2] == 3 else np.ascontiguousarray(pixels[:, :, 0])))


def _png(picture: Image.Image) -> bytes:
    content = io.BytesIO()
    picture.save(content, "PNG", compress_level=4)
    return content.getvalue()
