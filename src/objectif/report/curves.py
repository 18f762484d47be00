"""Lines in one plane with their bands, named where they end; the task says what they are.

Drawn twice, wide and narrow, so that letters keep their size on a phone. A line is told from its neighbours
by colour and by dashes. Many lines (classes) cannot be: the first few are coloured, the others are a grey
cloud that shows where these stand among them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from objectif.report.html import Markup, join, name, tag, visible
from objectif.report.numbers import Axis, count, tick
from objectif.tasks.exhibits import Curve, Curves

COLOURS = 8  # lines told apart; page.css has as many
BANDS = (
    4  # lines up to which every one has its band; beyond, bands hide each other and the first alone has one
)
DIRECT = 6  # lines up to which names stand beside them
CLOUD = 60  # grey lines at most
WIDE, NARROW = (980, 430), (380, 360)
LOGARITHMIC = 32.0  # an axis from above zero to so many times that is read in equal ratios
_DASHES = ("", "8 4", "2 4", "10 4 2 4", "16 4", "5 3", "3 3 9 3", "1 3")
_LETTER, _LINE = 6.7, 17  # pixels: mean width of a letter, height of a line of labels


def draw(exhibit: Curves) -> Markup:
    """The plane as <div>: drawn wide, drawn narrow, and a key where names do not stand beside the lines."""
    lines = [clean for curve in exhibit.curves if (clean := _finite(curve)).x]
    if not lines:
        return tag("p", "There is nothing to draw.", class_="note")
    shown, cloud = lines[:COLOURS], lines[COLOURS : COLOURS + CLOUD]
    wide, narrow = (
        Plane.of(exhibit, size, len(shown) if size is WIDE else 0).drawing(exhibit, shown, cloud)
        for size in (WIDE, NARROW)
    )
    direct = len(shown) <= DIRECT and not cloud
    return tag(
        "div",
        tag("div", wide, class_="wide"),
        tag("div", narrow, class_="narrow"),
        _key(shown, len(lines) - len(shown), class_="key lines only-narrow" if direct else "key lines"),
    )


@dataclass(frozen=True)
class Plane:
    """Two axes and the right edge of what is drawn between them, in pixels of a drawing of a given size."""

    x: Axis
    y: Axis
    width: int
    height: int
    direct: bool

    @classmethod
    def of(cls, exhibit: Curves, size: tuple[int, int], named: int) -> Plane:
        """Axes of the exhibit's limits; named: lines to be named beside the plane, 0 for none."""
        width, height = size
        left, right, low, high = exhibit.limits
        direct = 0 < named <= DIRECT and len(exhibit.curves) <= DIRECT
        longest = max((len(visible(c.name, 30)) for c in exhibit.curves), default=0)
        margin = 34 + _LETTER * longest if direct else 16
        log = left > 0 and right >= LOGARITHMIC * left
        x = Axis(left, right, 46, width - margin, log=log)
        return cls(x, Axis(low, high, height - 48, 24), width, height, direct)

    def drawing(self, exhibit: Curves, shown: Sequence[Curve], cloud: Sequence[Curve]) -> Markup:
        """The plane as <svg>."""
        banded = shown if len(shown) <= BANDS and not cloud else shown[:1]
        names = ", ".join(visible(c.name, 30) for c in shown)
        said = f"{exhibit.y} against {exhibit.x}: {names}"
        if cloud:
            said += f" and {count(len(cloud), 'more line')}"
        return tag(
            "svg",
            self._frame(exhibit),
            [tag("path", d=self._line(c), class_="cloud") for c in cloud],
            [self._band(c, k) for k, c in enumerate(banded)],
            [self._stroke(c, k) for k, c in reversed(list(enumerate(shown)))],
            self._labels(shown) if self.direct else None,
            class_="chart lines",
            viewBox=f"0 0 {self.width} {self.height}",
            width="100%",
            role="img",
            aria_label=visible(said, 400),
        )

    def _frame(self, exhibit: Curves) -> list[Markup]:
        """Grid, ticks and the names of the axes."""
        x, y = self.x, self.y
        left, right, floor = x.start, x.stop, y.start
        parts = [tag("text", visible(exhibit.y, 60), x=0, y=10)]
        for value in y.ticks(5):
            parts.append(tag("line", x1=left, x2=right, y1=y.at(value), y2=y.at(value), class_="grid"))
            parts.append(tag("text", tick(value), x=left - 8, y=y.at(value) + 4, text_anchor="end"))
        for value in _x_ticks(x, 8 if self.width > 600 else 5):
            at = x.at(value)
            parts.append(tag("line", x1=at, x2=at, y1=y.stop, y2=floor, class_="grid"))
            parts.append(tag("text", tick(value), x=at, y=floor + 18, text_anchor="middle"))
        parts.append(tag("line", x1=left, x2=right, y1=floor, y2=floor, class_="axis"))
        scale = " (logarithmic)" if x.log else ""
        words = f"{visible(exhibit.x, 60)}{scale}"
        return [*parts, tag("text", words, x=right, y=self.height - 8, text_anchor="end")]

    def _line(self, curve: Curve) -> str:
        """The line to where it ends or stays on the floor: lines that lie upon each other tell nothing."""
        last = self._lands(curve) + 2
        return _path(
            [(self.x.at(a), self.y.at(b)) for a, b in zip(curve.x[:last], curve.y[:last], strict=True)]
        )

    def _lands(self, curve: Curve) -> int:
        """The last point above the floor (what comes after stays there); the first where none is."""
        floor = self.y.low + 0.005 * (self.y.high - self.y.low)
        return max((k for k, value in enumerate(curve.y) if value > floor), default=0)

    def _stroke(self, curve: Curve, k: int) -> Markup:
        """One line with its name in the tooltip."""
        title = tag("title", visible(curve.name, 80))
        return tag(
            "path", title, d=self._line(curve), class_=f"line c{k + 1}", stroke_dasharray=_DASHES[k] or None
        )

    def _band(self, curve: Curve, k: int) -> Markup | None:
        """Between low and high; None where the line has none."""
        if curve.low is None or curve.high is None:
            return None
        up = [(self.x.at(a), self.y.at(b)) for a, b in zip(curve.x, curve.high, strict=True)]
        down = [(self.x.at(a), self.y.at(b)) for a, b in zip(curve.x, curve.low, strict=True)]
        edge = f"{_path(up)}L{_path(down[::-1])[1:]}Z"
        return tag("path", d=edge, class_=f"band c{k + 1}")

    def _labels(self, shown: Sequence[Curve]) -> list[Markup]:
        """Names right of the plane, at the heights at which lines end or fall to the floor, but apart."""
        ends = [(self.x.at(c.x[k]), self.y.at(c.y[k])) for c in shown for k in (self._lands(c),)]
        heights = apart([y for _, y in ends], _LINE, self.y.stop + 6, self.y.start - 4)
        parts = []
        for k, (curve, (x, y), height) in enumerate(zip(shown, ends, heights, strict=True)):
            start, stop = x + 4, self.x.stop + 14
            lead = f"M{start:.1f} {y:.1f}L{stop:.1f} {height:.1f}"
            parts.append(tag("path", d=lead, class_=f"lead c{k + 1}"))
            words = visible(curve.name, 30)
            parts.append(tag("text", words, x=stop + 5, y=height + 4, class_=f"ink c{k + 1}"))
        return parts


def apart(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places near the wanted ones, in their order, at least `gap` apart, between low and high.

    Where they do not fit they overflow below `low` rather than overlap.
    """
    order = sorted(range(len(wanted)), key=lambda k: (wanted[k], k))
    groups: list[tuple[float, int]] = []  # (sum of wanted middles, how many): stacks that move as one
    for k in order:
        total, size = min(max(wanted[k], low), high), 1
        while groups:
            before, members = groups[-1]
            if before / members + gap * (members - 1) / 2 + gap <= total / size - gap * (size - 1) / 2:
                break
            groups.pop()
            total, size = before + total, members + size
        groups.append((total, size))
    places = [
        t / n + gap * (j - (n - 1) / 2) for t, n in groups for j in range(n)
    ]  # each stack about the middle of what its members want
    for j, place in enumerate(places):
        places[j] = max(place, low if j == 0 else places[j - 1] + gap)
    limit = high
    for j in range(len(places) - 1, -1, -1):
        places[j] = min(places[j], limit)
        limit = places[j] - gap
    found = [0.0] * len(wanted)
    for k, place in zip(order, places, strict=True):
        found[k] = place
    return found


def _x_ticks(axis: Axis, wanted: int) -> list[float]:
    """Round values; halves and doubles where the axis is logarithmic and its ends are powers of two."""
    if not axis.log:
        return axis.ticks(wanted)
    first, last = math.log2(axis.low), math.log2(axis.high)
    if not (first.is_integer() and last.is_integer()) or last - first > 10:
        return axis.ticks(wanted)
    return [2.0**k for k in range(int(first), int(last) + 1)]


def _finite(curve: Curve) -> Curve:
    """The curve without points that are not numbers."""
    given = curve.low is not None and curve.high is not None
    low = curve.low if given and curve.low is not None else curve.y
    high = curve.high if given and curve.high is not None else curve.y
    kept = [p for p in zip(curve.x, curve.y, low, high, strict=True) if all(map(math.isfinite, p))]
    if not kept:
        return Curve(curve.name, (), ())
    x, y, low, high = zip(*kept, strict=True)
    return Curve(curve.name, x, y, low if given else None, high if given else None)


def _path(points: Sequence[tuple[float, float]]) -> str:
    """An SVG path through points in pixels; those that no eye could see are left out."""
    kept = [points[0]]
    for k, (x, y) in enumerate(points[1:], 1):
        near = abs(x - kept[-1][0]) < 0.8 and abs(y - kept[-1][1]) < 0.8
        if not near or k == len(points) - 1:
            kept.append((x, y))
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in kept)


def _key(shown: Sequence[Curve], more: int, *, class_: str) -> Markup:
    """Which line is which."""
    entries = []
    for k, curve in enumerate(shown):
        stroke = tag(
            "line", x1=0, x2=30, y1=6, y2=6, class_=f"line c{k + 1}", stroke_dasharray=_DASHES[k] or None
        )
        drawn = tag("svg", stroke, width=30, height=12, aria_hidden="true")
        entries.append(tag("span", drawn, name(curve.name, 40)))
    rest = tag("span", f"in grey: {count(more, 'more line')}", class_="soft") if more else None
    return tag("div", join(entries, rest), class_=class_)
