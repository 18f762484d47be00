"""Degradation: what a clean picture has gone through, stated in words, so that pairs can be made of clean pictures alone.

    "noise 25"          white Gaussian noise of this standard deviation, in levels of 0..255
    "blur 1.6"          a Gaussian of this standard deviation in pixels
    "shrink 2"          bicubic to a half (2, 3 or 4): super-resolution. Keys' kernel with a = -1/2, widened when shrinking
                        so that nothing aliases, as Pillow and MATLAB have it
    "given"             the pictures are noisy as they are, and nobody has clean ones; "given, noise 10" where the strength of the
                        noise is known, which is estimated else (images/recorrupt.py)
    "gray, blur 1, noise 5"  several, in the order gray, blur, shrink, noise, which is that of light on its way to a file

Pixels are float32 in 0..255 from here on and are not clipped: clipped noise is no longer of mean 0, and every figure that
is published for it is about other noise. Noise is that of numpy.random.default_rng(number of the image), so that a figure
can be repeated anywhere. 'gray' is a statement about the pictures and not a loss to be mended: the clean ones turn gray too.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from objectif.errors import DataError
from objectif.images.prepare import luma
from objectif.images.recorrupt import SHARE, recorrupted

Pixels = NDArray[Any]
Reals = NDArray[np.float32]
_ORDER = ("given", "gray", "blur", "shrink", "noise")
_STEP = re.compile(r"(?P<word>[a-z]+)(?:\s+(?P<amount>\S+))?")
_EXAMPLES = "'noise 25', 'blur 1.6', 'shrink 2' or several, such as 'gray, blur 1, noise 5', or 'given'"
MOST_BLUR, MOST_NOISE = 20.0, 255.0
SHRINKS = (2, 3, 4)


@dataclass(frozen=True)
class Degradation:
    """gray: pictures are seen as luma. blur, noise: standard deviations, 0 for none. shrink: 1 for none.

    given: pictures are noisy as they are; noise is then what they have, 0 where nobody knows.
    """

    given: bool = False
    gray: bool = False
    blur: float = 0.0
    shrink: int = 1
    noise: float = 0.0

    def __str__(self) -> str:
        told = [
            "given" if self.given else "",
            "gray" if self.gray else "",
            f"blur {self.blur:g}" if self.blur else "",
            f"shrink {self.shrink}" if self.shrink > 1 else "",
            f"noise {self.noise:g}" if self.noise else "",
        ]
        return ", ".join(word for word in told if word)

    @property
    def known(self) -> float | None:
        """Standard deviation of the noise in the pictures that are seen, where it is white and known."""
        if not self.noise or self.shrink > 1:
            return None
        return self.noise * math.sqrt(1 + SHARE) if self.given else self.noise


def degradation(text: str) -> Degradation:
    """A Degradation from its words; DataError names what is not understood."""
    values: dict[str, Any] = {}
    for part in text.split(","):
        found = _STEP.fullmatch(part.strip().lower())
        word = found["word"] if found else ""
        if found is None or word not in _ORDER:
            raise DataError(
                f"degradation {text!r}: {part.strip()!r} is not known; expected {_EXAMPLES}. Correct it."
            )
        if values and _ORDER.index(word) <= max(_ORDER.index(known) for known in values):
            raise DataError(
                f"degradation {text!r}: {word!r} stands twice or too late; expected each once, in the order "
                f"{', '.join(_ORDER)}."
            )
        values[word] = _amount(text, word, found["amount"])
    if set(values) == {"gray"}:
        raise DataError(f"degradation {text!r} leaves nothing to restore; expected {_EXAMPLES}.")
    if "given" in values and values.keys() & {"blur", "shrink"}:
        raise DataError(
            f"degradation {text!r}: 'given' says that the pictures are noisy as they are; expected no more than 'gray' and "
            "the strength of their noise beside it, such as 'given, noise 10'."
        )
    return Degradation(**values)


def _amount(text: str, word: str, amount: str | None) -> bool | int | float:
    """The number behind a word, within its limits."""
    if word in ("given", "gray"):
        if amount is not None:
            raise DataError(f"degradation {text!r}: {word!r} takes no number, met {amount!r}; leave it out.")
        return True
    try:
        value = float(amount or "nan")
    except ValueError:
        value = math.nan
    if word == "shrink":
        if value not in SHRINKS:
            raise DataError(f"degradation {text!r}: shrink {amount}; expected 2, 3 or 4.")
        return int(value)
    most = MOST_BLUR if word == "blur" else MOST_NOISE
    if not 0 < value <= most:
        raise DataError(
            f"degradation {text!r}: {word} {amount}; expected a standard deviation above 0 and up to {most:g}."
        )
    return value


def clean(pixels: Pixels, how: Degradation) -> Reals:
    """What is to be restored (H, W, C) float32 in 0..255: gray where that is stated, cut to a multiple of `shrink`."""
    if how.gray and pixels.shape[2] == 3:
        pixels = luma(pixels)
    height, width = (side - side % how.shrink for side in pixels.shape[:2])
    if not height or not width:
        raise DataError(
            f"a picture of {pixels.shape[1]} x {pixels.shape[0]} pixels cannot be shrunk to 1/{how.shrink}; expected "
            f"at least {how.shrink} along each side. Leave it out."
        )
    scale = np.float32(257 if pixels.dtype == np.uint16 else 1)
    return np.asarray(pixels[:height, :width], np.float32) / scale


def degraded(pixels: Reals, how: Degradation, seed: int) -> Reals:
    """clean() pixels (H, W, C) as they are given to be restored: (H / shrink, W / shrink, C) float32, not clipped.

    Pictures that are noisy as they are get a little more noise, so that there is something to judge by (images/recorrupt.py).
    """
    if how.given:
        return recorrupted(pixels, how.noise, seed)[0]
    quiet = spoiled(pixels, how)
    if not how.noise:
        return quiet
    noise = np.random.default_rng(seed).normal(0.0, how.noise, quiet.shape)
    return np.asarray(quiet + noise, np.float32)


def spoiled(pixels: Reals, how: Degradation) -> Reals:
    """degraded() before noise comes in."""
    if how.blur:
        pixels = blurred(pixels, how.blur)
    if how.shrink > 1:
        return bicubic(pixels, pixels.shape[0] // how.shrink, pixels.shape[1] // how.shrink)
    return pixels


def blurred(pixels: Reals, sigma: float) -> Reals:
    """A Gaussian cut at four standard deviations, the picture mirrored at its edges."""
    side = 2 * math.ceil(4 * sigma) + 1
    planes = [
        cv2.GaussianBlur(np.ascontiguousarray(plane), (side, side), sigma, borderType=cv2.BORDER_REFLECT)
        for plane in np.moveaxis(pixels, 2, 0)
    ]
    return np.stack(planes, axis=2)


def bicubic(pixels: Pixels, height: int, width: int) -> Reals:
    """(H, W, C) of any type to (height, width, C) float32 by Keys' cubic, a = -1/2; not clipped."""
    planes = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(plane, np.float32)).resize(
                (width, height), Image.Resampling.BICUBIC
            )
        )
        for plane in np.moveaxis(pixels, 2, 0)
    ]
    return np.stack(planes, axis=2)
