"""tiff: any number of bands, both byte orders, strips and tiles, compressed or not."""

from __future__ import annotations

import contextlib
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from objectif.errors import ImageError
from objectif.images import photo, tiff


def write(
    pixels: NDArray[Any],
    *,
    order: str = "<",
    tile: int | None = None,
    rows: int | None = None,
    deflate: bool = False,
    predictor: bool = False,
    separate: bool = False,
    photometric: int = 1,
    extra: tuple[int, ...] = (),
    orientation: int = 1,
) -> bytes:
    """A TIFF, by the book (TIFF 6.0), independent of the reader."""
    height, width, bands = pixels.shape
    high, wide = (tile, tile) if tile else (rows or height, width)
    planes = [pixels[:, :, k : k + 1] for k in range(bands)] if separate else [pixels]
    blocks = []
    for plane in planes:
        for top in range(0, height, high):
            for left in range(0, width, wide):
                block = plane[top : top + high, left : left + wide]
                if tile:
                    full = np.zeros((high, wide, block.shape[2]), block.dtype)
                    full[: block.shape[0], : block.shape[1]] = block
                    block = full
                if predictor:
                    block = np.concatenate([block[:, :1], np.diff(block, axis=1)], axis=1)
                raw = block.astype(block.dtype.newbyteorder(order)).tobytes()
                blocks.append(zlib.compress(raw) if deflate else raw)
    data = b"".join(blocks)
    starts = [8 + sum(map(len, blocks[:k])) for k in range(len(blocks))]
    sizes = [len(block) for block in blocks]
    place: dict[int, tuple[str, list[int]]] = {
        256: ("I", [width]),
        257: ("I", [height]),
        258: ("H", [pixels.dtype.itemsize * 8] * bands),
        259: ("H", [8 if deflate else 1]),
        262: ("H", [photometric]),
        274: ("H", [orientation]),
        277: ("H", [bands]),
        284: ("H", [2 if separate else 1]),
        317: ("H", [2 if predictor else 1]),
    }
    if tile:
        place |= {322: ("I", [tile]), 323: ("I", [tile]), 324: ("I", starts), 325: ("I", sizes)}
    else:
        place |= {273: ("I", starts), 278: ("I", [high]), 279: ("I", sizes)}
    if extra:
        place[338] = ("H", list(extra))
    return _assemble(data, place, order)


def _assemble(data: bytes, place: dict[int, tuple[str, list[int]]], order: str) -> bytes:
    start = 8 + len(data) + len(data) % 2
    tail_at = start + 2 + 12 * len(place) + 4
    entries, tail = b"", b""
    for tag in sorted(place):
        form, values = place[tag]
        raw = struct.pack(f"{order}{len(values)}{form}", *values)
        if len(raw) > 4:
            field = struct.pack(order + "I", tail_at + len(tail))
            tail += raw + b"\0" * (len(raw) % 2)
        else:
            field = raw.ljust(4, b"\0")
        entries += struct.pack(order + "HHI", tag, {"H": 3, "I": 4}[form], len(values)) + field
    mark = b"II*\0" if order == "<" else b"MM\0*"
    head = mark + struct.pack(order + "I", start) + data
    return head.ljust(start, b"\0") + struct.pack(order + "H", len(place)) + entries + b"\0\0\0\0" + tail


@given(
    st.sampled_from([2, 4, 5, 13]),
    st.sampled_from([np.uint8, np.uint16]),
    st.sampled_from("<>"),
    st.sampled_from([None, 16, 32]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_bands_come_back(
    bands: int,
    kind: Any,
    order: str,
    tile: int | None,
    deflate: bool,
    predictor: bool,
    separate: bool,
    seed: int,
) -> None:
    pixels = np.random.default_rng(seed).integers(0, np.iinfo(kind).max, (21, 37, bands)).astype(kind)
    data = write(
        pixels, order=order, tile=tile, rows=8, deflate=deflate, predictor=predictor, separate=separate
    )
    assert np.array_equal(photo.read(data), pixels)


def test_sixteen_bit_rgb_alpha_and_orientation() -> None:
    pixels = np.random.default_rng(0).integers(0, 65535, (10, 14, 4)).astype(np.uint16)
    pixels[:, :, 3] = 65535
    data = write(pixels, photometric=2, extra=(2,), orientation=6)
    found = photo.read(data)
    assert np.array_equal(found, np.rot90(pixels[:, :, :3], -1))
    assert (photo.probe(data).height, photo.probe(data).width) == found.shape[:2]


def test_white_is_zero() -> None:
    pixels = np.full((6, 6, 5), 10, np.uint8)
    assert (photo.read(write(pixels, photometric=0)) == 245).all()


@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_damage_is_one_message() -> None:
    data = write(np.zeros((40, 40, 5), np.uint16), deflate=True, rows=8)
    head = tiff.header(data)
    assert head is not None
    cut = bytearray(data)
    first = head.tags[273][0]
    cut[first : first + 10] = b"\xff" * 10
    with pytest.raises(ImageError, match="truncated or corrupt"):
        photo.read(bytes(cut))
    with pytest.raises(ImageError):
        photo.read(data[:60])


@pytest.mark.filterwarnings("ignore:.*:UserWarning")
@given(st.data())
@settings(max_examples=150, deadline=None)
def test_random_damage_never_raises_anything_else(draw: st.DataObject) -> None:
    data = bytearray(write(np.zeros((9, 9, 5), np.uint16), deflate=True, rows=4))
    for _ in range(draw.draw(st.integers(1, 5))):
        data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    with contextlib.suppress(ImageError):
        photo.read(bytes(data))


def test_a_band_bomb_is_refused() -> None:
    data = write(np.zeros((2, 2, 5), np.uint8))
    head = tiff.header(data)
    assert head is not None
    place = data.index(struct.pack("<HHI", 256, 4, 1))
    huge = bytearray(data)
    huge[place + 8 : place + 12] = struct.pack("<I", 3_000_000_000)
    with pytest.raises(ImageError, match="decompression bomb"):
        photo.read(bytes(huge))
