"""TIFF files that Pillow cannot hold: more bands than colours (multispectral), and 16-bit colour.

Pillow refuses two or five bands and cuts 16-bit RGB to 8; OpenCV stops at four bands. The directory is simple, so
it is read here. The compressed blocks are not: each is wrapped as a small gray TIFF of bytes and handed to
Pillow, whose libtiff knows LZW, Deflate, PackBits and the rest. Rejected: tifffile and rasterio (dependencies of
the base install for a rare format).
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from objectif.errors import ImageError

_TYPES = {1: "B", 3: "H", 4: "I", 16: "Q"}
_PIXEL_TYPES = {8: np.uint8, 16: np.uint16}


@dataclass(frozen=True)
class Header:
    """The first directory of a TIFF. bits: per band. real: numbers are not unsigned whole ones.

    photometric: 0 white is zero, 1 black is zero, 2 RGB. alpha: the last band is opacity.
    """

    order: str
    height: int
    width: int
    bands: int
    bits: int
    real: bool
    photometric: int
    alpha: bool
    orientation: int
    tags: dict[int, tuple[int, ...]]

    @property
    def upright(self) -> tuple[int, int]:
        """(height, width) after turning as `orientation` asks."""
        turned = self.orientation in {5, 6, 7, 8}
        return (self.width, self.height) if turned else (self.height, self.width)

    @property
    def beyond_pillow(self) -> bool:
        """Whether read() shall be used: bands that are no picture, or more bits than Pillow keeps."""
        if self.real or self.bits not in _PIXEL_TYPES or self.photometric not in {0, 1, 2}:
            return False
        colours = 3 if self.photometric == 2 else 1
        return self.bands != colours + self.alpha or (self.bits == 16 and self.bands > 1)


_DAMAGE = (
    *(KeyError, IndexError, ValueError, OSError, SyntaxError, ZeroDivisionError),
    *(Image.DecompressionBombError, Image.DecompressionBombWarning),
)
"""What a damaged file makes the reading of it raise."""


def header(data: bytes) -> Header | None:
    """The header of a classic TIFF; None where the bytes are none or their directory is damaged."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if order is None:
        return None
    try:
        tags = _tags(data, order)
        bits = tags.get(258, (1,))
        height, width = tags[257][0], tags[256][0]
    except (struct.error, KeyError, IndexError):
        return None
    bands = tags.get(277, (1,))[0]
    mixed = len(set(bits)) > 1
    return Header(
        order,
        height,
        width,
        bands,
        0 if mixed else bits[0],
        any(kind != 1 for kind in tags.get(339, (1,))),
        tags.get(262, (1,))[0],
        bool(tags.get(338)) and tags[338][-1] in {1, 2},
        tags.get(274, (1,))[0],
        tags,
    )


def _tags(data: bytes, order: str) -> dict[int, tuple[int, ...]]:
    """Tag -> whole numbers, for the tags that hold such."""
    (start,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, start)
    tags = {}
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind, number = struct.unpack_from(order + "HHI", data, entry)
        if kind not in _TYPES or number > len(data):
            continue
        form = f"{order}{number}{_TYPES[kind]}"
        at = entry + 8
        if struct.calcsize(form) > 4:
            (at,) = struct.unpack_from(order + "I", data, at)
        tags[tag] = struct.unpack_from(form, data, at)
    return tags


def read(data: bytes, head: Header, shown: str) -> NDArray[Any]:
    """Pixels (H, W, bands) uint8 or uint16 as stored. Raises ImageError where blocks are missing or damaged."""
    try:
        return _read(data, head)
    except _DAMAGE as error:
        raise ImageError(
            f"{shown}: the TIFF is truncated or corrupt ({error or type(error).__name__}). "
            "Fetch it again or remove it."
        ) from None


def _read(data: bytes, head: Header) -> NDArray[Any]:
    """All blocks (strips or tiles) in their places."""
    tags = head.tags
    if 322 in tags:
        rows, columns, offsets, counts = tags[323][0], tags[322][0], tags[324], tags[325]
    else:
        rows, columns, offsets, counts = tags.get(278, (head.height,))[0], head.width, tags[273], tags[279]
    if min(rows, columns) < 1 or rows * columns > 4 * max(1, head.height * head.width) + 2**20:
        raise ValueError(f"blocks of {columns} x {rows} in a picture of {head.width} x {head.height}")
    rows = min(rows, head.height) if 322 not in tags else rows
    separate = tags.get(284, (1,))[0] == 2
    deep = 1 if separate else head.bands
    across = -(-head.width // columns)
    down = -(-head.height // rows)
    out = np.empty((head.height, head.width, head.bands), _PIXEL_TYPES[head.bits])
    for k in range(across * down * (head.bands if separate else 1)):
        band, place = divmod(k, across * down)
        top, left = place // across * rows, place % across * columns
        high = rows if 322 in tags else min(rows, head.height - top)
        block = _block(data[offsets[k] : offsets[k] + counts[k]], head, (high, columns, deep))
        part = block[: head.height - top, : head.width - left]
        bands = slice(band, band + 1) if separate else slice(None)
        out[top : top + part.shape[0], left : left + part.shape[1], bands] = part
    return out


def _block(packed: bytes, head: Header, shape: tuple[int, int, int]) -> NDArray[Any]:
    """One strip or tile, unpacked."""
    raw = _unpack(packed, head.tags.get(259, (1,))[0], shape[0], shape[1] * shape[2] * head.bits // 8)
    kind = np.dtype(_PIXEL_TYPES[head.bits])
    block = (
        np.frombuffer(raw, kind.newbyteorder("<" if head.order == "<" else ">")).astype(kind).reshape(shape)
    )
    predictor = head.tags.get(317, (1,))[0]
    if predictor == 2:  # each number is the difference to its left neighbour, modulo the type
        return np.cumsum(block, axis=1, dtype=kind)
    if predictor != 1:
        raise ValueError(f"predictor {predictor} is not supported")
    return block


def _unpack(packed: bytes, compression: int, rows: int, row_bytes: int) -> bytes:
    """The bytes of a block; anything compressed goes to Pillow as a gray picture of row_bytes x rows."""
    wanted = rows * row_bytes
    if compression == 1:
        if len(packed) < wanted:
            raise ValueError(f"a block has {len(packed)} bytes; expected {wanted}")
        return packed[:wanted]
    entries = [(256, row_bytes), (257, rows), (258, 8), (259, compression), (262, 1), (273, 0), (277, 1)]
    entries += [(278, rows), (279, len(packed))]
    at = 8 + 2 + 12 * len(entries) + 4
    values = dict(entries) | {273: at}
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in values.items())
    file = b"II*\0" + struct.pack("<IH", 8, len(entries)) + directory + b"\0\0\0\0" + packed
    with Image.open(io.BytesIO(file)) as image:
        return image.convert("L").tobytes()
