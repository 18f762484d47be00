"""The most instructive errors as pictures: confidently wrong, and not twelve times the same confusion."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from objectif.report.html import Markup, join, name, tag, visible
from objectif.report.material import Material
from objectif.report.pictures import UNREADABLE, Pictures, thumbnail

MOST = 24  # pictures
SAME = 3  # pictures of one confusion
_SAID = (
    "Wrong with the most confidence, and at most three of a kind. Some will be hard pictures; where the "
    "answer looks right to you, the label may be wrong."
)


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


def section(material: Material) -> Markup | None:
    """The pictures as a <section>; None where nothing is wrong, or where answers are not classes."""
    if not material.labelled:
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
    except UNREADABLE as reason:
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
