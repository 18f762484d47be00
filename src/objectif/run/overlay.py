"""Boxes drawn into their pictures, to be looked at: a line and a name with a score for each object.

Lines are drawn into the array itself and only the names pass through Pillow, so that a picture of a hundred megapixels
needs no second copy. Every line has a dark rim, so that it is seen on any ground. Line and type grow with the picture
but not beyond what its objects bear, and a name that would cover another one is left out: the colour still tells the
class. Masks are drawn by overlay_masks.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from objectif.answers import Boxes
from objectif.errors import InputError
from objectif.images.prepare import resize
from objectif.run.palette import COLOURS

_RIM = (16, 16, 16)
_SMALL = 480  # a picture whose long side is shorter is enlarged, so that names find room
_ENCODED = frozenset({".png", ".tif", ".tiff", ".bmp", ".webp", ".ppm"})
_JPEG = frozenset({".jpg", ".jpeg", ".jpe", ".jfif"})

Pixels = NDArray[np.uint8]


def drawn(pixels: NDArray[Any], answer: Boxes, *, own: bool = False) -> Pixels:
    """Pixels (H, W, C) with the boxes of the answer, (h, w, 3) uint8; enlarged by a whole factor where it is small.

    own: the pixels are nobody else's and may be drawn into, which saves a copy.
    """
    shown, factor = canvas(pixels, own)
    boxes = np.asarray(answer.boxes, np.float64).reshape(-1, 4) * factor
    colours = [COLOURS[answer.classes.index(name) % len(COLOURS)] for name in answer.labels]
    line, size = _strengths(shown.shape[0], shown.shape[1], boxes)
    for k in reversed(range(len(boxes))):  # the surest on top
        _frame(shown, boxes[k], colours[k], line)
    placed: list[tuple[int, int, int, int]] = []
    for k, name in enumerate(answer.labels):
        _name(shown, boxes[k], f"{name} {float(answer.scores[k]):.2f}", colours[k], line, size, placed)
    return shown


def save(pixels: Pixels, path: Path) -> Path:
    """Write a picture under this name, or with .png behind it where its kind cannot be written; returns the name."""
    suffix = path.suffix.lower()
    if suffix not in _JPEG | _ENCODED:
        path, suffix = path.with_name(path.name + ".png"), ".png"
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(_encoded(pixels, suffix))
        os.replace(temporary, path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise InputError(
            f"cannot write {path}: {error.strerror or error}. Expected a folder that is writable and has room; "
            "choose another place."
        ) from error
    return path


def _encoded(pixels: Pixels, suffix: str) -> bytes:
    if suffix in _JPEG:
        return bytes(simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), quality=92, colorspace="RGB"))
    cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR, dst=pixels)
    return bytes(cv2.imencode(suffix, pixels)[1].data)


def canvas(pixels: NDArray[Any], own: bool) -> tuple[Pixels, int]:
    """RGB to be drawn into, and by how much it was enlarged; the pixels themselves where they are our own and suit."""
    shown = _rgb(pixels)
    if np.shares_memory(shown, pixels) and not own:
        shown = shown.copy()
    factor = max(1, -(-_SMALL // max(1, *shown.shape[:2])))
    if factor > 1:
        shown = resize(shown, factor * shown.shape[0], factor * shown.shape[1])
    return shown, factor


def _rgb(pixels: NDArray[Any]) -> Pixels:
    """Any picture as RGB that may be written to: 16 bits cut to 8, gray replicated, of many bands the first three."""
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    if pixels.shape[2] in {1, 2}:
        return np.repeat(pixels[:, :, :1], 3, axis=2)
    shown = np.ascontiguousarray(pixels[:, :, :3])
    return shown if shown.flags.writeable else shown.copy()


def _strengths(height: int, width: int, boxes: NDArray[np.float64]) -> tuple[int, int]:
    """(pixels of a line, of a letter's height) that suit the picture and its objects."""
    side = max(height, width)
    object_side = float(np.median((boxes[:, 2:] - boxes[:, :2]).min(axis=1))) if len(boxes) else side
    line = round(min(max(2.0, side / 400), max(2.0, object_side / 14)))
    size = round(min(max(13.0, side / 45), max(13.0, object_side / 3)))
    return line, size


def _frame(pixels: Pixels, box: NDArray[np.float64], colour: tuple[int, int, int], line: int) -> None:
    """A rectangle around the box, inside its edges, between two rims."""
    x1, y1, x2, y2 = (round(float(v)) for v in box)
    rim = max(1, line // 3)
    for inset, thick, paint in ((-rim, line + 2 * rim, _RIM), (0, line, colour)):
        left, top, right, bottom = x1 + inset, y1 + inset, x2 - inset, y2 - inset
        for x, y, to_x, to_y in (
            (left, top, right, top + thick),
            (left, bottom - thick, right, bottom),
            (left, top, left + thick, bottom),
            (right - thick, top, right, bottom),
        ):
            pixels[max(0, y) : max(0, to_y), max(0, x) : max(0, to_x)] = paint


def _name(
    pixels: Pixels,
    box: NDArray[np.float64],
    words: str,
    colour: tuple[int, int, int],
    line: int,
    size: int,
    placed: list[tuple[int, int, int, int]],
) -> None:
    """Words on the box's colour: above it, else below, else inside; not at all where another name stands."""
    patch = words_on(words, colour, size)
    high, wide = patch.shape[:2]
    x1, y1, _, y2 = (round(float(v)) for v in box)
    left = max(0, min(x1 - line // 2, pixels.shape[1] - wide))
    for top in (y1 - high, y1 + line, y2):
        spot = (left, top, left + wide, top + high)
        inside = top >= 0 and top + high <= pixels.shape[0]
        if inside and wide <= pixels.shape[1] and not any(_meet(spot, other) for other in placed):
            pixels[top : top + high, left : left + wide] = patch
            placed.append(spot)
            return


def _meet(one: Sequence[int], other: Sequence[int]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


@lru_cache(8)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def words_on(words: str, colour: tuple[int, int, int], size: int) -> Pixels:
    """A strip (h, w, 3) of the colour with words in black or white, whichever is read more easily."""
    font = _font(size)
    left, top, right, _ = font.getbbox(words)
    pad = max(2, size // 5)
    strip = Image.new(
        "RGB", (int(right - left) + 2 * pad, int(font.getbbox("Ág")[3] - top) + 2 * pad), colour
    )
    bright = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
    ImageDraw.Draw(strip).text(
        (pad - left, pad - top), words, fill=(0, 0, 0) if bright > 110 else (255, 255, 255), font=font
    )
    return np.asarray(strip)
