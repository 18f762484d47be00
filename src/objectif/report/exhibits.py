"""What the task shows of its answers: lines and tables in one section, pictures with marks in another.

This file asks the task and knows no task's name. Sections of their own (confusion, reliability, gallery) are
made where answers are probabilities of classes, whatever the task; a task may have both, or neither.
"""

from __future__ import annotations

from objectif.report import cases, curves, dots, sheet
from objectif.report.confusion import origin
from objectif.report.html import Markup, name, tag
from objectif.report.material import Material
from objectif.report.numbers import capital, count
from objectif.report.pictures import Pictures
from objectif.tasks.exhibits import Cases, Curves, Dots, Exhibit, Sheet


def details(material: Material) -> Markup | None:
    """Lines and tables as a <section>; None where the task shows none."""
    answers = material.answers
    shown = [e for e in material.exhibits if isinstance(e, (Curves, Sheet, Dots))]
    if answers is None or not shown:
        return None
    blocks = [
        tag(
            "div",
            tag("h3", name(capital(e.title), 120)),
            tag("p", name(e.caption, None), class_="soft") if e.caption else None,
            _drawn(e),
            class_="exhibit",
        )
        for e in shown
    ]
    said = f"{count(len(answers), 'image')} answered by the winner, {origin(answers.kind)}."
    return tag(
        "section",
        tag("h2", "A closer look at the answers"),
        tag("p", said, class_="soft"),
        blocks,
        id="details",
    )


def _drawn(exhibit: Exhibit) -> Markup | None:
    """An exhibit that is not made of pictures."""
    if isinstance(exhibit, Curves):
        return curves.draw(exhibit)
    if isinstance(exhibit, Dots):
        return dots.draw(exhibit)
    return sheet.draw(exhibit) if isinstance(exhibit, Sheet) else None


def pictures(material: Material) -> Markup | None:
    """Pictures with marks as a <section>; None where the task shows none."""
    shown = [e for e in material.exhibits if isinstance(e, Cases) and e.cases]
    if not shown:
        return None
    source = Pictures(material)
    album = cases.Album(source)
    gone = None if source.there() else "The data are no longer where they were: names only."
    blocks = [
        tag(
            "div",
            tag("h3", name(capital(e.title), 120)),
            tag("p", name(e.caption, None), class_="soft") if e.caption else None,
            drawn,
            class_="exhibit",
        )
        for e in shown
        if (drawn := album.draw(e)) is not None
    ]
    return tag(
        "section",
        tag("h2", "Answers beside the truth"),
        cases.key(shown),
        tag("p", gone, class_="note") if gone else None,
        blocks,
        id="cases",
    )
