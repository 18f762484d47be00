"""What a task wants a report to show, as data: curves, tables, and cases with marks on pictures.

A report that knew what a precision-recall curve is would have to be told of every new task. So a task says
what belongs on paper, in three forms, and the report draws the forms. Nothing here knows pictures or HTML.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["truth", "right", "wrong", "missed"]


@dataclass(frozen=True)
class Curve:
    """One line: y over x, as many of each; low and high bound a band around y, or None."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] | None = None
    high: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Curves:
    """Lines in one pair of axes. x, y: what the axes mean. limits: (x from, x to, y from, y to)."""

    title: str
    caption: str
    x: str
    y: str
    curves: tuple[Curve, ...]
    limits: tuple[float, float, float, float] = (0.0, 1.0, 0.0, 1.0)


@dataclass(frozen=True)
class Sheet:
    """A table; a cell is text, a number or None (not known)."""

    title: str
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str | float | None, ...], ...]


@dataclass(frozen=True)
class Mark:
    """A box on a picture, x1 y1 x2 y2 in its pixels.

    kind: 'truth' (an object that was found), 'right' (the answer that found one), 'wrong' (an answer that
    found none), 'missed' (an object that no answer found). words: what to write beside it.
    """

    box: tuple[float, float, float, float]
    kind: Kind
    words: str


@dataclass(frozen=True)
class Case:
    """A picture with marks. path: the Sample's. words: why it is shown."""

    path: str
    words: str
    marks: tuple[Mark, ...]


ERRORS = ("missed", "extra", "class", "boundary")
"""Kinds of wrong pixels, numbered from 1: an object's answered as background, background's as an object, one class's as
another; and any of them that lies at a true border."""


@dataclass(frozen=True, eq=False)
class MaskCase:
    """A picture with the classes of its pixels. path: the Sample's. words: why it is shown. classes: names.

    truth, answer: (H, W) masks as metrics.masks packs them, of the whole upright picture. errors: (H, W) uint8, what is
    wrong with each pixel (ERRORS), 0 where nothing is. background: whether class 0 is what is no object.
    """

    path: str
    words: str
    classes: tuple[str, ...]
    truth: NDArray[Any]
    answer: NDArray[Any]
    errors: NDArray[np.uint8]
    background: bool

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MaskCase):
            return NotImplemented
        mine, theirs = (
            (c.path, c.words, c.classes, c.background, *(m.tobytes() for m in (c.truth, c.answer, c.errors)))
            for c in (self, other)
        )
        return mine == theirs

    def __hash__(self) -> int:
        return hash((self.path, self.words))


@dataclass(frozen=True, eq=False)
class HeatCase:
    """A picture with how unusual its parts are. path: the Sample's. words: why it is shown.

    cells: (h, w) over the whole upright picture. truth: (h, w) where the defect is, None where nobody has said. scale: what
    is coldest and hottest, the same for all cases.
    """

    path: str
    words: str
    cells: NDArray[np.float32]
    truth: NDArray[np.bool_] | None
    scale: tuple[float, float]


@dataclass(frozen=True, eq=False)
class BeforeAfter:
    """A picture as it was given, as it was answered, and as it should be, where that is known: (H, W, C) uint8 each, C 1 or 3.

    path: the Sample's. words: why it is shown.
    """

    path: str
    words: str
    given: NDArray[np.uint8]
    answer: NDArray[np.uint8]
    clean: NDArray[np.uint8] | None


@dataclass(frozen=True)
class Cases:
    """Pictures worth a look."""

    title: str
    caption: str
    cases: tuple[Case | MaskCase | HeatCase | BeforeAfter, ...]


@dataclass(frozen=True)
class Dot:
    """A point with a bar from low to high (equal to y where there is none). good: which of two colours. words: a tooltip."""

    x: float
    y: float
    low: float
    high: float
    good: bool
    words: str


@dataclass(frozen=True)
class Dots:
    """Points in one pair of axes. limits: (x from, x to, y from, y to). diagonal: the line y = x; level: the line y = level."""

    title: str
    caption: str
    x: str
    y: str
    dots: tuple[Dot, ...]
    limits: tuple[float, float, float, float]
    diagonal: bool = False
    level: float | None = None


Exhibit = Curves | Sheet | Cases | Dots
