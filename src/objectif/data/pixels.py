"""Pixels of a Dataset: one image, or many prepared ones decoded in threads.

Decoders and resizers release Python's lock, so threads are enough; processes would copy every picture.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.data.dataset import Dataset
from objectif.errors import DataError, ImageError
from objectif.images import photo
from objectif.images.degrade import clean, degraded
from objectif.images.prepare import Placement, Preparation, load, placement, prepare


def read(dataset: Dataset, row: int, *, min_side: int | None = None) -> NDArray[Any]:
    """Pixels (H, W, C) of sample `row`: uint8 or uint16, as photo.read() gives them. Raises ImageError."""
    sample = dataset.samples[row]
    if sample.item is None:
        return photo.read(sample.file, name=sample.path, min_side=min_side)
    pixels: NDArray[Any] = dataset.arrays[sample.file][sample.item]
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def given(dataset: Dataset, row: int) -> NDArray[Any]:
    """What is to be answered for sample `row`: read(), gone through the degradation of the Dataset where it states one."""
    pixels, how = read(dataset, row), dataset.degradation
    return pixels if how is None else degraded(clean(pixels, how), how, dataset.samples[row].number)


def prepared(
    dataset: Dataset, rows: Iterable[int] | NDArray[np.int64], preparation: Preparation, *, workers: int = 2
) -> NDArray[Any]:
    """The samples `rows` as (n, height, width, channels), in this order: uint8, or float32 where one has 16 bits.

    Pictures that are kept as they are ('keep') must be of one size. Raises ImageError of the first image, in this order,
    that cannot be read.
    """
    order = [int(row) for row in rows]

    def one(row: int) -> NDArray[Any]:
        sample = dataset.samples[row]
        if dataset.degradation is not None:
            return prepare(given(dataset, row), preparation, name=sample.path)
        if sample.item is None:
            return load(sample.file, preparation, name=sample.path)
        return prepare(read(dataset, row), preparation, name=sample.path)

    if preparation.fit == "keep":
        return np.stack([one(row) for row in order])
    shape = (len(order), preparation.height, preparation.width, preparation.channels)
    out: NDArray[Any] = np.empty(shape, np.uint8)
    with ThreadPoolExecutor(max(1, workers)) as pool:
        for place, pixels in enumerate(pool.map(one, order)):
            if pixels.dtype != np.uint8 and out.dtype == np.uint8:
                out = out.astype(np.float32)
            out[place] = pixels
    return out


def placed(
    dataset: Dataset, rows: Iterable[int] | NDArray[np.int64], preparation: Preparation, *, workers: int = 2
) -> tuple[NDArray[Any], list[Placement]]:
    """prepared(), and where each picture lies in its prepared image."""
    order = [int(row) for row in rows]
    sizes = [size(dataset, row) for row in order]
    places = [placement(height, width, preparation) for height, width in sizes]
    if dataset.columns:
        places = [replace(p, known=known(dataset, row)) for p, row in zip(places, order, strict=True)]
    return prepared(dataset, order, preparation, workers=workers), places


def known(dataset: Dataset, row: int) -> dict[str, float]:
    """What is known of sample `row` beside its pixels, by the names of Dataset.columns."""
    return dict(zip(dataset.columns, dataset.samples[row].known, strict=True))


def size(dataset: Dataset, row: int) -> tuple[int, int]:
    """(height, width) in pixels of the upright picture given of sample `row`; of a file, from its header."""
    sample = dataset.samples[row]
    factor = 1 if dataset.degradation is None else dataset.degradation.shrink
    if sample.item is None:
        info = photo.probe(sample.file, name=sample.path)
        return info.height // factor, info.width // factor
    height, width = dataset.arrays[sample.file][sample.item].shape[:2]
    return int(height) // factor, int(width) // factor


def check(dataset: Dataset, *, workers: int = 2) -> Dataset:
    """The Dataset without the images that cannot be decoded; those go to `problems`, and a note counts them.

    Raises DataError where none is left.
    """

    def flaw(row: int) -> str | None:
        try:
            read(dataset, row, min_side=64)
        except ImageError as error:
            return str(error).removeprefix(f"{dataset.samples[row].path}: ")
        return None

    with ThreadPoolExecutor(max(1, workers)) as pool:
        flaws = list(pool.map(flaw, range(len(dataset))))
    bad = {dataset.samples[row].path: why for row, why in enumerate(flaws) if why is not None}
    if not bad:
        return dataset
    if len(bad) == len(dataset):
        path, why = next(iter(bad.items()))
        raise DataError(
            f"{dataset.root}: none of {len(dataset)} images can be decoded. The first, {path!r}: {why}"
        )
    kept = tuple(sample for sample, why in zip(dataset.samples, flaws, strict=True) if why is None)
    note = f"{len(bad)} image(s) cannot be decoded and are left out, such as {next(iter(bad))!r}"
    return replace(dataset, samples=kept, problems={**dataset.problems, **bad}, notes=(*dataset.notes, note))
