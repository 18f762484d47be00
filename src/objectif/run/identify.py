"""A gallery at work: pictures are enrolled, named, verified and searched by a Solution's Predictor.

guard = ob.load("faces.objectif")
known = teach(ob.Gallery.new(guard.solution), guard, "Anna", ["anna-1.jpg", "anna-2.jpg", "anna-3.jpg"])
for answer in name(guard, known, "door/"):
    print(answer)
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.answers import Identity
from objectif.errors import ImageError, InputError
from objectif.run.gallery import SMALLEST, Entry, Gallery
from objectif.run.inputs import Failure
from objectif.run.predictor import Predictor
from objectif.tasks.identify import Decoding, Threshold

Source = str | Path | bytes | NDArray[Any]
USUAL_STRANGER = 0.5  # share of strangers' searches: how alike a stranger usually is to the nearest entry


def teach(
    gallery: Gallery,
    predictor: Predictor,
    name: str,
    pictures: Sequence[Source],
    *,
    negative: bool = False,
    consent: str = "",
    expires: date | None = None,
    note: str = "",
    force: bool = False,
) -> Gallery:
    """The gallery with one more entry, or with more pictures of one; nothing is trained.

    pictures: files, encoded images or pixels (H, W, C). InputError as Gallery.enrolled() raises it, and where the gallery
    was made with another network, no picture is given or a picture is smaller than half of what the network sees; ImageError
    where one cannot be read.
    """
    gallery.fits(predictor.solution)
    if not pictures:
        raise InputError(f"nothing to enrol for {name!r}: expected at least one picture.")
    found: list[Identity] = []
    for answer in predictor.predict(list(pictures)):
        if isinstance(answer, Failure):
            raise ImageError(f"{answer.path}: {answer.reason}")
        assert isinstance(answer, Identity)  # fits() has seen the task
        size = max(answer.height or 0, answer.width or 0)
        if size < SMALLEST * gallery.side:
            raise InputError(
                f"{answer.path} has {answer.width} x {answer.height} pixels; expected {gallery.side} along the longer side, and at "
                f"least half of it, as the network sees no fewer. Enrol a larger picture."
            )
        found.append(answer)
    entry = Entry(
        name,
        np.stack([one.embedding for one in found]),
        tuple(_name(one, number) for number, one in enumerate(pictures)),
        tuple(_sum(one) for one in pictures),
        negative,
        consent,
        expires,
        note,
    )
    return gallery.enrolled(entry, stranger=usual_stranger(predictor.solution.decoding), force=force)


def usual_stranger(decoding: Decoding) -> float:
    """The score that half of the strangers' searches exceed; 0 where none were measured."""
    return decoding.threshold(USUAL_STRANGER).value if decoding.rates else 0.0


def limit(
    predictor: Predictor,
    gallery: Gallery,
    fpir: float | None = None,
    today: date | None = None,
    entries: int | None = None,
) -> Threshold:
    """The threshold for a wanted FPIR in a gallery of this size (entries: of another). InputError where it is not known."""
    size = len(gallery.active(today)) if entries is None else entries
    decoding: Decoding = predictor.solution.decoding
    return decoding.threshold(fpir, max(1, size))


def name(
    predictor: Predictor,
    gallery: Gallery,
    inputs: str | Path | Iterable[Source | Failure],
    *,
    fpir: float | None = None,
    threshold: float | None = None,
    most: int = 5,
    today: date | None = None,
) -> Generator[Identity | Failure]:
    """An Identity or a Failure for each input, in order; as Predictor.predict, but with names.

    threshold: in place of the one for fpir. InputError, before anything is read: a gallery of another network, an empty
    one, no threshold.
    """
    gallery.fits(predictor.solution)
    gallery.ready(today)
    value = limit(predictor, gallery, fpir, today).value if threshold is None else threshold
    return _named(predictor, gallery, inputs, value, most, today)


def _named(
    predictor: Predictor,
    gallery: Gallery,
    inputs: str | Path | Iterable[Source | Failure],
    value: float,
    most: int,
    today: date | None,
) -> Generator[Identity | Failure]:
    for answer in predictor.predict(inputs):
        if isinstance(answer, Identity):
            yield gallery.identify(answer, value, most=most, today=today)
        elif isinstance(answer, Failure):
            yield answer


def _name(source: Source, number: int) -> str:
    return Path(source).name if isinstance(source, str | Path) else f"image {number}"


def _sum(source: Source) -> str:
    """sha256 of the file's bytes, or of the pixels with their shape."""
    if isinstance(source, np.ndarray):
        return hashlib.sha256(
            repr(source.shape).encode() + np.ascontiguousarray(source).tobytes()
        ).hexdigest()
    return hashlib.sha256(source if isinstance(source, bytes) else Path(source).read_bytes()).hexdigest()
