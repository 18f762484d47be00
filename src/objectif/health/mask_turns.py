"""Whether masks lie on their pictures as they stand, or would if each were turned, mirrored or flipped.

A mask that lies on its picture cuts it where its colours change, so that classes explain a part of the variance of colour
(eta squared); one that was saved turned cuts it anywhere. All checks of sizes and numbers pass such a set, and training on
it learns nothing. A few images are evidence enough, because an export turns all masks or none. Edges would tell the same
of sharp masks and nothing of generous ones, so colour is asked. Nothing is turned here: it is said, with the figures.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from objectif.data import pixels
from objectif.data.dataset import Dataset
from objectif.data.masks import read_mask
from objectif.errors import DataError, ImageError
from objectif.health.looks import eight_bit_rgb
from objectif.health.words import percent
from objectif.metrics.masks import VOID, classes_of

LOOKED_AT = 24
"""Images that are evidence enough."""
SIDE = 128
"""Pixels of the long side at which they are compared: regions matter, not edges."""
_FEWEST = 5  # images that say something, below which nothing is said
_AGREE = 0.8  # share of them in which the other way is better
_TIMES = 2.0  # by which its mean is larger at least
_MORE = 0.05  # likewise; twice nothing is nothing

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class _Way:
    """One way in which a mask may lie: its words, degrees counter-clockwise (None where no turn does it), and how."""

    words: str
    degrees: int | None
    moved: Callable[[Bytes], Bytes]
    square: bool = False


_WAYS = (
    _Way("turned by 180 degrees", 180, lambda m: np.rot90(m, 2)),
    _Way("mirrored (left to right)", None, lambda m: m[:, ::-1]),
    _Way("flipped (upside down)", None, lambda m: m[::-1]),
    _Way("turned by 90 degrees counter-clockwise", 90, lambda m: np.rot90(m, 1), square=True),
    _Way("turned by 270 degrees counter-clockwise", 270, lambda m: np.rot90(m, 3), square=True),
)
"""Those of 90 and 270 degrees keep the size of square pictures alone; others are caught by their size."""


@dataclass(frozen=True)
class Turn:
    """How masks would lie better.

    words: as in 'turned by 180 degrees'. option: what `--turn-masks` must be, 0 to leave it out, None where no option
    mends it. standing, moved: mean share of the variance of colour that classes explain, as masks stand and as they would
    lie. better: images in which it grows, of `images` that say something.
    """

    words: str
    option: int | None
    standing: float
    moved: float
    better: int
    images: int

    @property
    def sentence(self) -> str:
        """What was found, with its figures."""
        return (
            f"Masks do not lie on their pictures: classes explain {percent(self.standing)} of the variance of colour as the "
            f"masks stand, and {percent(self.moved)} with each {self.words}; that is better in {self.better} of "
            f"{self.images} images looked at. Nothing can be learned from masks of other places."
        )

    @property
    def remedy(self) -> str:
        """What to do."""
        if self.option is None:
            return f"Correct the masks, each {self.words}, and inspect again."
        return (
            f"Read them turned: `--turn-masks {self.option}`." if self.option else "Leave out `--turn-masks`."
        )

    def to_dict(self) -> dict[str, object]:
        """JSON-ready."""
        return asdict(self)


def turned(dataset: Dataset) -> Turn | None:
    """The way in which masks would lie much better on their pictures; None where they lie well, or nothing can be said.

    Looks at up to LOOKED_AT images, evenly spaced; those that cannot be read say nothing, others tell of them.
    """
    drawn = [row for row, sample in enumerate(dataset.samples) if sample.mask is not None]
    if len(drawn) < _FEWEST:
        return None
    places = np.linspace(0, len(drawn) - 1, min(LOOKED_AT, len(drawn))).round().astype(int)
    rows = [drawn[k] for k in places]
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        found = [shares for shares in pool.map(lambda row: _shares(dataset, row), rows) if shares]
    files = all(_is_file(dataset, row) for row in rows)
    told = [t for way in _WAYS if (t := _judged(way, found, dataset.turned, files=files)) is not None]
    return max(told, key=lambda t: t.moved - t.standing, default=None)


def _is_file(dataset: Dataset, row: int) -> bool:
    mask = dataset.samples[row].mask
    return mask is not None and mask.file is not None


def _judged(way: _Way, found: Sequence[Mapping[str, float]], already: int, *, files: bool) -> Turn | None:
    """The Turn that this way is, where the evidence is strong. already: degrees by which masks are turned as they stand."""
    pairs = np.array([(shares[""], shares[way.words]) for shares in found if way.words in shares])
    if len(pairs) < _FEWEST:
        return None
    standing, moved = (float(mean) for mean in pairs.mean(axis=0))
    better = int((pairs[:, 1] > pairs[:, 0]).sum())
    if better < _AGREE * len(pairs) or moved < _TIMES * standing or moved < standing + _MORE:
        return None
    option = (already + way.degrees) % 360 if files and way.degrees is not None else None
    return Turn(way.words, option, standing, moved, better, len(pairs))


def _shares(dataset: Dataset, row: int) -> dict[str, float]:
    """Words of each way ('' as it stands) -> share of the variance; nothing where the image says nothing."""
    try:
        mask = np.ascontiguousarray(classes_of(read_mask(dataset, row)).astype(np.uint8))
        height, width = (max(1, round(n * min(1.0, SIDE / max(mask.shape)))) for n in mask.shape)
        picture = pixels.read(dataset, row, min_side=min(height, width))
    except (DataError, ImageError):
        return {}
    square = mask.shape[0] == mask.shape[1]
    mask = cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST_EXACT).astype(np.uint8)
    colour = _lab(picture, height, width)
    ways = {"": mask} | {way.words: way.moved(mask) for way in _WAYS if square or not way.square}
    found = {words: explained(colour, one) for words, one in ways.items()}
    told = {words: share for words, share in found.items() if share is not None}
    return told if "" in told else {}


def _lab(picture: NDArray[Any], height: int, width: int) -> Floats:
    """(height, width, 3) Lab of pixels (H, W, C) of any depth."""
    small = cv2.resize(eight_bit_rgb(picture), (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB), np.float32)


def explained(colour: Floats, classes: Bytes) -> float | None:
    """Share (eta squared, 0 to 1) of the variance of colour (H, W, 3) that lies between classes (H, W), VOID left out.

    None where only one class is there, or one colour: that says nothing.
    """
    counted = classes != VOID
    labels, values = classes[counted], colour[counted].astype(np.float64)
    sizes = np.bincount(labels)
    there = sizes > 0
    if there.sum() < 2:
        return None
    values -= values.mean(axis=0)
    total = float(np.square(values).sum())
    if total < 1e-6 * len(values):  # float32 Lab of one colour is not quite constant
        return None
    sums = np.stack([np.bincount(labels, weights=values[:, k]) for k in range(values.shape[1])])
    between = float((np.square(sums[:, there]) / sizes[there]).sum())
    return between / total
