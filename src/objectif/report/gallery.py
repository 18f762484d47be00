"""The most instructive errors as pictures: confidently wrong, and not twelve times the same confusion.

Pictures are decoded, shrunk and encoded anew from their pixels, so nothing of the file's metadata (camera,
owner, GPS position) can come along.
"""

from __future__ import annotations

import base64
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from objectif.data import load as layouts
from objectif.data.dataset import Dataset
from objectif.data.pixels import read as read_sample
from objectif.errors import ObjectifError
from objectif.images import photo
from objectif.report.html import Markup, join, name, tag, visible
from objectif.report.material import Material

SIDE = 160  # pixels of a thumbnail's longer side
MOST = 24  # pictures
SAME = 3  # pictures of one confusion
_SAID = (
    "Wrong with the most confidence, and at most three of a kind. Some will be hard pictures; where the "
    "answer looks right to you, the label may be wrong."
)
TINY = 64  # pictures up to this side are kept as they are and magnified by the browser


@dataclass(frozen=True)
class Error:
    """A wrong answer. row: in the answers. truth, answered: classes.

    probability: given to the answer; of_truth: given to the truth.
    """

    row: int
    truth: int
    answered: int
    probability: float
    of_truth: float


def pick(material: Material, most: int = MOST, same: int = SAME) -> list[Error]:
    """Errors with the most probability on the answer beyond the truth's, at most `same` of each confusion."""
    answers = material.answers
    assert answers is not None
    scores, found = answers.scores, []
    if answers.multilabel:
        for row, k in zip(*np.nonzero(answers.truth != material.answered), strict=True):
            p = float(scores[row, k])
            found.append(Error(int(row), int(k), int(k), p, p))
        found.sort(key=lambda e: -abs(e.probability - 0.5))
    else:
        for row in np.flatnonzero(answers.truth != material.answered):
            t, a = int(answers.truth[row]), int(material.answered[row])
            found.append(Error(int(row), t, a, float(scores[row, a]), float(scores[row, t])))
        found.sort(key=lambda e: e.of_truth - e.probability)
    seen: Counter[tuple[int, int, bool]] = Counter()
    kept = []
    for error in found:
        key = (error.truth, error.answered, error.probability >= 0.5)
        seen[key] += 1
        if seen[key] <= same:
            kept.append(error)
        if len(kept) == most:
            break
    return kept


def thumbnail(pixels: NDArray[Any]) -> tuple[str, bool]:
    """Pixels (H, W, C) as a data: address, and whether it is so small that it should be magnified.

    16-bit pictures are stretched to their own range; of more than three bands the first three are shown.
    """
    picture = pixels[:, :, None] if pixels.ndim == 2 else pixels
    picture = picture[:, :, :3] if picture.shape[2] >= 3 else picture[:, :, :1]
    if picture.dtype != np.uint8:
        low, high = float(picture.min()), float(picture.max())
        picture = ((picture.astype(np.float32) - low) * (255.0 / max(high - low, 1e-9))).astype(np.uint8)
    height, width = picture.shape[:2]
    tiny = max(height, width) <= TINY
    if max(height, width) > SIDE:
        scale = SIDE / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    if picture.ndim == 3:
        picture = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR) if picture.shape[2] == 3 else picture[:, :, 0]
    kind, options = (".png", []) if tiny else (".jpg", [cv2.IMWRITE_JPEG_QUALITY, 82])
    done, encoded = cv2.imencode(kind, np.ascontiguousarray(picture), options)
    if not done:
        raise ValueError("the picture cannot be encoded")
    mime = "image/png" if tiny else "image/jpeg"
    return (f"data:{mime};base64,{base64.b64encode(encoded.tobytes()).decode('ascii')}", tiny)


class Pictures:
    """The pixels behind an answer's path: a file of the data, or an item of an array by the data's layout."""

    def __init__(self, material: Material) -> None:
        self._problem = material.result.problem
        self._run = material.folder.path

    def there(self) -> bool:
        """Whether the data are still where they were."""
        return any(root.exists() for root in self._places())

    def read(self, path: str) -> NDArray[Any]:
        """Pixels; ObjectifError where there are none, or where the path leads out of the data."""
        if Path(path).is_absolute() or ".." in Path(path).parts:
            raise ObjectifError("its path leads out of the data")
        for place in self._places():
            file = (place if place.is_dir() else place.parent) / path
            if file.is_file():
                return photo.read(file, name=path, min_side=SIDE)
        dataset, rows = self._dataset
        if path not in rows:
            raise ObjectifError("the picture is no longer there")
        return read_sample(dataset, rows[path], min_side=SIDE)

    def _places(self) -> list[Path]:
        """Where the data may be: as the problem says; if that is relative, also as seen from the run."""
        data = Path(str(self._problem.get("data", "")))
        return [data] if data.is_absolute() else [data, self._run.parent / data, self._run / data]

    @cached_property
    def _dataset(self) -> tuple[Dataset, dict[str, int]]:
        """The data as their layout reads them, and the row of each path."""
        place = next((p for p in self._places() if p.exists()), self._places()[0])
        try:
            dataset = layouts.load(place, format=self._problem.get("format"))
        except ObjectifError:
            dataset = Dataset("", place, "", (), ())
        return dataset, {s.path: k for k, s in enumerate(dataset.samples)}


def section(material: Material) -> Markup | None:
    """The pictures as a <section>; None where nothing is wrong."""
    if material.answers is None or not len(material.answers):
        return None
    errors = pick(material)
    if not errors:
        return None
    pictures = Pictures(material)
    gone = (
        None
        if pictures.there()
        else tag("p", "The data are no longer where they were: names only.", class_="note")
    )
    return tag(
        "section",
        tag("h2", "Errors worth a look"),
        tag("p", _SAID, class_="soft"),
        gone,
        tag(
            "div",
            [_figure(material, error, None if gone else pictures) for error in errors],
            class_="gallery",
        ),
        id="pictures",
    )


def _figure(material: Material, error: Error, pictures: Pictures | None) -> Markup:
    """One picture with truth and answer."""
    answers, classes = material.answers, material.classes
    assert answers is not None
    path = answers.paths[error.row]
    words = _words(error, classes, answers.multilabel)
    frame = None
    if pictures is not None:
        alt = f"{classes[error.truth]} answered as {classes[error.answered]}"
        frame = tag("div", _picture(pictures, path, visible(alt, 200)), class_="frame")
    return tag("figure", frame, tag("figcaption", words, tag("small", name(path, 60))))


def _picture(pictures: Pictures, path: str, alt: str) -> Markup:
    """The thumbnail, or why there is none."""
    try:
        source, tiny = thumbnail(pictures.read(path))
    except (ObjectifError, OSError, ValueError, cv2.error) as reason:
        return name(f"not shown: {str(reason).removeprefix(f'{path}: ')}", 120)
    return tag("img", src=source, alt=alt, class_="tiny" if tiny else None, loading="lazy")


def _words(error: Error, classes: tuple[str, ...], multilabel: bool) -> Markup:
    """Truth and answer with their probabilities."""
    truth, answered = (name(classes[k], 40) for k in (error.truth, error.answered))
    if multilabel:
        what = "missed" if error.probability < 0.5 else "is not there"
        return join(truth, " ", tag("span", f"{what} ({error.probability:.0%})", class_="said"))
    said = tag("span", "answered ", answered, f" ({error.probability:.0%})", class_="said")
    return join("is ", tag("b", truth), f" ({error.of_truth:.0%})", tag("br"), said)
