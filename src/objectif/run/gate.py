"""The input gate at work: what is measured of an input, and why it is not of the kind that a Solution knows.

Measured is what the network is given, after preparation: what the preparation takes away (a light blur that shrinking hides,
sixteen bits, colour under the step `gray`) the network never sees, so it is no reason to refuse. The one exception is how
often a picture had to be enlarged, which is lost by then.

A picture in tiles is judged by its middle tile: every measure is the median over the tiles. They are of the scale that the
network was fitted on and their embeddings are there anyway; the whole picture shrunk to one input shows everything far too
small, would be called unlike, and is one more run of the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from objectif.images.prepare import Placement
from objectif.solution.gate import LOOKS, Gate

Floats = NDArray[np.float32]
GRID = 4
OPPONENTS = np.array([[1, -1, 0], [0.5, 0.5, -1]], np.float32)  # red - green, yellow - blue
COLOUR_SIDE = 32  # points a side, about, at which colour is measured


def looks(pixels: NDArray[Any], place: Placement) -> Floats:
    """(6,) measures of one prepared image (h, w, C) in 0..255, in the order of solution.gate.LOOKS.

    level: mean of luma. contrast: its standard deviation. detail: root mean square of its Laplacian, in levels. colour: mean
    difference of the largest and smallest channel. enlarged: how many times it was enlarged, 1 if shrunk. size: the side in
    pixels that a square of the picture's area has; drift looks at it, the gate does not.
    """
    return _looks(pixels, _luma(pixels), place)


def _looks(pixels: NDArray[Any], gray: NDArray[Any], place: Placement) -> Floats:
    mean, deviation = cv2.meanStdDev(gray)
    edges = cv2.Laplacian(gray, cv2.CV_16S if gray.dtype == np.uint8 else cv2.CV_32F)
    detail = cv2.norm(edges) / sqrt(edges.size)
    size, grown = sqrt(place.height * place.width), max(1.0, sqrt(place.scale_x * place.scale_y))
    return np.array((mean[0, 0], deviation[0, 0], detail, _colour(pixels), grown, size), np.float32)


def _luma(pixels: NDArray[Any]) -> NDArray[Any]:
    """(h, w) of prepared pixels, in their own type."""
    if pixels.shape[2] == 3:
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))
    return np.ascontiguousarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels.mean(2, dtype=np.float32))


def _colour(pixels: NDArray[Any]) -> float:
    if pixels.shape[2] == 1:
        return 0.0
    step = max(1, min(pixels.shape[:2]) // COLOUR_SIDE)
    bands = [np.asarray(band, np.float32) for band in np.moveaxis(pixels[::step, ::step], 2, 0)]
    high, low = bands[0], bands[0]
    for band in bands[1:]:  # much quicker than a maximum along so short an axis
        high, low = np.maximum(high, band), np.minimum(low, band)
    return float((high - low).mean())


def signature(pixels: NDArray[Any]) -> Floats:
    """(60,) what a prepared image (h, w, C) looks like, by hand: light, its places, contrast by scale, colour.

    A histogram of luma (16), means and deviations on a grid (16 + 16), differences along both axes at four scales (8), mean
    and deviation of two opponent colours (4); of 32 x 32 pixels, which is enough and takes a tenth of a millisecond.
    """
    return _signature(pixels, _luma(pixels))


def _signature(pixels: NDArray[Any], gray: NDArray[Any]) -> Floats:
    small = cv2.resize(gray, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    light = np.bincount(np.clip(small.ravel() / 16, 0, 15).astype(np.int64), minlength=16) / small.size
    mean, square = (cv2.resize(x, (GRID, GRID), interpolation=cv2.INTER_AREA) for x in (small, small**2))
    deviation = np.sqrt(np.maximum(square - mean**2, 0))
    steps = []
    for side in (32, 16, 8, 4):
        seen = small if side == 32 else cv2.resize(small, (side, side), interpolation=cv2.INTER_AREA)
        for one, two in ((seen[1:], seen[:-1]), (seen[:, 1:], seen[:, :-1])):
            steps.append(cv2.norm(one, two, cv2.NORM_L1) / seen.size / 64)
    parts = (light, mean.ravel() / 255, deviation.ravel() / 128, steps, _opponents(pixels))
    return np.concatenate(parts).astype(np.float32)


def _opponents(pixels: NDArray[Any]) -> NDArray[np.float64]:
    """(4,) means of red - green and yellow - blue, then deviations, in quarters of the range; of one channel zeros."""
    if pixels.shape[2] < 3:
        return np.zeros(4)
    step = max(1, min(pixels.shape[:2]) // COLOUR_SIDE)
    points = np.ascontiguousarray(pixels[::step, ::step, :3], np.float32)
    mean, deviation = cv2.meanStdDev(cv2.transform(points, OPPONENTS))
    return np.concatenate([mean[:, 0], deviation[:, 0]]) / 64


@dataclass(frozen=True)
class Measures:
    """What the gate goes by. looks: (6,). embedding: (D,), and its distance; signed: that of the signature; None where the
    gate does not judge them."""

    looks: Floats
    distance: float | None = None
    embedding: Floats | None = None
    signed: float | None = None


def measured(
    gate: Gate,
    pixels: Sequence[NDArray[Any]],
    places: Sequence[Placement],
    embedding: NDArray[Any] | None,
) -> list[Measures]:
    """Measures of prepared images, each (h, w, C), with their embeddings (n, D)."""
    grays = [_luma(one) for one in pixels]
    seen = [_looks(one, gray, place) for one, gray, place in zip(pixels, grays, places, strict=True)]
    signed: list[float | None] = [None] * len(seen)
    if gate.signed is not None and seen:
        signs = [_signature(one, gray) for one, gray in zip(pixels, grays, strict=True)]
        signed = gate.signed[0].distances(np.stack(signs)).tolist()
    if gate.space is None or embedding is None:
        return [Measures(one, signed=far) for one, far in zip(seen, signed, strict=True)]
    far = gate.space.distances(embedding).tolist()
    return [Measures(*parts) for parts in zip(seen, far, embedding, signed, strict=True)]


def judged(gate: Gate, measures: Measures, precision: str = "fp32") -> str | None:
    """Why an input with these measures is none that the Solution knows; None where it is.

    The plainest reason first: whoever mends the exposure need not hear of distances.
    """
    values = dict(zip(LOOKS, map(float, measures.looks), strict=True))
    for name in ("enlarged", "level", "contrast", "detail", "colour"):
        low, high = gate.limits.get(name, (None, None))
        value = values[name]
        if low is not None and value < low:
            return _said(name, "low", value, low, high)
        if high is not None and value > high:
            return _said(name, "high", value, low, high)
    look = None if gate.signed is None else gate.signed[1]
    for what, far, most in (
        ("distance", measures.distance, gate.distance.get(precision)),
        ("look at distance", measures.signed, look),
    ):
        if far is not None and most is not None and not far <= most:
            digits = _digits(far, most)
            return f"unlike the images it was fitted on ({what} {far:.{digits}f}, at most {most:.{digits}f})"
    return None


_WORDS = {
    ("enlarged", "high"): "too small: enlarged {value} times, expected {expected}",
    ("level", "low"): "too dark: mean level {value}, expected {expected}",
    ("level", "high"): "too bright: mean level {value}, expected {expected}",
    ("contrast", "low"): "almost one level: they deviate by {value}, expected {expected}",
    ("detail", "low"): "blurred or empty: fine detail of {value} levels, expected {expected}",
    ("colour", "low"): "gray, and it knows colour: channels differ by {value} levels, expected {expected}",
    ("colour", "high"): "coloured, and it knows gray: channels differ by {value} levels, expected {expected}",
}


def _said(name: str, side: str, value: float, low: float | None, high: float | None) -> str:
    """The sentence, in numbers that tell the one met from its limit."""
    digits = _digits(value, (low if side == "low" else high) or 0.0)
    if low is not None and high is not None:
        expected = f"{low:.{digits}f} to {high:.{digits}f}"
    else:
        expected = f"at least {low:.{digits}f}" if high is None else f"at most {high:.{digits}f}"
    return _WORDS[name, side].format(value=f"{value:.{digits}f}", expected=expected)


def _digits(value: float, limit: float) -> int:
    """Digits behind the point by which the two differ, more of them for small limits."""
    fewest = 0 if limit >= 20 else 1 if limit >= 1 else 2
    return next((k for k in range(fewest, 5) if f"{value:.{k}f}" != f"{limit:.{k}f}"), 5)


def together(parts: Sequence[Measures], height: int, width: int) -> Measures:
    """Measures of one picture of height x width from those of its tiles: the median of each."""
    seen = np.median([one.looks for one in parts], axis=0).astype(np.float32)
    seen[LOOKS.index("size")] = sqrt(height * width)
    far = [one.distance for one in parts if one.distance is not None]
    rows = [one.embedding for one in parts if one.embedding is not None]
    signs = [one.signed for one in parts if one.signed is not None]
    signed = float(np.median(signs)) if signs else None
    if not far or not rows:
        return Measures(seen, signed=signed)
    return Measures(seen, float(np.median(far)), np.median(rows, axis=0).astype(np.float32), signed)
