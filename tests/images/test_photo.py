"""photo: every odd file is read upright in gray or RGB, and every bad one ends in one ImageError."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from objectif.errors import ImageError
from objectif.images import jpeg, photo

RNG = np.random.default_rng(0)


def smooth(height: int = 48, width: int = 64) -> NDArray[np.uint8]:
    """A picture without symmetry that survives JPEG."""
    y, x = np.mgrid[:height, :width]
    return np.dstack([x * 255 // width, y * 255 // height, (x + 2 * y) % 64 + 60]).astype(np.uint8)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def jpg(pixels: NDArray[np.uint8] | None = None, **options: Any) -> bytes:
    options.setdefault("quality", 95)
    return encoded(Image.fromarray(smooth() if pixels is None else pixels), "JPEG", **options)


def close(a: NDArray[Any], b: NDArray[Any], limit: float = 4.0) -> bool:
    return a.shape == b.shape and float(np.abs(a.astype(float) - b).mean()) < limit


def png(width: int, height: int, bits: int, colour: int, rows: bytes) -> bytes:
    """A PNG by the book: `rows` are filter bytes and numbers."""
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    parts = (struct.pack(">I", len(b)) + k + b + struct.pack(">I", zlib.crc32(k + b)) for k, b in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


# --- what is read -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP", "PPM", "JPEG2000"])
def test_lossless_kinds_come_back_unchanged(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    pixels = photo.read(encoded(Image.fromarray(smooth()), kind, **options))
    assert np.array_equal(pixels, smooth())
    assert pixels.dtype == np.uint8


def test_jpeg_colour_and_gray() -> None:
    assert close(photo.read(jpg()), smooth())
    gray = smooth()[:, :, 0]
    assert close(photo.read(jpg(gray)), gray[:, :, None])


def exif(orientation: int) -> Image.Exif:
    block = Image.Exif()
    block[274] = orientation
    return block


TURNS = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}
"""How a camera must have stored an upright picture so that orientation k turns it back."""


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_exif_rotation_is_undone(orientation: int, kind: str) -> None:
    stored = Image.fromarray(np.ascontiguousarray(TURNS[orientation](smooth())))
    options: dict[str, Any] = (
        {"quality": 95} if kind == "JPEG" else {"lossless": True} if kind == "WEBP" else {}
    )
    data = encoded(stored, kind, exif=exif(orientation), **options)
    assert close(photo.read(data), smooth())
    assert close(photo.read(data, min_side=20)[:24, :32], photo.read(data)[:24, :32], 255)
    info = photo.probe(data)
    assert (info.height, info.width) == (48, 64)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_rotation_survives_scaled_decoding(orientation: int) -> None:
    big = smooth(480, 640)
    stored = Image.fromarray(np.ascontiguousarray(TURNS[orientation](big)))
    pixels = photo.read(encoded(stored, "JPEG", quality=95, exif=exif(orientation)), min_side=100)
    assert pixels.shape == (120, 160, 3)
    assert close(pixels, cv2.resize(big, (160, 120), interpolation=cv2.INTER_AREA), 8)


@given(st.integers(8, 300), st.integers(8, 300), st.integers(1, 400))
@settings(max_examples=40, deadline=None)
def test_min_side_is_kept(height: int, width: int, side: int) -> None:
    pixels = photo.read(jpg(smooth(height, width)), min_side=side)
    assert min(pixels.shape[:2]) >= min(side, height, width)
    assert pixels.shape[0] <= height


def test_alpha_is_flattened_on_white() -> None:
    clear = np.dstack([smooth(), np.zeros((48, 64), np.uint8)])
    assert (photo.read(encoded(Image.fromarray(clear), "PNG")) == 255).all()
    half = np.full((4, 4, 4), (0, 100, 200, 128), np.uint8)
    assert photo.read(encoded(Image.fromarray(half), "PNG"))[0, 0].tolist() == [127, 177, 227]
    gray = Image.merge("LA", [Image.new("L", (4, 4), 0), Image.new("L", (4, 4), 0)])
    assert photo.read(encoded(gray, "PNG")).tolist() == np.full((4, 4, 1), 255).tolist()


def test_palette_with_and_without_transparency() -> None:
    image = Image.fromarray(smooth()).quantize(64)
    assert np.array_equal(photo.read(encoded(image, "PNG")), np.asarray(image.convert("RGB")))
    image = Image.new("P", (2, 1), 1)
    image.putpalette([10, 20, 30, 200, 100, 0])
    image.putpixel((0, 0), 0)
    assert photo.read(encoded(image, "PNG", transparency=0)).tolist() == [[[255, 255, 255], [200, 100, 0]]]


def test_one_bit() -> None:
    image = Image.new("1", (3, 2), 0)
    image.putpixel((1, 1), 1)
    assert photo.read(encoded(image, "PNG"))[:, :, 0].tolist() == [[0, 0, 0], [0, 255, 0]]
    assert photo.probe(encoded(image, "PNG")).bits == 1


def test_cmyk_jpeg() -> None:
    image = Image.fromarray(smooth()).convert("CMYK")
    data = encoded(image, "JPEG", quality=95)
    assert close(photo.read(data), smooth(), 6)
    assert photo.probe(data).mode == "CMYK"


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_sixteen_bit_gray(tmp_path: Path, suffix: str) -> None:
    values = RNG.integers(0, 65536, (30, 40)).astype(np.uint16)
    values[0, :2] = 0, 65535
    cv2.imwrite(str(tmp_path / f"a.{suffix}"), values)
    pixels = photo.read(tmp_path / f"a.{suffix}")
    assert pixels.dtype == np.uint16
    assert np.array_equal(pixels[:, :, 0], values)
    assert photo.probe(tmp_path / f"a.{suffix}").bits == 16


@pytest.mark.parametrize("suffix", ["png", "tif", "ppm"])
def test_sixteen_bit_colour_is_not_cut_to_eight(tmp_path: Path, suffix: str) -> None:
    values = RNG.integers(0, 65536, (30, 40, 3)).astype(np.uint16)
    cv2.imwrite(str(tmp_path / f"a.{suffix}"), values[:, :, ::-1])
    pixels = photo.read(tmp_path / f"a.{suffix}")
    assert pixels.dtype == np.uint16
    assert np.array_equal(pixels, values)


def test_sixteen_bit_gray_with_alpha() -> None:
    rows = b"".join(b"\0" + struct.pack(">4H", 1000, 65535, 1000, 0) for _ in range(2))
    data = png(2, 2, 16, 4, rows)
    assert photo.read(data).tolist() == [[[1000], [65535]]] * 2


def test_damaged_sixteen_bit_png_costs_neither_memory_nor_time(tmp_path: Path) -> None:
    data = bytearray(png(2, 2, 16, 2, (b"\0" + b"\1" * 12) * 2))
    assert photo.read(bytes(data)).dtype == np.uint16
    data[33] = 0xED  # OpenCV would ask for 4 GB for this chunk
    with pytest.raises(ImageError, match="truncated or corrupt"):
        photo.read(bytes(data))


def test_sixteen_bit_colour_with_alpha(tmp_path: Path) -> None:
    values = np.zeros((4, 4, 4), np.uint16)
    values[:, :2, 3] = 65535
    cv2.imwrite(str(tmp_path / "a.png"), values)
    assert photo.read(tmp_path / "a.png")[0, :, 0].tolist() == [0, 0, 65535, 65535]


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_first_frame_of_an_animation(kind: str) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "green", "blue")]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert photo.read(data)[5, 5].tolist() == [255, 0, 0]
    assert photo.probe(data).frames == 3


def test_the_suffix_is_not_trusted(tmp_path: Path) -> None:
    file = tmp_path / "name with space\nand Ünïcode 画.jpg"
    file.write_bytes(encoded(Image.fromarray(smooth()), "PNG"))
    assert np.array_equal(photo.read(file), smooth())


def test_harmless_bytes_in_a_jpeg_are_no_damage() -> None:
    assert close(photo.read(jpg() + b"trailing bytes of some camera"), smooth())


# --- what is refused ----------------------------------------------------------------------------------------------


def jpeg_bomb() -> bytes:
    """A JPEG that claims 65,000 x 65,000 pixels."""
    data = bytearray(jpg())
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", 65_000, 65_000)
    return bytes(data)


BAD = {
    "zero bytes": (b"", "empty"),
    "no image": (b"hello, I am a text", "no image"),
    "half a JPEG": (jpg()[:900], "truncated or corrupt"),
    "half a PNG": (
        encoded(Image.fromarray(RNG.integers(0, 255, (40, 40, 3), np.uint8)), "PNG")[:2000],
        "truncated",
    ),
    "half a WebP": (encoded(Image.fromarray(smooth()), "WEBP")[:200], "truncated or corrupt|damaged"),
    "a JPEG's first bytes": (jpg()[:20], "no image|damaged|truncated"),
    "PNG bomb": (png(60_000, 60_000, 8, 2, bytes(1000)), "decompression bomb|megapixels"),
    "JPEG bomb": (jpeg_bomb(), "decompression bomb"),
    "floats": (encoded(Image.fromarray(np.ones((4, 4), np.float32)), "TIFF"), "floating-point"),
    "32 bits": (encoded(Image.fromarray(np.full((4, 4), 70_000, np.int32)), "TIFF"), "expected 0 to 65535"),
}


@pytest.mark.parametrize("what", BAD)
@pytest.mark.parametrize("min_side", [None, 16])
def test_bad_bytes_end_in_one_message(what: str, min_side: int | None) -> None:
    data, words = BAD[what]
    with pytest.raises(ImageError, match=words) as caught:
        photo.read(data, name="folder/x.jpg", min_side=min_side)
    assert str(caught.value).startswith("folder/x.jpg: ")
    assert "\n" not in str(caught.value)


def test_bad_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImageError, match="no such file"):
        photo.read(tmp_path / "a.jpg")
    with pytest.raises(ImageError, match="is a folder"):
        photo.read(tmp_path)
    with pytest.raises(ImageError, match="cannot be read"):
        photo.read(Path("a\0b.jpg"))

    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)  # root may read everything, so a real file proves nothing
    with pytest.raises(ImageError, match="may not be read"):
        photo.read(tmp_path / "a.jpg")


SEEDS = {
    "jpeg": jpg(smooth(24, 24), exif=exif(6)),
    "png": encoded(Image.fromarray(smooth(24, 24)), "PNG"),
    "gif": encoded(Image.fromarray(smooth(24, 24)).quantize(16), "GIF"),
    "tiff": encoded(Image.fromarray(smooth(24, 24)), "TIFF", compression="tiff_lzw"),
    "webp": encoded(Image.fromarray(smooth(24, 24)), "WEBP"),
    "bmp": encoded(Image.fromarray(smooth(24, 24)), "BMP"),
}


@pytest.mark.filterwarnings("ignore:.*:UserWarning")
@given(st.sampled_from(sorted(SEEDS)), st.data())
@settings(max_examples=250, deadline=None)
def test_damage_never_raises_anything_else(kind: str, draw: st.DataObject) -> None:
    data = bytearray(SEEDS[kind])
    for _ in range(draw.draw(st.integers(1, 6))):
        data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    cut = bytes(data[: draw.draw(st.integers(1, len(data)))])
    for action in (photo.read, photo.probe):
        with contextlib.suppress(ImageError):
            action(cut)


# --- headers ------------------------------------------------------------------------------------------------------


def test_probe_reads_the_camera_and_the_quality() -> None:
    block = exif(6)
    block[271], block[272], block[306] = "Canon", "EOS", "2020:01:02 03:04:05"
    data = jpg(quality=87, exif=block)
    info = photo.probe(data)
    assert (info.width, info.height, info.mode, info.bits, info.format, info.frames) == (
        48,
        64,
        "RGB",
        8,
        "JPEG",
        1,
    )
    assert info.exif == {
        "Make": "Canon",
        "Model": "EOS",
        "Orientation": "6",
        "DateTime": "2020:01:02 03:04:05",
    }
    assert info.jpeg_quality == 87
    assert info.bytes == len(data)


@pytest.mark.parametrize("quality", [5, 30, 50, 75, 90, 98])
def test_quality_is_recovered(quality: int) -> None:
    found = photo.probe(jpg(quality=quality)).jpeg_quality
    assert found is not None
    assert abs(found - quality) <= 1


def test_orientation_without_or_with_broken_exif() -> None:
    assert jpeg.orientation(jpg()) == 1
    data = bytearray(jpg(exif=exif(6)))
    at = data.index(b"Exif\0\0")
    data[at + 6 : at + 8] = b"??"
    assert jpeg.orientation(bytes(data)) == 1
    assert jpeg.orientation(b"\xff\xd8\xff") == 1


@pytest.mark.parametrize(
    ("name", "yes"), [("a.JPG", True), ("b.tiff", True), ("._a.jpg", False), ("c.txt", False)]
)
def test_image_names(name: str, yes: bool) -> None:
    assert photo.is_image_name(Path("some.jpg") / name) is yes


def test_real_images(shared: Any) -> None:
    for name in ("flowers", "chest_xray", "brain_mri", "traffic_signs"):
        files = sorted(f for f in shared(name).rglob("*") if photo.is_image_name(f))[:8]
        assert files
        for file in files:
            whole, small, info = photo.read(file), photo.read(file, min_side=64), photo.probe(file)
            assert whole.shape[:2] == (info.height, info.width)
            assert whole.shape[2] == small.shape[2]


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "CMYK", "P"])
def test_strips_of_a_large_picture_are_the_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    from objectif.images import photo

    bands = {"L": 1, "P": 1, "LA": 2, "RGB": 3}.get(mode, 4)
    values = np.random.default_rng(0).integers(0, 256, (50, 70, bands), dtype=np.uint8)
    image = Image.fromarray(values[:, :, 0] if bands == 1 else values, "L" if mode == "P" else mode)
    file = tmp_path / "a.tif"
    (image.convert("P") if mode == "P" else image).save(file)
    whole = photo.read(file)
    monkeypatch.setattr(photo, "_STRIP", 70 * 7)
    assert np.array_equal(photo.read(file), whole)
