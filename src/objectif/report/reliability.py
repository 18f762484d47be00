"""Whether the winner's probabilities can be taken at their word: the reliability diagram with its error."""

from __future__ import annotations

from collections.abc import Sequence

from objectif.metrics.calibration import Bin, ece, reliability
from objectif.metrics.distributions import wilson
from objectif.report.html import Markup, tag
from objectif.report.material import Material
from objectif.report.numbers import Axis, count, figure, with_interval

BINS = 10


def section(material: Material) -> Markup | None:
    """The diagram as a <section>; None where answers are not probabilities of classes."""
    if material.answers is None or not material.labelled:
        return None
    truth, scores = material.answers.truth, material.answers.scores
    binned = [b for b in reliability(truth, scores, BINS) if b.n]
    error = ece(truth, scores, BINS)
    return tag(
        "section",
        tag("h2", "Can its probabilities be trusted?"),
        tag(
            "div", tag("div", diagram(binned)), tag("div", _words(material, binned, error)), class_="columns"
        ),
        id="trust",
    )


def _words(material: Material, binned: Sequence[Bin], error: float) -> list[Markup]:
    """What the diagram says."""
    total = sum(b.n for b in binned)
    mean = sum(b.n * b.confidence for b in binned) / total
    hit = sum(b.n * b.accuracy for b in binned) / total
    lean = "right on average"
    if abs(mean - hit) > 0.01:
        lean = "too sure of itself" if mean > hit else "more modest than it need be"
    first = f" Over {BINS} bins, probability and share of right answers differ by so much on average."
    second = (
        f"On the diagonal, “90 %” is right nine times in ten. Here it is {lean}: mean probability "
        f"{figure(mean)}, share right {figure(hit)}."
    )
    lines = [
        tag("p", tag("b", f"Expected calibration error {figure(error)}."), first, class_="lead"),
        tag("p", second),
    ]
    top = binned[-1]
    if top.confidence >= 0.9:
        what = "a label" if material.answers is not None and material.answers.multilabel else "an answer"
        lines.append(
            tag(
                "p",
                f"Where it gives {what} about {top.confidence:.0%}, {top.accuracy:.1%} are right ({count(top.n, 'case')}).",
            )
        )
    known = material.result.calibration
    if known is not None:
        told = ", ".join(
            f"{title} {with_interval(known[key]['estimate'], known[key]['low'], known[key]['high'])}"
            for key, title in (("ece", "expected calibration error"), ("brier", "Brier score"))
        )
        lines.append(tag("p", f"At the temperature of the file: {told}, with 95 % intervals."))
    last = "Bars show Wilson's intervals; the height of the columns below is the number of cases."
    return [*lines, tag("p", last, class_="note")]


def diagram(binned: Sequence[Bin], width: int = 400, height: int = 400) -> Markup:
    """Share right against probability, with the number of cases below, as <svg>."""
    x, y = Axis(0, 1, 46, width - 12), Axis(0, 1, height - 96, 14)
    parts = [tag("text", "share that is right", x=0, y=4)]
    for value in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(tag("line", x1=46, x2=width - 12, y1=y.at(value), y2=y.at(value), class_="grid"))
        parts.append(tag("text", f"{value:g}", x=38, y=y.at(value) + 4, text_anchor="end"))
        parts.append(tag("text", f"{value:g}", x=x.at(value), y=height - 22, text_anchor="middle"))
    parts.append(tag("line", x1=x.at(0), y1=y.at(0), x2=x.at(1), y2=y.at(1), class_="base"))
    parts.append(tag("text", "probability given", x=width - 12, y=height - 4, text_anchor="end"))
    most = max((b.n for b in binned), default=1)
    parts += [_bin(b, x.at(b.confidence), y, height - 40, 40 * b.n / most) for b in binned]
    parts.append(tag("line", x1=46, x2=width - 12, y1=height - 40, y2=height - 40, class_="axis"))
    look = {
        "viewBox": f"0 0 {width} {height}",
        "style": "max-width:470px",
        "aria_label": "reliability diagram",
    }
    return tag("svg", parts, class_="chart", width="100%", role="img", **look)


def _bin(found: Bin, x: float, y: Axis, floor: float, tall: float) -> Markup:
    """One bin: share right with Wilson's interval, and a column for its number of cases."""
    r, n = found.accuracy, found.n
    low, high = wilson(r * n, n)
    title = tag("title", f"given {found.confidence:.2f}, right {r:.3f} [{low:.3f}, {high:.3f}], {n} cases")
    tall = max(tall, 0.75)
    column = tag("rect", x=x - 9, width=18, y=floor - tall, height=tall, class_="fill", opacity=0.3)
    span = tag(
        "line", x1=x, x2=x, y1=y.at(low), y2=y.at(high), stroke="currentColor", stroke_width=2, opacity=0.55
    )
    return tag(
        "g", column, span, tag("circle", title, cx=x, cy=y.at(r), r=5.5, class_="fill dot"), class_="winner"
    )
