"""Preparation: from pixels of any size to the network's input. THE one function, for fitting and for running.

If training resized one way and prediction another, every figure of a leaderboard would be about a network that
nobody ships. So both call load(), and a Solution carries the Preparation as data.

Order: crop (where asked), resize, steps, pad, channels. Steps come after resizing because they then cost the
same for every camera, and before padding so that bars do not enter the statistics of white balance or CLAHE.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from objectif.errors import ImageError, SolutionError
from objectif.images.photo import probe, read

Fit = Literal["stretch", "crop", "pad", "keep"]
FITS: tuple[Fit, ...] = ("stretch", "crop", "pad", "keep")
Pixels = NDArray[Any]


@dataclass(frozen=True)
class Preparation:
    """What happens between a decoded picture and the network.

    height, width, channels: of the result. fit: 'stretch' ignores the aspect ratio, 'crop' keeps the centre,
    'pad' adds gray bars, 'keep' leaves every pixel where it is, for networks that take any size: height and width are
    then those of training. steps: names in STEPS, applied in this order. grow: how many times a kept picture is
    enlarged on each side, bicubic (super-resolution).
    """

    height: int
    width: int
    channels: int = 3
    fit: Fit = "stretch"
    steps: tuple[str, ...] = ()
    grow: int = 1

    def __post_init__(self) -> None:
        for key in ("height", "width", "channels", "grow"):
            value = getattr(self, key)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise SolutionError(f"preparation: {key} = {value!r}; expected a whole number of at least 1.")
        if self.fit not in FITS:
            raise SolutionError(f"preparation: fit = {self.fit!r}; expected one of {', '.join(FITS)}.")
        for step in self.steps:
            if step not in STEPS:
                raise SolutionError(
                    f"preparation: step {step!r} is not known; known are {', '.join(STEPS)}. "
                    "A newer objectif may have written this: update."
                )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        told = {**asdict(self), "steps": list(self.steps)}
        if self.grow == 1:  # older versions do not know it
            del told["grow"]
        return told

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Preparation:
        """The inverse of to_dict(); SolutionError names an unknown or missing key."""
        known = {f.name for f in fields(cls)}
        for key in values:
            if key not in known:
                raise SolutionError(
                    f"preparation: key {key!r} is not known; known are {', '.join(sorted(known))}."
                )
        for key in ("height", "width"):
            if key not in values:
                raise SolutionError(f"preparation: key {key!r} is missing.")
        steps = values.get("steps", ())
        if not isinstance(steps, list | tuple) or not all(isinstance(s, str) for s in steps):
            raise SolutionError(f"preparation: steps = {steps!r}; expected a list of names.")
        return cls(**{**values, "steps": tuple(steps)})


def load(source: Path | bytes, preparation: Preparation, *, name: str | None = None) -> Pixels:
    """Read and prepare one photo: (height, width, channels) uint8, or float32 in 0..255 for 16-bit files.

    Raises ImageError as photo.read() and prepare() do.
    """
    side = None if preparation.fit == "keep" else max(preparation.height, preparation.width)
    shown = name if name is not None else (str(source) if isinstance(source, Path) else "image")
    return prepare(read(source, name=shown, min_side=side), preparation, name=shown)


@dataclass(frozen=True)
class Placement:
    """Where a picture of height x width pixels lies in its prepared image: x there = x here * scale_x + left.

    known: what is known of the picture beside its pixels, by name; it travels here because it goes wherever this goes.
    """

    height: int
    width: int
    scale_x: float = 1.0
    scale_y: float = 1.0
    left: float = 0.0
    top: float = 0.0
    known: Mapping[str, float] = field(default_factory=dict, hash=False)

    def back(self, boxes: NDArray[Any]) -> NDArray[np.float64]:
        """Boxes (..., 4) x1 y1 x2 y2 of the prepared image in pixels of the picture, cut at its edges."""
        shift = np.array([self.left, self.top] * 2)
        found = (np.asarray(boxes, np.float64) - shift) / np.array([self.scale_x, self.scale_y] * 2)
        return np.asarray(np.clip(found, 0.0, np.array([self.width, self.height] * 2, np.float64)))

    def forth(self, boxes: NDArray[Any]) -> NDArray[np.float64]:
        """Boxes (..., 4) of the picture in pixels of the prepared image."""
        scale = np.array([self.scale_x, self.scale_y] * 2)
        return np.asarray(np.asarray(boxes, np.float64) * scale + np.array([self.left, self.top] * 2))


def placement(height: int, width: int, preparation: Preparation) -> Placement:
    """The Placement of a picture of height x width pixels under a Preparation."""
    to_h, to_w = preparation.height, preparation.width
    if preparation.fit == "keep":
        return Placement(height, width, preparation.grow, preparation.grow)
    if preparation.fit == "pad":
        inner_h, inner_w = _inside(height, width, to_h, to_w)
        top, left = (to_h - inner_h) // 2, (to_w - inner_w) // 2
        return Placement(height, width, inner_w / width, inner_h / height, left, top)
    if preparation.fit == "crop":
        keep_h, keep_w = _kept(height, width, to_h, to_w)
        x, y = to_w / keep_w, to_h / keep_h
        return Placement(height, width, x, y, -x * ((width - keep_w) // 2), -y * ((height - keep_h) // 2))
    return Placement(height, width, to_w / width, to_h / height)


def load_placed(
    source: Path | bytes, preparation: Preparation, *, name: str | None = None
) -> tuple[Pixels, Placement]:
    """load(), and where the picture lies in what it gives."""
    info = probe(source, name=name)
    return load(source, preparation, name=name), placement(info.height, info.width, preparation)


def prepare(pixels: Pixels, preparation: Preparation, *, name: str = "image") -> Pixels:
    """Pixels (H, W, C) uint8 or uint16 to (height, width, channels): uint8, or float32 in 0..255 for 16 bits.

    Pixels that are float32 in 0..255 stay so. Of 'keep' the result is as large as the picture, times `grow`.
    Shrinks by area, grows linearly. One channel is replicated to three, three become luma for one; another
    mismatch of channels is an ImageError.
    """
    height, width = preparation.height, preparation.width
    if preparation.fit == "crop":
        pixels = _centre(pixels, height, width)
    if preparation.fit == "keep":
        if preparation.grow > 1:
            pixels = _grown(pixels, preparation.grow)
    elif preparation.fit == "pad":
        pixels = resize(pixels, *_inside(pixels.shape[0], pixels.shape[1], height, width))
    else:
        pixels = resize(pixels, height, width)
    for step in preparation.steps:
        pixels = STEPS[step](pixels)
    if preparation.fit == "pad":
        pixels = _pad(pixels, height, width)
    pixels = _channels(pixels, preparation.channels, name)
    if pixels.dtype == np.uint16:
        return pixels.astype(np.float32) / np.float32(257)
    return pixels


def resize(pixels: Pixels, height: int, width: int) -> Pixels:
    """(H, W, C) to (height, width, C): by area along a side that shrinks, linearly along one that grows."""
    channels = pixels.shape[2]
    if channels > 4:  # OpenCV resizes four at a time
        parts = [resize(pixels[:, :, k : k + 4], height, width) for k in range(0, channels, 4)]
        return np.concatenate(parts, axis=2)
    small = min(height, pixels.shape[0]), min(width, pixels.shape[1])
    if pixels.shape[:2] != small:
        pixels = _shrink(np.ascontiguousarray(pixels), small)
    if small != (height, width):
        pixels = cv2.resize(np.ascontiguousarray(pixels), (width, height), interpolation=cv2.INTER_LINEAR)
    return pixels.reshape(height, width, channels)


def _grown(pixels: Pixels, factor: int) -> Pixels:
    """(H, W, C) to float32 in about 0..255, `factor` times as large, by Keys' cubic (a = -1/2) as Pillow has it."""
    scale = np.float32(257 if pixels.dtype == np.uint16 else 1)
    size = pixels.shape[1] * factor, pixels.shape[0] * factor
    planes = [
        Image.fromarray(np.ascontiguousarray(plane, np.float32) / scale).resize(
            size, Image.Resampling.BICUBIC
        )
        for plane in np.moveaxis(pixels, 2, 0)
    ]
    return np.stack([np.asarray(plane) for plane in planes], axis=2)


def _shrink(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """By area to (height, width).

    Bytes go through float32, for which alone OpenCV has vector code: a quarter faster, equal bit by bit. Not where
    the factor is whole (another fast path), nor for big pictures (four times the memory).
    """
    whole = pixels.shape[0] % size[0] == 0 and pixels.shape[1] % size[1] == 0
    if pixels.dtype != np.uint8 or whole or pixels.size > 8_000_000:
        return cv2.resize(pixels, size[::-1], interpolation=cv2.INTER_AREA)
    return cv2.convertScaleAbs(
        cv2.resize(pixels.astype(np.float32), size[::-1], interpolation=cv2.INTER_AREA)
    )


def _centre(pixels: Pixels, height: int, width: int) -> Pixels:
    """The largest centred part with the aspect ratio height : width."""
    h, w = pixels.shape[:2]
    keep_h, keep_w = _kept(h, w, height, width)
    top, left = (h - keep_h) // 2, (w - keep_w) // 2
    return np.ascontiguousarray(pixels[top : top + keep_h, left : left + keep_w])


def _kept(h: int, w: int, height: int, width: int) -> tuple[int, int]:
    """Size of the largest part of h x w with the aspect ratio height : width."""
    return min(h, max(1, round(w * height / width))), min(w, max(1, round(h * width / height)))


def _inside(h: int, w: int, height: int, width: int) -> tuple[int, int]:
    """Size of a picture of h x w that just fits into height x width."""
    scale = min(height / h, width / w)
    return min(height, max(1, round(h * scale))), min(width, max(1, round(w * scale)))


def _pad(pixels: Pixels, height: int, width: int) -> Pixels:
    """Centred on mid gray."""
    middle = 128 if pixels.dtype == np.uint8 else 128 * 257
    out = np.full((height, width, pixels.shape[2]), middle, pixels.dtype)
    top, left = (height - pixels.shape[0]) // 2, (width - pixels.shape[1]) // 2
    out[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    return out


def _channels(pixels: Pixels, wanted: int, name: str) -> Pixels:
    """As many channels as the network wants."""
    have = pixels.shape[2]
    if have == wanted:
        return pixels
    if have == 1 and wanted == 3:
        return np.repeat(pixels, 3, axis=2)
    if have == 3 and wanted == 1:
        return luma(pixels)
    raise ImageError(
        f"{name}: has {have} channels; expected {wanted} (1 and 3 are converted, others not). "
        f"Give images of {wanted} channels."
    )


def luma(pixels: Pixels) -> Pixels:
    """RGB (H, W, 3) to gray (H, W, 1), weights of ITU-R BT.601; one channel is returned as it is."""
    if pixels.shape[2] == 1:
        return pixels
    one = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))
    return one[:, :, None]


# --- steps: HWC uint8 or uint16 in, the same shape and type out ---------------------------------------------------


def white_balance(pixels: Pixels) -> Pixels:
    """Gray world: each channel scaled to the common mean (Buchsbaum 1980), gains kept within 1/3 to 3."""
    means = pixels.reshape(-1, pixels.shape[2]).mean(0)
    gains = np.clip(means.mean() / np.maximum(means, 1e-6), 1 / 3, 3)
    top = np.iinfo(pixels.dtype).max
    balanced: Pixels = np.clip(np.rint(pixels * gains), 0, top).astype(pixels.dtype)
    return balanced


def clahe(pixels: Pixels) -> Pixels:
    """Contrast-limited adaptive histogram equalisation of lightness (Zuiderveld 1994), 8 x 8 tiles, limit 2."""
    tool = cv2.createCLAHE(clipLimit=2.0, tileGridSize=(8, 8))
    if pixels.shape[2] != 3:
        return np.dstack([tool.apply(np.ascontiguousarray(c)) for c in np.moveaxis(pixels, 2, 0)])
    if pixels.dtype == np.uint8:
        lab = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB)
        lab[:, :, 0] = tool.apply(np.ascontiguousarray(lab[:, :, 0]))
        return cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)
    real = cv2.cvtColor(pixels.astype(np.float32) / np.float32(65535), cv2.COLOR_RGB2LAB)
    light = tool.apply(np.rint(real[:, :, 0] * 655.35).astype(np.uint16))
    real[:, :, 0] = light / np.float32(655.35)
    back = cv2.cvtColor(real, cv2.COLOR_LAB2RGB)
    return np.rint(np.clip(back, 0, 1) * 65535).astype(np.uint16)


def denoise(pixels: Pixels) -> Pixels:
    """Median of 3 x 3: takes salt and pepper and keeps edges; the same for 8 and 16 bits."""
    return np.dstack([cv2.medianBlur(np.ascontiguousarray(c), 3) for c in np.moveaxis(pixels, 2, 0)])


def gray(pixels: Pixels) -> Pixels:
    """Luma in every channel: colour is taken away where it misleads."""
    if pixels.shape[2] not in {1, 3}:
        raise ImageError(f"step 'gray': the image has {pixels.shape[2]} channels; expected 1 or 3.")
    return np.repeat(luma(pixels), pixels.shape[2], axis=2)


def equalise_gray(pixels: Pixels) -> Pixels:
    """Luma with a flat histogram in every channel: takes exposure and gamma away."""
    one = gray(pixels)[:, :, 0]
    top = np.iinfo(one.dtype).max
    counts = np.bincount(one.ravel(), minlength=int(top) + 1)
    below = np.cumsum(counts) - counts  # pixels that are darker: the darkest value maps to 0
    spread = max(1, one.size - int(counts[one.max()]))
    table = np.rint(below / spread * top).astype(one.dtype)
    return np.repeat(table[one][:, :, None], pixels.shape[2], axis=2)


STEPS: dict[str, Callable[[Pixels], Pixels]] = {
    "white_balance": white_balance,
    "clahe": clahe,
    "denoise": denoise,
    "gray": gray,
    "equalise_gray": equalise_gray,
}
