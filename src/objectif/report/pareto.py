"""What a better answer costs: the metric against the time an image takes, with the Pareto front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from objectif.report.html import Markup, join, tag, visible
from objectif.report.material import Material
from objectif.report.numbers import Axis, figure, interval, latency, tick
from objectif.runs.leaderboard import compared, cost_words
from objectif.runs.result import Standing

NOISE = 1.1  # two timings within this factor are one
_SAID = (
    "Along the line, what is better costs more. Off the line, something else is at least as good for no "
    "more time. Timings within 10 % count as equal."
)
Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels


@dataclass(frozen=True)
class Point:
    """One candidate in the plane: cost (ms or multiply-adds), value (the metric)."""

    cost: float
    value: float
    line: Standing


def front(points: Sequence[Point], *, higher_is_better: bool) -> list[Point]:
    """The points than which none is better at no more cost, cheapest first.

    Costs within 10 % count as equal: the same network timed twice differs by so much.
    """
    sign = 1.0 if higher_is_better else -1.0
    ranked = sorted(points, key=lambda p: (-sign * p.value, p.cost))
    kept: list[Point] = []
    for point in ranked:
        if all(point.cost < better.cost / NOISE for better in kept):
            kept.append(point)
    return kept[::-1]


def section(material: Material) -> Markup | None:
    """The chart as a <section>; None where nothing was timed or counted."""
    result = material.result
    timed = [(s.latency_ms, s) for s in compared(result)]
    clock = sum(1 for cost, _ in timed if cost) >= 2
    if not clock:
        timed = [(float(s.macs) if s.macs else None, s) for s in compared(result)]
    points = [Point(cost, s.estimate, s) for cost, s in timed if cost and s.estimate is not None]
    if len(points) < 2:
        return None
    edge = front(points, higher_is_better=result.higher_is_better)
    limit = result.limits.get("latency_ms") if clock else None
    wide, narrow = (Chart.of(points, size, limit, clock) for size in ((980, 430), (380, 400)))
    return tag(
        "section",
        tag("h2", "What a better answer costs"),
        tag("p", _SAID, class_="soft"),
        tag("div", wide.drawing(points, edge, result.title), class_="wide"),
        tag("div", narrow.drawing(points, edge, result.title), class_="narrow"),
        _list(edge, clock),
        id="cost",
    )


@dataclass(frozen=True)
class Chart:
    """A scatter drawn for a given width, so that its letters keep their size. clock: cost is time, in ms."""

    x: Axis
    y: Axis
    width: int
    height: int
    clock: bool
    limit: float | None

    @classmethod
    def of(cls, points: Sequence[Point], size: tuple[int, int], limit: float | None, clock: bool) -> Chart:
        """Axes on which all points and the limit lie."""
        width, height = size
        costs = [p.cost for p in points] + ([limit] if limit else [])
        values = [p.value for p in points]
        air = max(max(values) - min(values), 0.01) * 0.08
        x = Axis(min(costs) / 1.25, max(costs) * 1.25, 52, width - 12, log=True)
        return cls(
            x, Axis(min(values) - air, max(values) + air, height - 46, 16), width, height, clock, limit
        )

    def drawing(self, points: Sequence[Point], edge: Sequence[Point], title: str) -> Markup:
        """The chart as <svg>."""
        x, y = self.x, self.y
        steps = "".join(f"H{x.at(p.cost):.1f}V{y.at(p.value):.1f}" for p in edge[1:])
        start = f"M{x.at(edge[0].cost):.1f} {y.at(edge[0].value):.1f}"
        order = {"beaten": 0, "over_limit": 1, "tied": 2, "winner": 3}
        dots = sorted(points, key=lambda p: order.get(p.line.status, 0))
        named = [*edge, *(p for p in points if p.line.status == "winner" and p not in edge)]
        return tag(
            "svg",
            self._frame(title),
            tag("path", d=start + steps, class_="front"),
            [self._dot(p, on_front=p in edge) for p in dots],
            self._labels(named, points),
            class_="chart",
            viewBox=f"0 0 {self.width} {self.height}",
            width="100%",
            role="img",
            aria_label=f"{title} against {self._head()}",
        )

    def _head(self) -> str:
        return "time an image takes here (ms, logarithmic)" if self.clock else "multiply-adds (logarithmic)"

    def _frame(self, title: str) -> list[Markup]:
        """Grid, ticks, the names of the axes, the limit."""
        x, y, floor, right = self.x, self.y, self.height - 46, self.width - 12
        parts = [tag("text", title, x=0, y=8)]
        for value in y.ticks(5):
            parts.append(tag("line", x1=52, x2=right, y1=y.at(value), y2=y.at(value), class_="grid"))
            parts.append(tag("text", tick(value), x=44, y=y.at(value) + 4, text_anchor="end"))
        for value in x.ticks(6 if self.width > 600 else 3):
            words = tick(value) if self.clock else cost_words(value)
            parts.append(tag("line", x1=x.at(value), x2=x.at(value), y1=floor, y2=floor + 5, class_="axis"))
            parts.append(tag("text", words, x=x.at(value), y=floor + 19, text_anchor="middle"))
        parts.append(tag("line", x1=52, x2=right, y1=floor, y2=floor, class_="axis"))
        parts.append(tag("text", self._head(), x=right, y=self.height - 7, text_anchor="end"))
        if self.limit:
            at = x.at(self.limit)
            parts.append(tag("line", x1=at, x2=at, y1=16, y2=floor, class_="over"))
            words = f"limit {self.limit:g} ms"
            parts.append(tag("text", words, x=at - 5, y=floor - 8, text_anchor="end", class_="label"))
        return parts

    def _dot(self, point: Point, *, on_front: bool) -> Markup:
        """A candidate; its name and figures in the tooltip."""
        line = point.line
        figures = f"{figure(point.value)} {interval(line.low, line.high)}, {_cost(point.cost, self.clock)}"
        title = tag("title", f"{visible(line.id, 80)}: {figures}, {line.status.replace('_', ' ')}")
        radius = 7.5 if line.status == "winner" else 5.5 if on_front else 4
        solid = 1 if on_front or line.status == "winner" else 0.55
        at = {"cx": self.x.at(point.cost), "cy": self.y.at(point.value), "r": float(radius)}
        dot = tag("circle", title, class_="fill dot", fill_opacity=solid, **at)
        return tag("g", dot, class_=line.status)

    def _labels(self, named: Sequence[Point], dots: Sequence[Point]) -> list[Markup]:
        """Names by their points, the winner's first, each where it hides fewest points and no other name."""
        places = [(self.x.at(p.cost), self.y.at(p.value)) for p in dots]
        taken: list[Box] = []
        parts: list[Markup] = []

        def hidden(box: Box) -> int:
            left, top, right, bottom = box
            return sum(left - 4 < a < right + 4 and top - 3 < b < bottom + 3 for a, b in places)

        for point in sorted(named, key=lambda p: (p.line.status != "winner", -p.cost)):
            line = point.line
            words = " · ".join(w for w in (line.model, line.loss) if w) or line.id
            words = visible(words, 34 if self.width > 600 else 20)
            spots = _spots(self.x.at(point.cost), self.y.at(point.value), 6.9 * len(words))
            inside = [s for s in spots if s[0] >= 54 and s[2] <= self.width and s[1] > 12]
            free = [s for s in inside if not any(_meet(s, t) for t in taken)]
            if free:
                box = min(free, key=hidden)
                taken.append(box)
                look = "label strong" if line.status == "winner" else "label"
                left = box[2] < self.x.at(
                    point.cost
                )  # then letters wider than thought go away from the point
                x, anchor = (box[2], "end") if left else (box[0], None)
                parts.append(tag("text", words, x=x, y=box[3] - 4, text_anchor=anchor, class_=look))
        return parts


def _meet(a: Box, b: Box) -> bool:
    """Whether two boxes overlap."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _spots(x: float, y: float, width: float) -> list[Box]:
    """Boxes around a point in which a name may stand: beside, above and below it."""
    corners = [
        (x + 11, y - 8),
        (x - 11 - width, y - 8),
        (x - width / 2, y - 26),
        (x - width / 2, y + 9),
        (x - 11 - width, y - 24),
        (x + 11, y - 24),
        (x - 11 - width, y + 8),
        (x + 11, y + 8),
    ]
    return [(a, b, a + width, b + 16) for a, b in corners]


def _cost(cost: float, clock: bool) -> str:
    return latency(cost) if clock else f"{cost_words(cost)} multiply-adds"


def _list(edge: Sequence[Point], clock: bool) -> Markup:
    """The front in words, for those who cannot see or hover the chart."""
    items = [f"{visible(p.line.id, 60)} ({figure(p.value)}, {_cost(p.cost, clock)})" for p in edge[-6:]]
    return tag("p", join("On the line: ", "; ".join(items), "."), class_="note")
