"""Where the winner errs: the confusion matrix, and the confusions that cost most."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from objectif.metrics.distributions import wilson
from objectif.report.html import Markup, name, tag, visible
from objectif.report.material import Material
from objectif.report.numbers import count, figure, interval

NUMBERED = 16  # classes up to which every cell has its numbers
DRAWN = 80  # classes up to which the matrix is drawn at all
LISTED = 8


def section(material: Material) -> Markup | None:
    """The matrix and the list of confusions as a <section>; None where answers are not classes."""
    answers = material.answers
    if answers is None or not material.labelled:
        return None
    if answers.multilabel:
        return _multilabel(material)
    classes = material.classes
    counts = confusion(answers.truth, material.answered, len(classes))
    drawn, shown = _matrix(counts, classes)
    said = f"{count(len(answers), 'answer')} of the winner, {origin(answers.kind)}. {shown}"
    return tag(
        "section",
        tag("h2", "Where it errs"),
        tag("p", said, class_="soft"),
        drawn,
        _worst(counts, classes),
        id="errors",
    )


def _matrix(counts: NDArray[np.int64], classes: tuple[str, ...]) -> tuple[Markup | None, str]:
    """The matrix as large as its classes allow, and how to read it."""
    order = "Rows are the truth, columns the answer"
    if len(classes) <= NUMBERED:
        return _numbered(
            counts, classes
        ), f"{order}; each cell has the number of images and its share of the row."
    if len(classes) <= DRAWN:
        return _small(
            counts, classes
        ), f"{order} in the same order; the darker, the larger the share of the row."
    return None, ""


def origin(kind: str) -> str:
    """Where answers come from, in words."""
    return "on the test images" if kind == "test" else "each by a network that had not seen the image"


def confusion(truth: NDArray[np.int64], answered: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """(C, C) counts; row truth, column answer."""
    return np.bincount(truth * classes + answered, minlength=classes * classes).reshape(classes, classes)


def _numbered(counts: NDArray[np.int64], classes: tuple[str, ...]) -> Markup:
    """A table with counts and row shares."""
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    rows = []
    for i, label in enumerate(classes):
        cells = [_cell(int(counts[i, j]), float(shares[i, j]), i == j) for j in range(len(classes))]
        total = tag("td", f"{int(counts[i].sum()):,}", class_="void")
        rows.append(tag("tr", tag("th", name(label, 26), scope="row"), cells, total))
    heads = [tag("th", name(label, 18), scope="col") for label in classes]
    head = tag("tr", tag("th", "truth ↓   answer →"), heads, tag("th", "images", scope="col"))
    return tag("div", tag("table", tag("thead", head), tag("tbody", rows), class_="heat"), class_="scroll")


def _cell(number: int, share: float, right: bool) -> Markup:
    if not number:
        return tag("td", "0", class_="off", style="--a:.03")
    depth = 0.08 + 0.84 * share
    classes = " ".join(w for w, yes in (("off", not right), ("hot", depth > 0.8)) if yes)
    small = tag("small", f"{share:.0%}" if share >= 0.01 else "<1%")
    return tag("td", f"{number:,}", small, class_=classes or None, style=f"--a:{depth:.2f}")


def _small(counts: NDArray[np.int64], classes: tuple[str, ...]) -> Markup:
    """A drawing without numbers, for many classes."""
    n = len(classes)
    cell = max(11, min(24, 560 // n))
    left = 16 + round(6.2 * max(len(visible(c, 22)) for c in classes))
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    parts = [tag("rect", x=left, y=0, width=n * cell, height=n * cell, fill="var(--wash)")]
    for i, label in enumerate(classes):
        at = {"x": left - 6, "y": (i + 0.5) * cell + 3.5}
        parts.append(tag("text", visible(label, 22), text_anchor="end", style="font-size:10.5px", **at))
    for i, j in zip(*np.nonzero(counts), strict=True):
        colour = f"var(--{'heat' if i == j else 'heat-bad'})"
        words = (
            f"{visible(classes[i])} answered as {visible(classes[j])}: {counts[i, j]} ({shares[i, j]:.0%})"
        )
        place = {"x": left + int(j) * cell, "y": int(i) * cell, "width": cell - 1, "height": cell - 1}
        style = f"fill:rgb({colour} / {0.15 + 0.85 * shares[i, j]:.2f})"
        parts.append(tag("rect", tag("title", words), style=style, **place))
    look = {"viewBox": f"0 0 {left + n * cell} {n * cell}", "role": "img", "aria_label": "confusion matrix"}
    return tag("div", tag("svg", parts, width=left + n * cell, height=n * cell, **look), class_="scroll")


def _worst(counts: NDArray[np.int64], classes: tuple[str, ...]) -> Markup:
    """The most frequent confusions, and the classes that are recognised least."""
    off = counts.copy()
    np.fill_diagonal(off, 0)
    total = int(off.sum())
    if not total:
        return tag("p", "No errors.")
    order = np.argsort(-off, axis=None, kind="stable")[:LISTED]
    rows = []
    for flat in order:
        i, j = divmod(int(flat), len(classes))
        if off[i, j]:
            share = tag("small", f"{off[i, j] / counts[i].sum():.0%} of its images")
            words = tag("td", name(classes[i]), " taken for ", name(classes[j]))
            rows.append(tag("tr", words, tag("td", f"{off[i, j]:,}", share, class_="n")))
    return tag(
        "div",
        tag("div", tag("h3", "Most frequent confusions"), tag("table", tag("tbody", rows))),
        tag("div", tag("h3", "Recognised least"), _least(counts, classes)),
        class_="columns",
        style="margin-top:1.4rem",
    )


def _least(counts: NDArray[np.int64], classes: tuple[str, ...]) -> Markup:
    """Recall of the classes with the lowest, with Wilson's interval: few images make wide ones."""
    n = counts.sum(1)
    recall = np.where(n > 0, np.diag(counts) / np.maximum(n, 1), np.inf)
    rows = []
    for i in np.argsort(recall, kind="stable")[: min(LISTED, len(classes))]:
        if n[i]:
            low, high = wilson(float(counts[i, i]), float(n[i]))
            cell = tag("td", figure(float(recall[i])), tag("small", interval(low, high)), class_="n")
            rows.append(tag("tr", tag("td", name(classes[i]), tag("small", count(int(n[i]), "image"))), cell))
    head = tag("thead", tag("tr", tag("th", "class"), tag("th", "recall", class_="n")))
    return tag("table", head, tag("tbody", rows))


def _multilabel(material: Material) -> Markup:
    """One line a label: how many have it, how many of them are found, how many finds are right."""
    answers = material.answers
    assert answers is not None
    rows = []
    for k, label in enumerate(material.classes):
        truth, said = answers.truth[:, k] > 0, material.answered[:, k] > 0
        hits, have, found = int((truth & said).sum()), int(truth.sum()), int(said.sum())
        cells = [tag("td", f"{v:,}", class_="n") for v in (have, found)]
        rows.append(tag("tr", tag("td", name(label)), cells, _share(hits, have), _share(hits, found)))
    heads = [tag("th", h, class_="n") for h in ("have it", "answered", "recall", "precision")]
    sheet = tag("table", tag("thead", tag("tr", tag("th", "label"), heads)), tag("tbody", rows))
    said_words = "a label counts as answered from a probability of one half."
    return tag(
        "section",
        tag("h2", "Where it errs"),
        tag("p", f"{count(len(answers), 'image')}, {origin(answers.kind)}; {said_words}", class_="soft"),
        tag("div", sheet, class_="scroll"),
        id="errors",
    )


def _share(hits: int, n: int) -> Markup:
    """hits of n with Wilson's interval; a dash where n is 0."""
    small = tag("small", interval(*wilson(hits, n))) if n else None
    return tag("td", figure(hits / n) if n else "–", small, class_="n")
