"""Points in one plane, each with a bar from low to high: answers against the truth, residuals.

Drawn wide and narrow as lines are, so that letters keep their size on a phone. Of very many points some are drawn, taken
evenly along the x axis: more could not be told apart.
"""

from __future__ import annotations

import math

from objectif.report.html import Markup, tag, visible
from objectif.report.numbers import Axis, tick
from objectif.tasks.exhibits import Dot, Dots

MOST = 600
WIDE, NARROW = (980, 430), (380, 360)
ROOM = 0.04  # of the range, beyond the limits on either side


def draw(exhibit: Dots) -> Markup:
    """The plane as <div>, drawn wide and narrow."""
    dots = [d for d in exhibit.dots if all(map(math.isfinite, (d.x, d.y, d.low, d.high)))]
    if not dots:
        return tag("p", "There is nothing to draw.", class_="note")
    dots.sort(key=lambda d: d.x)
    shown = dots[:: max(1, math.ceil(len(dots) / MOST))]
    return tag(
        "div",
        tag("div", _plane(exhibit, shown, WIDE), class_="wide"),
        tag("div", _plane(exhibit, shown, NARROW), class_="narrow"),
    )


def _plane(exhibit: Dots, dots: list[Dot], size: tuple[int, int]) -> Markup:
    width, height = size
    left, right, low, high = exhibit.limits
    aside, above = ROOM * max(right - left, 1e-9), ROOM * max(high - low, 1e-9)
    x = Axis(left - aside, right + aside, 56, width - 16)
    y = Axis(low - above, high + above, height - 48, 24)
    return tag(
        "svg",
        _frame(exhibit, x, y, width, height),
        _guide(exhibit, x, y),
        [_bar(d, x, y) for d in dots if d.high > d.low],
        [_point(d, x, y) for d in dots],
        class_="chart dots",
        viewBox=f"0 0 {width} {height}",
        width="100%",
        role="img",
        aria_label=visible(f"{exhibit.y} against {exhibit.x} of {len(dots)} images", 300),
    )


def _frame(exhibit: Dots, x: Axis, y: Axis, width: int, height: int) -> list[Markup]:
    """Grid, ticks and the names of the axes."""
    parts = [tag("text", visible(exhibit.y, 60), x=0, y=10)]
    for value in y.ticks(6):
        parts.append(tag("line", x1=x.start, x2=x.stop, y1=y.at(value), y2=y.at(value), class_="grid"))
        parts.append(tag("text", tick(value), x=x.start - 8, y=y.at(value) + 4, text_anchor="end"))
    for value in x.ticks(8 if width > 600 else 5):
        parts.append(tag("line", x1=x.at(value), x2=x.at(value), y1=y.stop, y2=y.start, class_="grid"))
        parts.append(tag("text", tick(value), x=x.at(value), y=y.start + 18, text_anchor="middle"))
    return [*parts, tag("text", visible(exhibit.x, 60), x=x.stop, y=height - 8, text_anchor="end")]


def _guide(exhibit: Dots, x: Axis, y: Axis) -> Markup | None:
    """Where an answer would be right."""
    if exhibit.level is not None:
        at = y.at(exhibit.level)
        return tag("line", x1=x.start, x2=x.stop, y1=at, y2=at, class_="axis")
    if not exhibit.diagonal:
        return None
    low, high = max(x.low, y.low), min(x.high, y.high)
    return tag("line", x1=x.at(low), y1=y.at(low), x2=x.at(high), y2=y.at(high), class_="axis")


def _bar(dot: Dot, x: Axis, y: Axis) -> Markup:
    at = x.at(dot.x)
    colour = "c1" if dot.good else "c2"
    return tag(
        "line", x1=at, x2=at, y1=y.at(dot.low), y2=y.at(dot.high), class_=f"line thin {colour}", opacity=0.35
    )


def _point(dot: Dot, x: Axis, y: Axis) -> Markup:
    colour = "c1" if dot.good else "c2"
    return tag(
        "circle",
        tag("title", visible(dot.words, 120)),
        cx=round(x.at(dot.x), 1),
        cy=round(y.at(dot.y), 1),
        r=3,
        class_=f"ink {colour}",
    )
