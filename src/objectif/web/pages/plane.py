"""The metric against the time that an image takes, as the race goes: an SVG with the Pareto front so far."""

from __future__ import annotations

from objectif.report.html import Markup, tag, visible
from objectif.web.live import Line, Live

_WIDE, _HIGH, _LEFT, _LOW = 520.0, 300.0, 52.0, 260.0
_MOST = 60


def drawing(lines: list[Line], live: Live, title: str, sign: float) -> Markup | None:
    """A panel with the chart; None where fewer than two candidates are timed. lines: best first."""
    timed = [(float(ms), float(line.mean), line) for line in lines[:_MOST]
             if line.mean is not None and (ms := live.latency(line))]  # fmt: skip
    if len(timed) < 2 or len({ms for ms, _, _ in timed}) < 2:
        return None
    (fast, slow), (low, high) = ((min(v), max(v)) for v in ([t[0] for t in timed], [t[1] for t in timed]))

    def place(ms: float, value: float) -> tuple[float, float]:
        across = (ms - fast) / (slow - fast)
        up = 0.5 if high == low else (value - low) / (high - low)
        return _LEFT + 14 + across * (_WIDE - _LEFT - 34), _LOW - 12 - up * (_LOW - 34)

    edge = front([(ms, value) for ms, value, _ in timed], sign)
    points = [
        tag("circle", tag("title", f"{visible(line.candidate, 60)}: {value:.3f}, {ms:.1f} ms"), cx=x, cy=y, r=5.0,
            class_=None if (ms, value) in edge else "off")
        for ms, value, line in timed for x, y in (place(ms, value),)
    ]  # fmt: skip
    corners = [place(*point) for point in edge]
    path = "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in corners)
    axes = [
        tag("line", x1=_LEFT, y1=10.0, x2=_LEFT, y2=_LOW), tag("line", x1=_LEFT, y1=_LOW, x2=_WIDE, y2=_LOW),
        tag("text", f"{high:.3f}", x=4, y=26.0), tag("text", f"{low:.3f}", x=4, y=_LOW - 8),
        tag("text", f"{fast:.1f} ms", x=_LEFT, y=_LOW + 18), tag("text", f"{slow:.1f} ms", x=_WIDE, y=_LOW + 18, text_anchor="end"),
    ]  # fmt: skip
    chart = tag("svg", axes, tag("path", d=path), points, viewBox=f"0 0 {_WIDE:.0f} {_HIGH:.0f}", class_="pareto", role="img",
                aria_label=f"{title} against milliseconds an image")  # fmt: skip
    return tag("section", tag("h2", "What a better answer costs"), chart, class_="panel")


def front(points: list[tuple[float, float]], sign: float) -> list[tuple[float, float]]:
    """Of (cost, value): those than which none is better at no more cost, cheapest first. sign: 1 where more is better."""
    kept: list[tuple[float, float]] = []
    for cost, value in sorted(set(points), key=lambda p: (p[0], -sign * p[1])):
        if not kept or sign * value > sign * kept[-1][1]:
            kept.append((cost, value))
    return kept
