"""What masks say: pixels of each class, how many objects and how large, and the masks that are no use.

Objects are those that the masks tell apart; where they tell classes only, the connected regions of each class but
background. Layouts leave out masks that do not fit when they read; they are counted here by what is wrong with them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from objectif.data.dataset import Dataset
from objectif.data.masks import KINDS, read_mask
from objectif.errors import DataError, ImageError
from objectif.health.looks import Looks
from objectif.metrics.masks import VOID, Mask, classes_of, has_background, objects_of

SPECK = 4
"""Pixels below which an object is a speck: a slip of the brush, or smoothing."""

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class OfClass:
    """Pixels of one class and their share of all that count; images that show it; its objects, the median of the square
    root of their pixels, and how many are specks."""

    pixels: int
    share: float
    images: int
    objects: int
    side: float
    specks: int


@dataclass(frozen=True)
class Masks:
    """Masks of the readable images. by_class: name -> OfClass. instances: whether objects are told apart.

    background: the name of class 0 where that is no object. void: share of pixels that are not counted. empty: rows of
    images that hold nothing but background. per_image: median, largest number of objects in an image. broken: row -> why its
    mask cannot be read. left_out: kind (data.masks.KINDS) -> path -> why, of what the layout left out.
    """

    images: int
    by_class: dict[str, OfClass]
    instances: bool
    background: str | None
    void: float
    empty: tuple[int, ...]
    per_image: tuple[float, int]
    broken: dict[int, str]
    left_out: dict[str, dict[str, str]]

    @property
    def flaws(self) -> dict[str, str]:
        """Path -> why of all that the layout left out."""
        return {path: why for found in self.left_out.values() for path, why in found.items()}

    def to_dict(self, paths: Sequence[str]) -> dict[str, object]:
        """JSON-ready; images by path."""
        plain = asdict(self)
        plain["empty"] = [paths[row] for row in self.empty]
        plain["broken"] = {paths[row]: why for row, why in self.broken.items()}
        return plain


@dataclass(frozen=True)
class _Seen:
    """One mask: (C + 1,) pixels of each class and of void; sizes of the objects of each class."""

    pixels: Ints
    sizes: tuple[Ints, ...]


def masks(dataset: Dataset, looks: Looks) -> Masks | None:
    """Look at all masks of the readable images; None where masks are not what is to be learned."""
    if dataset.task != "segment":
        return None
    rows = [row for row in range(len(dataset)) if looks.readable[row]]

    def one(row: int) -> _Seen | str:
        try:
            return _look_at(read_mask(dataset, row), dataset)
        except (DataError, ImageError) as error:
            return str(error).removeprefix(f"{dataset.samples[row].path}: ")

    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        found = dict(zip(rows, pool.map(one, rows), strict=True))
    seen = {row: s for row, s in found.items() if isinstance(s, _Seen)}
    counts = [sum(map(len, s.sizes)) for s in seen.values()]
    first = int(has_background(dataset.classes))
    total = np.zeros(len(dataset.classes) + 1, np.int64)
    for one_seen in seen.values():
        total += one_seen.pixels
    counted = max(1, int(total[:-1].sum()))
    return Masks(
        images=len(seen),
        by_class={
            name: _of_class(k, int(total[k]), counted, list(seen.values()))
            for k, name in enumerate(dataset.classes)
        },
        instances=dataset.instances,
        background=dataset.classes[0] if first else None,
        void=float(total[-1] / max(1, total.sum())),
        empty=tuple(row for row, s in seen.items() if not s.pixels[first:-1].any()),
        per_image=(float(np.median(counts)) if counts else 0.0, max(counts, default=0)),
        broken={row: why for row, why in found.items() if isinstance(why, str)},
        left_out=_left_out(dataset.problems),
    )


def _left_out(problems: Mapping[str, str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {kind: {} for kind in KINDS}
    for path, why in problems.items():
        kind = next((kind for kind in KINDS if kind in why), None)
        if kind is not None:
            found[kind][path] = why
    return found


def _of_class(label: int, pixels: int, counted: int, seen: Sequence[_Seen]) -> OfClass:
    sizes = np.concatenate([s.sizes[label] for s in seen]) if seen else np.zeros(0, np.int64)
    side = float(np.sqrt(np.median(sizes))) if len(sizes) else 0.0
    images = sum(bool(s.pixels[label]) for s in seen)
    share = pixels / counted
    return OfClass(pixels, share, images, len(sizes), round(side, 1), int((sizes < SPECK).sum()))


def _look_at(mask: Mask, dataset: Dataset) -> _Seen:
    classes = classes_of(mask)
    counts = np.bincount(classes.ravel(), minlength=VOID + 1)
    number = len(dataset.classes)
    pixels = np.append(counts[:number], counts[VOID]).astype(np.int64)
    if dataset.instances:
        return _Seen(pixels, _of_objects(mask, number))
    first = int(has_background(dataset.classes))
    none = np.zeros(0, np.int64)
    sizes = (_regions(classes == k) if k >= first and pixels[k] else none for k in range(number))
    return _Seen(pixels, tuple(sizes))


def _of_objects(mask: Any, number: int) -> tuple[Ints, ...]:
    """Pixels of each object, by class."""
    kept = mask[(objects_of(mask) > 0) & (classes_of(mask) != VOID)]
    values, sizes = np.unique(kept, return_counts=True)
    labels = values & 0xFF
    return tuple(sizes[labels == k].astype(np.int64) for k in range(number))


def _regions(inside: NDArray[np.bool_]) -> Ints:
    """Pixels of each connected region."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(inside.astype(np.uint8), connectivity=8)
    return np.asarray(stats[1:, cv2.CC_STAT_AREA], np.int64)
