"""Pictures to be restored and what they should be: clean ones with a stated degradation, or pairs of files.

Of clean pictures the given one is made when it is asked for, always the same for the same Sample.number, and never
written: float32 that is not clipped has no file format that people use.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.data import pixels
from objectif.data.dataset import Dataset, Sample
from objectif.data.files import listing, split_in
from objectif.errors import DataError, ImageError
from objectif.images import photo
from objectif.images.degrade import Degradation, clean, degradation
from objectif.images.prepare import luma
from objectif.images.recorrupt import LEAST, recorrupted, strength

CLASS = "picture"
"""The one class of a Dataset whose answers are pictures: each Sample has a label, and this says nothing."""


def clean_pictures(path: Path, words: str) -> Dataset:
    """All pictures below a folder, to be degraded as `words` say, or noisy as they are; splits are read off folders' names.

    DataError: words that are not understood, no folder, no pictures.
    """
    how = degradation(words)
    if not path.is_dir():
        raise DataError(f"{path}: is no folder; --degrade expects one with clean pictures. Name it.")
    found = listing(path)
    if not found.images:
        raise DataError(f"{path}: no pictures below it; --degrade expects clean ones. Name another folder.")
    samples = []
    for parts in found.images:
        split = next((s for s in map(split_in, parts[:-1]) if s), None)
        samples.append(Sample("/".join(parts), path.joinpath(*parts), (0,), split=split))
    samples.sort(key=lambda s: s.path)
    notes = (_taken(len(samples), how),)
    return Dataset(
        path.resolve().name,
        path,
        "noisy" if how.given else "clean",
        (CLASS,),
        tuple(samples),
        True,
        notes,
        problems=found.problems,
        degradation=how,
    )


def _taken(count: int, how: Degradation) -> str:
    """What a person is told of the pictures."""
    if not how.given:
        return f"{count} pictures are taken as clean, and degraded as stated: {how}"
    noise = f"of {how.noise:g} levels, as stated" if how.noise else "of a strength that is estimated for each"
    return (
        f"{count} pictures are taken as noisy, with noise {noise}. No clean picture is known, so how near to it a restored "
        "one is (PSNR, SSIM) is unknown; SURE estimates the error, if noise is Gaussian and each pixel has its own"
    )


def noisy(dataset: Dataset, row: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(target, given) (H, W, C) float32 in 0..255 of sample `row`: what stands in for a clean picture, and the noisy one itself.

    DataError where no noise is to be seen and none is stated.
    """
    how = dataset.degradation
    assert how is not None
    sample = dataset.samples[row]
    own = clean(pixels.read(dataset, row), how)
    met = how.noise or strength(own)
    if met < LEAST:
        raise DataError(
            f"{sample.path}: its noise is estimated as {met:.2f} levels of 0..255, which is none; expected a noisy picture. "
            "Leave it out, or state the strength: 'given, noise 5'."
        )
    return recorrupted(own, how.noise, sample.number)[1], own


def numbered(dataset: Dataset) -> Dataset:
    """Each Sample with its place among those of its split, by which its noise is drawn."""
    counts: dict[str | None, int] = {}
    samples = []
    for sample in dataset.samples:
        number = counts.get(sample.split, 0)
        counts[sample.split] = number + 1
        samples.append(replace(sample, number=number))
    return replace(dataset, samples=tuple(samples))


def wanted(dataset: Dataset, row: int) -> NDArray[np.float32]:
    """(H, W, C) float32 in 0..255: what the picture of sample `row` should be.

    DataError: there is no clean picture, it is of another size than the given one, or of other channels; ImageError.
    """
    sample = dataset.samples[row]
    if dataset.degradation is not None:
        return clean(pixels.read(dataset, row), dataset.degradation)
    if sample.clean is None:
        raise DataError(
            f"{sample.path} has no clean picture; expected pairs (folders noisy/ and clean/) or clean pictures with "
            "--degrade. Add it, or leave the picture out."
        )
    try:
        right = photo.read(sample.clean, name=str(sample.clean))
    except ImageError as error:
        raise DataError(f"{sample.path}: its clean picture cannot be read: {error}") from None
    size = pixels.size(dataset, row)
    if right.shape[:2] != size:
        raise DataError(f"{sample.path}: {other_size(right.shape[:2], size, sample.clean)}")
    return np.asarray(right, np.float32) / np.float32(257 if right.dtype == np.uint16 else 1)


def other_size(clean: tuple[int, ...], given: tuple[int, int], file: Path) -> str:
    """Why a pair does not fit; sizes (height, width)."""
    return (
        f"is {given[1]} x {given[0]} pixels, its clean picture {file.name} {clean[1]} x {clean[0]}; expected the same. "
        "Cut or scale one of them, or leave both out."
    )


def channels(dataset: Dataset, rows: list[int]) -> int:
    """1 where the pictures are gray, given and clean; else 3, or as many bands as all have."""
    if dataset.degradation is not None and dataset.degradation.gray:
        return 1
    bands = {int(pixels.read(dataset, row).shape[2]) for row in rows}
    if dataset.degradation is None:
        bands |= {int(wanted(dataset, row).shape[2]) for row in rows}
    return bands.pop() if len(bands) == 1 else 3


def in_channels(picture: NDArray[Any], count: int) -> NDArray[Any]:
    """(H, W, C) with `count` channels: gray is repeated, colour becomes luma, as preparation does it."""
    if picture.shape[2] == count:
        return picture
    return luma(picture) if count == 1 else np.repeat(picture[:, :, :1], count, axis=2)
