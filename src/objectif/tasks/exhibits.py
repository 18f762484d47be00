"""What a task wants a report to show, as data: curves, tables, and cases with marks on pictures.

A report that knew what a precision-recall curve is would have to be told of every new task. So a task says
what belongs on paper, in three forms, and the report draws the forms. Nothing here knows pixels or HTML.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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


@dataclass(frozen=True)
class Cases:
    """Pictures worth a look."""

    title: str
    caption: str
    cases: tuple[Case, ...]


Exhibit = Curves | Sheet | Cases
