"""A table of an exhibit: words on the left, numbers right-aligned, a dash where nothing is known."""

from __future__ import annotations

from collections.abc import Sequence

from objectif.report.html import Markup, join, name, tag
from objectif.report.numbers import count, figure
from objectif.tasks.exhibits import Sheet

MOST = 100  # rows in the page
LONG = 24  # letters of a cell from which its column is one of words, for which a phone has no room


def draw(exhibit: Sheet) -> Markup:
    """The table, to be scrolled sideways where it is wider than the page."""
    rows = exhibit.rows[:MOST]
    numeric = [
        any(isinstance(row[k], (int, float)) for row in rows if k < len(row)) and k > 0
        for k in range(len(exhibit.head))
    ]
    wordy = [
        any(len(_words(v)) > LONG for row in rows for v in row[k : k + 1]) for k in range(len(exhibit.head))
    ]
    looks = ["n" if right else "words" if long else None for right, long in zip(numeric, wordy, strict=True)]
    heads = [
        tag("th", name(words, 40), scope="col", class_=look)
        for words, look in zip(exhibit.head, looks, strict=True)
    ]
    body = [_row(row, looks) for row in rows]
    left = len(exhibit.rows) - len(rows)
    return join(
        tag(
            "div",
            tag("table", tag("thead", tag("tr", heads)), tag("tbody", body), class_="sheet"),
            class_="scroll",
        ),
        tag("p", f"{count(left, 'more row')} not shown.", class_="note") if left else None,
    )


def _row(row: Sequence[str | float | None], looks: Sequence[str | None]) -> Markup:
    """One row; on a phone its long words stand below its head, so that the numbers stay in view."""
    cells = [(name(_words(value), 200), look) for value, look in zip(row, looks, strict=False)]
    aside = [tag("small", words, class_="aside") for words, look in cells[1:] if look == "words"]
    head = tag("th", name(_words(row[0]), 60), aside, scope="row") if row else None
    return tag("tr", head, [tag("td", words, class_=look) for words, look in cells[1:]])


def _words(value: str | float | None) -> str:
    """Whole numbers as they are, others in three decimals."""
    if value is None or (isinstance(value, float) and value != value):
        return "–"
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else figure(value)
