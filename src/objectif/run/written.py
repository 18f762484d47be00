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

from objectif.answers import AnomalyMap, Answer, Boxes, Identity, Label, Masks, Picture, Quantity
from objectif.data.outlines import rle
from objectif.data.pieces import pieces
from objectif.errors import InputError
from objectif.images.prepare import Placement
from objectif.run.palette import table
from objectif.run.regions import Region, Size, Spacing, regions
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


_SIZES = ("area", "perimeter", "feret_min", "feret_max")
_MOST = 65_535  # objects that a 16-bit picture can number


def csv_header(
    answers: type[Answer], classes: Sequence[str], channels: int = 0, unit: str | None = None
) -> bytes:
    """The first line of a CSV of such answers.

    Of masks only: channels: those of which csv_rows() tells the means; unit: of the spacing that csv_rows() is given, as it
    is to stand in the columns' names (area_um2, perimeter_um).
    """
    if issubclass(answers, Boxes):
        return csv_row("path", "x1", "y1", "x2", "y2", "label", "score")
    if issubclass(answers, Masks):
        return csv_row(*_columns(channels, unit))
    if issubclass(answers, AnomalyMap):
        return csv_row("path", "label", "score", "threshold", "x", "y")
    if issubclass(answers, Picture):
        return csv_row("path", "height", "width", "channels", "mean", "deviation")
    if issubclass(answers, Identity):
        return csv_row("path", "name", "score", "threshold", "nearest", "reason")
    if issubclass(answers, Quantity):
        scores = [f"score:{name}" for name in classes] if len(classes) > 1 else []
        return csv_row("path", "answer", "low", "high", *scores)
    return csv_row("path", "label", *(f"score:{name}" for name in classes))


def csv_rows(
    answer: Answer,
    pixels: NDArray[Any] | None = None,
    channels: int = 0,
    spacing: Spacing | None = None,
) -> bytes:
    """One row for a label (several joined by '|') with the probability of each class; one row for each box or object.

    An image without boxes or objects has one row whose cells are empty, so that it is not taken for one that was never
    looked at. pixels, channels, spacing: of the objects of masks, see table_rows().
    """
    if isinstance(answer, Masks):
        return table_rows(answer, pixels, channels, spacing)
    if isinstance(answer, AnomalyMap):
        x, y = (f"{v:.1f}" for v in answer.place)
        return csv_row(answer.path, answer.label, f"{answer.score:.6f}", f"{answer.threshold:.6f}", x, y)
    if isinstance(answer, Picture):
        told = f"{answer.pixels.mean():.3f}", f"{answer.pixels.std():.3f}"
        return csv_row(answer.path, *map(str, answer.pixels.shape), *told)
    if isinstance(answer, Identity):
        return identity_row(answer)
    if isinstance(answer, Quantity):
        scores = () if answer.scores is None else answer.scores
        return csv_row(answer.path, *answer.cells(), *(f"{score:.6f}" for score in scores))
    if isinstance(answer, Label):
        return csv_row(answer.path, answer.label, *(f"{score:.6f}" for score in answer.scores))
    rows = [
        csv_row(answer.path, *(f"{side:.2f}" for side in box), label, f"{score:.6f}")
        for box, label, score in zip(answer.boxes, answer.labels, answer.scores, strict=True)
    ]
    return b"".join(rows) or csv_row(answer.path, *[""] * 6)


def identity_row(answer: Identity) -> bytes:
    """One row: the name, '' where nobody known; its score and what it had to exceed; who was nearest; why."""
    numbers = ("" if v is None else f"{v:.6f}" for v in (answer.score, answer.threshold))
    nearest = answer.candidates[0].name if answer.candidates else ""
    return csv_row(answer.path, answer.label, *numbers, nearest, answer.reason)


def table_rows(
    answer: Masks, pixels: NDArray[Any] | None = None, channels: int = 0, spacing: Spacing | None = None
) -> bytes:
    """The objects of a mask, one row each, measured as regions() says; lengths in pixels, and in the unit of a spacing.

    pixels: the picture (H, W, C). channels: how many means there are room for; of a gray picture each is the same, and
    where a picture has fewer, cells stay empty.
    """
    rows = [
        csv_row(answer.path, *_cells(region, channels, spacing))
        for region in regions(answer, pixels, spacing)
    ]
    return b"".join(rows) or csv_row(
        answer.path, *[""] * (len(_columns(channels, None if spacing is None else "")) - 1)
    )


def _columns(channels: int, unit: str | None) -> tuple[str, ...]:
    """Names; unit: None where lengths are in pixels alone."""
    means = (
        ("mean_red", "mean_green", "mean_blue")
        if channels == 3
        else [f"mean_{k + 1}" for k in range(channels)]
    )
    squared = {"area": "2"}
    scaled = () if unit is None else tuple(f"{size}_{unit}{squared.get(size, '')}" for size in _SIZES)
    sizes = (*(f"{size}_px" for size in _SIZES), *scaled, "circularity")
    return ("path", "object", "label", *sizes, "x", "y", "x1", "y1", "x2", "y2", *means)


def _cells(region: Region, channels: int, spacing: Spacing | None) -> list[str]:
    means = region.means * channels if len(region.means) == 1 else region.means[:channels]
    return [
        str(region.number),
        region.label,
        f"{region.size.area:.0f}",
        *_lengths(region.size)[1:],
        *(() if region.scaled is None else _lengths(region.scaled)),
        f"{region.circularity:.4f}",
        *(f"{v:.2f}" for v in region.centroid),
        *map(str, region.box),
        *(f"{v:.2f}" for v in means),
        *[""] * (channels - len(means)),
    ]


def _lengths(size: Size) -> list[str]:
    """Six digits, whatever the unit."""
    return [f"{v:.6g}" for v in (size.area, size.perimeter, size.feret_min, size.feret_max)]


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
