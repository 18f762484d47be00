"""What is known of an image without understanding it: its file, its borders, its overall tone.

Three kinds, because they mean different things when they give a class away. The *file* (size, shape, type, colour
mode, depth, JPEG quality, camera) is never content. *Borders* seldom are. *Tone* (brightness, contrast, saturation,
how well the picture compresses) often is: a sunflower is yellow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from objectif.health.looks import SIDE, Looks
from objectif.images.photo import PhotoInfo

Kind = Literal["file", "border", "tone"]
Reals = NDArray[np.float64]

_RING = 2  # pixels of 64: about 3 % of the picture on each side
_DARK, _LIGHT = 8, 247


@dataclass(frozen=True)
class Fact:
    """One number for each image. values: (N,) float64. names: words for the numbers where they stand for words."""

    name: str
    kind: Kind
    values: Reals
    names: tuple[str, ...] = ()

    @property
    def varies(self) -> bool:
        """Whether it is not the same for all images."""
        return bool(np.ptp(self.values) > 0)

    def range_of(self, rows: NDArray[np.intp]) -> str:
        """The middle 80 % of these images, or their commonest words, to show a person."""
        values = self.values[rows]
        if self.names:
            kinds, counts = np.unique(values.astype(int), return_counts=True)
            top = np.argsort(-counts)[:2]
            return ", ".join(f"{self.names[kinds[k]]} ({100 * counts[k] / len(values):.0f} %)" for k in top)
        low, high = np.quantile(values, [0.1, 0.9])
        return _number(low) if low == high else f"{_number(low)} to {_number(high)}"


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 20 or value == round(value) else f"{value:.2f}"


def facts(looks: Looks) -> tuple[Fact, ...]:
    """The facts of readable images that vary; rows are those of looks, which must all be readable."""
    infos = [info for info in looks.infos if info is not None]
    if len(infos) != len(looks):
        raise ValueError(f"{len(looks) - len(infos)} unreadable images; take the readable ones first")
    return tuple(f for f in (*_of_files(infos), *_of_borders(looks), *_of_tone(looks, infos)) if f.varies)


def _of_files(infos: list[PhotoInfo]) -> list[Fact]:
    def number(name: str, get: Callable[[PhotoInfo], float]) -> Fact:
        return Fact(name, "file", np.array([get(i) for i in infos], np.float64))

    def word(name: str, get: Callable[[PhotoInfo], str]) -> Fact:
        words = [get(i) for i in infos]
        names = tuple(sorted(set(words)))
        return Fact(name, "file", np.array([names.index(w) for w in words], np.float64), names)

    return [
        number("width", lambda i: i.width),
        number("height", lambda i: i.height),
        number("width / height", lambda i: i.width / i.height),
        word("file type", lambda i: i.format),
        word("colour mode", lambda i: i.mode),
        number("bits", lambda i: i.bits),
        number("JPEG quality", lambda i: -1.0 if i.jpeg_quality is None else i.jpeg_quality),
        word("camera", camera),
        word("software", lambda i: i.exif.get("Software", "none")),
        word("EXIF", lambda i: "present" if i.exif else "none"),
    ]


def camera(info: PhotoInfo) -> str:
    """Make and model as EXIF has them, 'none' where it has not."""
    return " ".join(filter(None, (info.exif.get("Make"), info.exif.get("Model")))) or "none"


def _of_borders(looks: Looks) -> list[Fact]:
    ring = np.ones((SIDE, SIDE), bool)
    ring[_RING:-_RING, _RING:-_RING] = False
    edge = looks.luma[:, ring].astype(np.float32)
    extreme = ((edge < _DARK) | (edge > _LIGHT)).mean(1)
    return [
        Fact("border brightness", "border", np.round(edge.mean(1), 1).astype(np.float64)),
        Fact("border unevenness", "border", np.round(edge.std(1), 1).astype(np.float64)),
        Fact("black or white border", "border", extreme.astype(np.float64)),
    ]


def _of_tone(looks: Looks, infos: list[PhotoInfo]) -> list[Fact]:
    flat = looks.luma.reshape(len(looks), -1)
    colour = looks.colour[..., 1:].astype(np.float32) - 128.0
    size = np.array([i.bytes / max(1, i.width * i.height) for i in infos])
    return [
        Fact("brightness", "tone", flat.mean(1, dtype=np.float64)),
        Fact("contrast", "tone", flat.std(1, dtype=np.float64)),
        Fact("saturation", "tone", np.hypot(colour[..., 0], colour[..., 1]).mean((1, 2)).astype(np.float64)),
        Fact("bytes per pixel", "tone", size),
    ]
