"""Pictures that are masks: the number or the colour of each pixel, unchanged, and a tally of them.

Read with Pillow and not by images.photo, because a mask is no photo: of a palette the index counts and not its colour,
nothing is flattened, scaled or cut, and opacity says nothing. PNG of 2 or 4 bits a pixel comes back as it was written.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from objectif.errors import DataError
from objectif.images import photo

_STRETCHED = {"L;2": 85, "L;4": 17}  # by which Pillow multiplies the numbers of shallow PNG
_WHOLE = 0.9
_GRAY = 0x010101


@dataclass(frozen=True)
class Tally:
    """What one mask holds. numbers: number -> pixels, None where pixels are colours. colours: 0xRRGGBB -> pixels.

    whole, different: of `different` numbers above 0, how many are one connected region (nine tenths of their pixels).
    """

    height: int
    width: int
    numbers: Mapping[int, int] | None
    colours: Mapping[int, int]
    whole: int = 0
    different: int = 0

    @property
    def pixels(self) -> int:
        """Height times width."""
        return self.height * self.width


def opened(file: Path, name: str | None = None) -> Image.Image:
    """The picture, decoded, palette and depth unchanged; DataError where it is none or is damaged."""
    shown = name or str(file)
    try:
        image = Image.open(io.BytesIO(file.read_bytes()))
        if image.width * image.height > photo.MAX_PIXELS:
            raise DataError(
                f"{shown}: the mask has {image.width} x {image.height} pixels; at most "
                f"{photo.MAX_PIXELS // 1_000_000} megapixels are decoded. Cut picture and mask into tiles."
            )
        tile = image.tile[0] if image.tile else None
        raw = tile[3] if tile is not None else None
        image.load()
        image.info["stretched"] = _STRETCHED.get(raw[0] if isinstance(raw, tuple) else str(raw), 1)
    except DataError:
        raise
    except Exception as error:  # Pillow's plug-ins raise whatever they meet in damaged files
        raise DataError(f"{shown}: the mask cannot be read ({error}). Write it again or remove it.") from None
    return image


def numbers(image: Image.Image, name: str) -> NDArray[Any] | None:
    """(H, W) whole numbers of an opened picture; None where its channels differ. DataError: below 0, or fractions."""
    mode = image.mode
    if mode == "1":
        return np.asarray(image).astype(np.uint8)
    if mode in {"L", "P"}:
        plain = np.asarray(image)
        step = int(image.info.get("stretched", 1))
        return plain if step == 1 else plain // np.uint8(step)
    if mode in {"LA", "La", "PA"}:
        return np.asarray(image.getchannel(0))
    if mode == "F" or mode.startswith("I"):
        return _whole_numbers(np.asarray(image), name)
    red, green, blue = _channels(image)
    same = np.array_equal(red, green) and np.array_equal(red, blue)
    return np.ascontiguousarray(red) if same else None


def colours(image: Image.Image) -> NDArray[np.uint32]:
    """(H, W) 0xRRGGBB of an opened picture of 8 bits; of a palette its colours."""
    if image.mode in {"P", "PA"}:
        image = image.convert("RGB")
    if image.mode in {"1", "L", "LA", "La"}:
        return np.asarray(image.convert("L"), np.uint32) * np.uint32(_GRAY)
    red, green, blue = (channel.astype(np.uint32) for channel in _channels(image))
    return np.asarray((red << 16) | (green << 8) | blue, np.uint32)


def tally(file: Path, name: str, *, regions: bool = False) -> Tally:
    """Count what one mask holds; with `regions` also whether its numbers are connected. DataError: see opened()."""
    image = opened(file, name)
    height, width = image.height, image.width
    found = numbers(image, name)
    if found is None:
        values, counts = np.unique(colours(image), return_counts=True)
        return Tally(height, width, None, _counted(values, counts))
    values, counts = _occurring(found)
    seen = _counted(values, counts)
    if image.mode in {"P", "PA"}:
        shown = colours(image)
        met: dict[int, int] = {}
        values, first = np.unique(found, return_index=True)
        for value, place in zip(values.tolist(), first.tolist(), strict=True):
            colour = int(shown.ravel()[place])
            met[colour] = met.get(colour, 0) + seen[value]
    else:
        met = {value * _GRAY: count for value, count in seen.items() if value < 256}
    whole, different = _connected(found) if regions else (0, 0)
    return Tally(height, width, seen, met, whole, different)


def _channels(image: Image.Image) -> tuple[NDArray[Any], ...]:
    """Red, green and blue (H, W); opacity is left."""
    pixels = np.asarray(image if image.mode in {"RGB", "RGBA", "RGBX"} else image.convert("RGB"))
    return pixels[:, :, 0], pixels[:, :, 1], pixels[:, :, 2]


def _whole_numbers(values: NDArray[Any], name: str) -> NDArray[Any]:
    if values.size and (values.min() < 0 or not np.array_equal(values, np.floor(values))):
        raise DataError(
            f"{name}: the mask holds numbers from {values.min():g} to {values.max():g}; expected whole numbers from 0 "
            "on. Save it with 8 or 16 bits."
        )
    return values.astype(np.uint16 if not values.size or values.max() < 65536 else np.uint32)


def _occurring(found: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The numbers that occur and how often; counting is ten times faster than sorting where numbers are small."""
    if found.dtype == np.uint32:
        return np.unique(found, return_counts=True)
    counts = np.bincount(found.ravel())
    values = np.flatnonzero(counts)
    return values, counts[values]


def _counted(values: NDArray[Any], counts: NDArray[Any]) -> dict[int, int]:
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


def _connected(found: NDArray[Any]) -> tuple[int, int]:
    """Of the numbers above 0, how many are one region, and how many there are.

    A pixel whose right or lower neighbour has another number is taken away; what then hangs together has one number.
    """
    kept = found > 0
    kept[:, :-1] &= found[:, :-1] == found[:, 1:]
    kept[:-1] &= found[:-1] == found[1:]
    count, parts, stats, _ = cv2.connectedComponentsWithStats(kept.astype(np.uint8), connectivity=4)
    if count < 2:
        return 0, 0
    places = np.unique(parts.ravel(), return_index=True)[1][-(count - 1) :]
    owner = found.ravel()[places].astype(np.int64)
    areas = stats[1:, cv2.CC_STAT_AREA]
    names, inverse = np.unique(owner, return_inverse=True)
    total, largest = np.zeros(len(names), np.int64), np.zeros(len(names), np.int64)
    np.add.at(total, inverse, areas)
    np.maximum.at(largest, inverse, areas)
    return int((largest >= _WHOLE * total).sum()), len(names)
