"""Arrays of images and labels become a Dataset: shared by the layouts that hold all images in one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.data.dataset import Dataset, Sample
from objectif.errors import DataError

MOST_CHANNELS = 32
"""More in the last axis is taken for channels in the wrong place, not for a picture."""


@dataclass(frozen=True)
class Part:
    """One split of a container: images (n, H, W) or (n, H, W, C), labels (n,), (n, 1), or (n, C) of 0 and 1."""

    key: Path
    split: str | None
    images: NDArray[Any]
    labels: NDArray[Any]


def build(
    parts: Sequence[Part],
    *,
    path: Path,
    layout: str,
    notes: Sequence[str],
    classes: Sequence[str] | None = None,
) -> Dataset:
    """The Dataset of these parts; parts of one `key` file are joined into one array, in this order.

    classes: names of the numbers 0, 1, ...; without, numbers are their own names. Raises DataError where lengths,
    shapes or types do not fit.
    """
    parts = [_checked(part, path) for part in parts]
    multilabel = any(part.labels.ndim == 2 for part in parts)
    if multilabel and len({part.labels.shape[1:] for part in parts}) > 1:
        raise DataError(
            f"{path}: the splits have labels of different widths. Expected one column per class in each."
        )
    names, index = _names(parts, multilabel, classes, path)
    samples: list[Sample] = []
    arrays: dict[Path, NDArray[np.generic]] = {}
    for key in dict.fromkeys(part.key for part in parts):
        mine = [part for part in parts if part.key == key]
        arrays[key] = _joined(key, mine)
        labels = [(label, part.split) for part in mine for label in part.labels]
        for item, (label, split) in enumerate(labels):
            chosen = tuple(np.flatnonzero(label).tolist()) if multilabel else (index[label.item()],)
            samples.append(Sample(f"{key.name}#{item}", key, chosen, item=item, split=split))
    samples.sort(key=lambda s: (s.file.name, s.item or 0))  # by number, not '#10' before '#2'
    root = path if path.is_dir() else path.parent
    name = path.resolve().stem
    return Dataset(name, root, layout, tuple(names), tuple(samples), multilabel, tuple(notes), arrays=arrays)


def _joined(key: Path, parts: Sequence[Part]) -> NDArray[Any]:
    """The images of all parts in one array; DataError where they differ in shape or type."""
    if len({(part.images.shape[1:], part.images.dtype) for part in parts}) > 1:
        raise DataError(
            f"{key}: the splits hold images of different shapes or types. Expected the same for all."
        )
    return parts[0].images if len(parts) == 1 else np.concatenate([part.images for part in parts])


def _checked(part: Part, path: Path) -> Part:
    """The part with labels (n,) or (n, C > 1); DataError says what does not fit."""
    images, labels = part.images, part.labels
    if images.dtype not in (np.uint8, np.uint16):
        raise DataError(
            f"{part.key}: images are {images.dtype}; expected uint8 or uint16. Scale them and save them so."
        )
    if (
        images.ndim not in {3, 4}
        or (images.ndim == 4 and images.shape[3] > MOST_CHANNELS)
        or 0 in images.shape[1:]
    ):
        raise DataError(
            f"{part.key}: images have the shape {images.shape}; expected (n, height, width) or (n, height, width, "
            "channels)."
        )
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim not in {1, 2} or labels.dtype.kind not in "iubUS":
        raise DataError(
            f"{part.key}: labels are {labels.dtype} of the shape {labels.shape}; expected (n,) or (n, 1) whole "
            "numbers or texts, or (n, classes) of 0 and 1."
        )
    if len(images) != len(labels):
        raise DataError(f"{path}: {len(images)} images but {len(labels)} labels. Expected as many of both.")
    if labels.ndim == 2 and not np.isin(labels, (0, 1)).all():
        raise DataError(
            f"{part.key}: labels of several columns hold more than 0 and 1. Expected one column per class."
        )
    return Part(part.key, part.split, images, labels)


def _names(
    parts: Sequence[Part], multilabel: bool, classes: Sequence[str] | None, path: Path
) -> tuple[list[str], Mapping[Any, int]]:
    """Class names, and for single labels value -> index."""
    if multilabel:
        width = parts[0].labels.shape[1]
        if classes is not None and len(classes) != width:
            raise DataError(f"{path}: {len(classes)} class names for {width} columns of labels.")
        return list(classes or (str(k) for k in range(width))), {}
    values = sorted({value for part in parts for value in np.unique(part.labels).tolist()})
    if classes is not None and all(isinstance(v, int) for v in values):
        if values and not 0 <= values[0] <= values[-1] < len(classes):
            raise DataError(
                f"{path}: labels from {values[0]} to {values[-1]}, but {len(classes)} class names."
            )
        return [classes[v] for v in values], {v: k for k, v in enumerate(values)}
    texts = [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in values]
    return texts, {v: k for k, v in enumerate(values)}
