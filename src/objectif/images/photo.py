"""Reading one photo: bytes or a file in, upright HWC pixels out, whatever the file format is.

Decoders share the work. simplejpeg (libjpeg-turbo) reads JPEG, because it can decode straight to a smaller picture
(images/jpeg.py). Pillow reads everything else, and every JPEG that simplejpeg refuses, because it is strict about
truncated files, where OpenCV gives half a picture and says nothing. Two kinds need more: 16-bit
colour, which Pillow would quietly cut to 8 bits (images/deep.py), and TIFF of many bands (images/tiff.py). Rejected: OpenCV for all, Pillow for all
(twice as slow on JPEG), trusting the suffix (people rename). Colour profiles are not applied: networks are
trained on pixels as stored.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from objectif.errors import ImageError
from objectif.images import deep, jpeg, tiff

MAX_PIXELS = 200_000_000
"""More pixels than this are refused: a small file that unpacks to gigabytes is an attack or an accident."""

# Pillow has a limit of its own, a little lower for errors and far lower for warnings; one limit is enough.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
# Pillow warns about odd metadata as if a programmer were reading; what matters becomes an ImageError.
warnings.filterwarnings("ignore", module=r"PIL\.")

_KINDS = (
    "jpg jpeg jpe jfif png apng bmp dib gif webp tif tiff ppm pgm pbm pnm tga jp2 j2k avif ico pcx sgi ras"
)
SUFFIXES = frozenset(f".{kind}" for kind in _KINDS.split(" "))
EXIF_SHOWN = ("Make", "Model", "Software", "Orientation", "DateTime")
_STRIP = 4_000_000  # pixels of a large picture that are converted at a time
_REMEDY = "Fetch it again or remove it."

# What Pillow's plug-ins raise on damaged files. Not Exception: running out of memory is no fault of the file.
_DAMAGE = (
    OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, ArithmeticError, AttributeError,
    RuntimeError, AssertionError, struct.error, zlib.error, Warning,
)  # fmt: skip

Pixels = NDArray[Any]


@dataclass(frozen=True)
class PhotoInfo:
    """What a file's header says.

    width, height: upright. mode: Pillow's name ('RGB', 'L', 'CMYK', ...) or '5 bands'. bits: per channel.
    frames: 1 unless animated or of several pages. bytes: length of the file. exif: those of EXIF_SHOWN that
    are there, as text. jpeg_quality: nearest IJG quality, None for other formats.
    """

    width: int
    height: int
    mode: str
    bits: int
    format: str
    frames: int
    bytes: int
    exif: dict[str, str]
    jpeg_quality: float | None


def is_image_name(path: Path | str) -> bool:
    """Whether a name ends like a photo ('.JPG', '.png', ...); hidden files (macOS '._a.jpg') do not count."""
    name = Path(path).name
    return not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES


def read(source: Path | bytes, *, name: str | None = None, min_side: int | None = None) -> Pixels:
    """Upright pixels (H, W, C): uint8, or uint16 where the file has 16 bits; C is 1 (gray) or 3 (RGB).

    EXIF rotation is applied, alpha flattened on white, palette and CMYK turned to RGB; of an animation the first
    frame counts. A TIFF of other bands keeps them (C = n). `name` is used in messages.
    min_side: the decoder may return a smaller picture whose short side is still at least this many pixels.
    Raises ImageError: missing, unreadable, empty, no image, truncated, corrupt, more than MAX_PIXELS, or numbers
    that are neither of 8 nor of 16 bits.
    """
    data, shown = given(source, name)
    if jpeg.is_jpeg(data):
        pixels = _jpeg(data, shown, min_side)
        if pixels is not None:
            return pixels
    head = tiff.header(data)
    if head is not None and head.beyond_pillow:
        return _tiff(data, head, shown)
    return _pillow(data, shown, min_side)


def probe(source: Path | bytes, *, name: str | None = None) -> PhotoInfo:
    """What the header says, without decoding pixels: a truncated file is not noticed. Raises ImageError."""
    data, shown = given(source, name)
    head = tiff.header(data)
    if head is not None and head.beyond_pillow:
        mode = f"{head.bands} bands"
        return PhotoInfo(head.upright[1], head.upright[0], mode, head.bits, "TIFF", 1, len(data), {}, None)
    image = _open(data, shown)
    try:
        exif = dict(image.getexif())
    except _DAMAGE:  # a damaged EXIF block is no reason to refuse a picture
        exif = {}
    named = {ExifTags.TAGS.get(tag, ""): value for tag, value in exif.items()}
    shown_exif = {k: str(named[k]).strip("\0 ") for k in EXIF_SHOWN if k in named}
    height, width = image.height, image.width
    if head is not None:  # some versions of Pillow turn a TIFF's size on opening, some do not
        height, width = head.upright
    elif exif.get(274) in {5, 6, 7, 8}:
        height, width = width, height
    tables: dict[int, list[int]] = getattr(image, "quantization", None) or {}
    quality = jpeg.quality(tables[min(tables)]) if image.format in {"JPEG", "MPO"} and tables else None
    kind = "JPEG" if image.format == "MPO" else str(image.format)
    return PhotoInfo(
        width, height, image.mode, _bits(data, image), kind, _frames(image), len(data), shown_exif, quality
    )


def given(source: Path | bytes, name: str | None) -> tuple[bytes, str]:
    """The bytes of a photo and what to call it in messages; ImageError says why there are none."""
    shown = name if name is not None else (str(source) if isinstance(source, Path) else "image")
    try:
        data = source.read_bytes() if isinstance(source, Path) else bytes(source)
    except FileNotFoundError:
        raise ImageError(f"{shown}: there is no such file. Check the path.") from None
    except IsADirectoryError:
        raise ImageError(f"{shown}: is a folder; expected an image file.") from None
    except PermissionError:
        raise ImageError(f"{shown}: may not be read. Give read permission (chmod u+r).") from None
    except (OSError, ValueError) as error:
        raise ImageError(f"{shown}: cannot be read ({error}). Check the path and the disk.") from None
    if not data:
        raise ImageError(f"{shown}: the file is empty (0 bytes); expected an image. {_REMEDY}")
    return data, shown


def _refuse_bomb(height: int, width: int, shown: str) -> None:
    if height * width > MAX_PIXELS:
        raise ImageError(
            f"{shown}: {width} x {height} pixels; at most {MAX_PIXELS // 1_000_000} megapixels are decoded "
            "(protection against decompression bombs). Scale it down or cut it into tiles."
        )


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """Pixels (H, W, C) turned as EXIF orientation 1 to 8 asks; contiguous."""
    if orientation in {5, 6, 7, 8}:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in {2, 3, 6, 7}:
        pixels = pixels[:, ::-1]
    if orientation in {3, 4, 7, 8}:
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def on_white(pixels: Pixels) -> Pixels:
    """Pixels whose last channel is opacity, flattened on white; one channel less."""
    top = int(np.iinfo(pixels.dtype).max)
    alpha = pixels[:, :, -1:].astype(np.uint64)
    mixed = pixels[:, :, :-1] * alpha + np.uint64(top) * (np.uint64(top) - alpha)
    flat: Pixels = ((mixed + np.uint64(top // 2)) // np.uint64(top)).astype(pixels.dtype)
    return flat


def _jpeg(data: bytes, shown: str, min_side: int | None) -> Pixels | None:
    """A JPEG through simplejpeg; None where Pillow shall try (CMYK, odd but readable, damaged)."""
    found = jpeg.size(data)
    if found is None:
        return None
    height, width, space = found
    _refuse_bomb(height, width, shown)
    if space not in {"YCbCr", "RGB", "Gray"}:
        return None
    pixels = jpeg.decode(data, gray=space == "Gray", min_side=min_side)
    return None if pixels is None else upright(pixels, jpeg.orientation(data))


def _tiff(data: bytes, head: tiff.Header, shown: str) -> Pixels:
    """A TIFF of many bands or of 16-bit colour."""
    _refuse_bomb(head.height, head.width * max(1, head.bands // 4), shown)
    pixels = tiff.read(data, head, shown)
    if head.photometric == 0:
        pixels = ~pixels
    if head.alpha and head.bands in {2, 4}:
        pixels = on_white(pixels)
    return upright(pixels, head.orientation)


def _open(data: bytes, shown: str) -> Image.Image:
    """The header as Pillow sees it, first frame; ImageError where it is no image."""
    try:
        image = Image.open(io.BytesIO(data))
    except UnidentifiedImageError:
        raise ImageError(
            f"{shown}: no image that can be read (the file starts with {data[:8]!r}); expected JPEG, PNG, WebP, "
            "TIFF (8 or 16 bits), BMP or GIF. Convert it or remove it."
        ) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(
            f"{shown}: {error}; at most {MAX_PIXELS // 1_000_000} megapixels are decoded. "
            "Scale it down or cut it into tiles."
        ) from None
    except _DAMAGE as error:
        raise ImageError(f"{shown}: the header is damaged ({error}). {_REMEDY}") from None
    _refuse_bomb(image.height, image.width, shown)
    return image


def _pillow(data: bytes, shown: str, min_side: int | None) -> Pixels:
    """Any file through Pillow, or, once Pillow has found it whole, through OpenCV where Pillow loses bits."""
    image = _open(data, shown)
    try:
        if image.format == "JPEG" and min_side:
            image.draft(None, (min_side, min_side))
        image.load()
        orientation = image.getexif().get(274, 1)
        cut = deep.is_deep(data) and not image.mode.startswith("I")
        pixels, alpha = deep.decode(data) if cut else (None, False)
    except _DAMAGE as error:
        raise ImageError(f"{shown}: the picture is truncated or corrupt ({error}). {_REMEDY}") from None
    if pixels is None:
        return upright(_flat(image, shown), orientation)
    return upright(on_white(pixels) if alpha else pixels, orientation)


def _bits(data: bytes, image: Image.Image) -> int:
    """Bits per channel: 1, 8, 16 or 32."""
    if deep.is_deep(data):
        return 16
    if image.mode in {"I", "F"}:
        return 32
    return 16 if image.mode.startswith("I;16") else 1 if image.mode == "1" else 8


def _frames(image: Image.Image) -> int:
    try:
        return int(getattr(image, "n_frames", 1))
    except _DAMAGE:  # the chain of frames is damaged; the first one opened
        return 1


def _flat(image: Image.Image, shown: str) -> Pixels:
    """Gray or RGB pixels of a loaded picture of any Pillow mode."""
    mode, keyed = image.mode, "transparency" in image.info
    if mode.startswith("I"):
        return _whole_numbers(np.asarray(image), shown)[:, :, None]
    if mode == "F":
        raise ImageError(
            f"{shown}: pixels are floating-point numbers; expected 8 or 16 bits. Scale them and save as 16-bit."
        )
    if mode == "LA" or (mode in {"1", "L"} and keyed):
        return _by_strips(image, "LA")
    if mode in {"RGBA", "PA", "RGBa", "La"} or keyed:
        return _by_strips(image, "RGBA")
    if mode in {"1", "L"}:
        return _by_strips(image, "L")
    try:
        return _by_strips(image, "RGB")
    except ValueError:
        raise ImageError(f"{shown}: colour mode {mode!r} is not supported. Save it as RGB.") from None


def _by_strips(image: Image.Image, mode: Literal["L", "LA", "RGB", "RGBA"]) -> Pixels:
    """A loaded picture as pixels (H, W, 1 or 3), flattened; a large one in strips, as Pillow converts in three copies."""
    width, height = image.size
    rows = max(1, _STRIP // max(1, width))
    if height <= rows:
        return _as(image, mode)
    out = np.empty((height, width, 1 if mode in {"L", "LA"} else 3), np.uint8)
    for top in range(0, height, rows):
        bottom = min(height, top + rows)
        out[top:bottom] = _as(image.crop((0, top, width, bottom)), mode)
    return out


def _as(image: Image.Image, mode: Literal["L", "LA", "RGB", "RGBA"]) -> Pixels:
    pixels = np.asarray(image.convert(mode))
    return on_white(pixels) if mode in {"LA", "RGBA"} else pixels.reshape(*pixels.shape[:2], -1)


def _whole_numbers(values: Pixels, shown: str) -> Pixels:
    """Numbers of a 16- or 32-bit gray picture as uint16."""
    if values.size and (values.min() < 0 or values.max() > 65535):
        raise ImageError(
            f"{shown}: pixel values from {values.min()} to {values.max()}; expected 0 to 65535. "
            "Scale them and save as 16-bit."
        )
    return values.astype(np.uint16)
