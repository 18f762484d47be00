"""16-bit colour PNG and PPM, which Pillow would cut to 8 bits, through OpenCV.

OpenCV believes a PNG's chunk lengths (a damaged one makes it ask for gigabytes) and reads on after wrong sums, so
the chunks are checked here first.
"""

from __future__ import annotations

import zlib
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

_PNG = b"\x89PNG\r\n\x1a\n"
_GRAY_ALPHA = 4
"""PNG colour type; OpenCV spreads it over four channels."""


def is_deep(data: bytes) -> bool:
    """Whether the header of a PNG, PGM or PPM promises 16 bits per channel."""
    if data.startswith(_PNG):
        return data[24:25] == b"\x10"
    return data[:2] in {b"P5", b"P6"} and _ppm_top(data) > 255


def _ppm_top(data: bytes) -> int:
    """The largest value that a PGM or PPM declares; 0 where its header is odd."""
    lines = [line.split(b"#")[0] for line in data[:4096].split(b"\n")]
    words = b" ".join(lines).split()[:4]
    return int(words[3]) if len(words) == 4 and words[3].isdigit() else 0


def decode(data: bytes) -> tuple[NDArray[Any], bool]:
    """Pixels (H, W, C) uint16, and whether the last channel is opacity. C is 1, 2, 3 or 4. ValueError on damage."""
    if data.startswith(_PNG):
        _check_chunks(data)
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint16:
        raise ValueError("the pixels cannot be decoded")
    if pixels.ndim == 2:
        return pixels[:, :, None], False
    if pixels.shape[2] == 4 and data[25] == _GRAY_ALPHA:
        return pixels[:, :, 2:], True
    return pixels[:, :, [2, 1, 0, 3][: pixels.shape[2]]], pixels.shape[2] == 4


def _check_chunks(data: bytes) -> None:
    """ValueError where a chunk of a PNG is cut or its sum is wrong."""
    at, kind = len(_PNG), b""
    while kind != b"IEND":
        length = int.from_bytes(data[at : at + 4], "big")
        kind, end = data[at + 4 : at + 8], at + 12 + length
        if end > len(data):
            raise ValueError("a chunk is cut")
        if zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            raise ValueError(f"chunk {kind!r} has a wrong sum")
        at = end
