"""Small pictures inside a page: re-encoded pixels, so that nothing of a file's EXIF (place, person, camera) comes along."""

from __future__ import annotations

import base64
from collections.abc import Collection

import cv2
import numpy as np
from numpy.typing import NDArray

from objectif.data import pixels as data_pixels
from objectif.data.dataset import Dataset
from objectif.errors import ImageError
from objectif.health.looks import eight_bit_rgb

QUALITY = 82
_THIN, _MARKED = (120, 190, 255), (255, 110, 20)  # RGB


def data_uri(dataset: Dataset, row: int, side: int = 144, marked: Collection[int] = ()) -> str | None:
    """'data:image/jpeg;base64,...' of sample `row`, at most `side` pixels long; None where it cannot be read.

    Its boxes are drawn, those whose numbers are `marked` boldly.
    """
    try:
        rgb = eight_bit_rgb(data_pixels.read(dataset, row, min_side=side))
        full = data_pixels.size(dataset, row) if dataset.samples[row].boxes else (0, 0)
    except ImageError:
        return None
    height, width = rgb.shape[:2]
    scale = side / max(height, width)
    if scale < 1:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    if full[0]:
        rgb = _drawn(rgb, dataset, row, full, marked)
    done, code = cv2.imencode(
        ".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    )
    return f"data:image/jpeg;base64,{base64.b64encode(code.tobytes()).decode('ascii')}" if done else None


def _drawn(
    rgb: NDArray[np.uint8], dataset: Dataset, row: int, full: tuple[int, int], marked: Collection[int]
) -> NDArray[np.uint8]:
    """The picture with its boxes; `full` is the (height, width) that they are in."""
    out = np.array(rgb, order="C")  # a copy: images in memory must stay what they are
    height, width = out.shape[:2]
    boxes = list(enumerate(dataset.samples[row].boxes or ()))
    for number, box in sorted(boxes, key=lambda item: item[0] in marked):  # the marked ones on top
        xs = [int(np.clip(x * width / full[1], -1, width)) for x in (box.x1, box.x2)]
        ys = [int(np.clip(y * height / full[0], -1, height)) for y in (box.y1, box.y2)]
        bold = number in marked
        colour = _MARKED if bold else _THIN
        cv2.rectangle(out, (xs[0], ys[0]), (xs[1], ys[1]), colour, 2 if bold else 1, cv2.LINE_AA)
        if bold and max(xs[1] - xs[0], ys[1] - ys[0]) < 8:  # too small to be seen
            cv2.circle(out, (xs[0], ys[0]), 12, colour, 2, cv2.LINE_AA)
    return out
