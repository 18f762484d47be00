"""Who stands where in a running race: candidates with their intervals, and the best figure of each loss with each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from objectif.report.html import Markup, name, tag, visible
from objectif.web.live import Line, Live
from objectif.web.spread import Ends

_ROWS, _MODELS, _LOSSES = 24, 6, 14
_WIDE = 150.0
_SAID = (
    "Means over seeds on the same held-out images, the leaders with 95 % intervals of their own. Who is beaten and who is "
    "tied is decided at the end, on all pairs."
)


def table(lines: Sequence[Line], live: Live, title: str, spread: Mapping[str, Ends]) -> Markup:
    """A panel with the candidates, best first. spread: intervals of some of them."""
    shown = lines[:_ROWS]
    leaders = [line.mean for line in shown[:9] if line.mean is not None]
    ends = [end for pair in spread.values() for end in pair]
    low, high = min([*leaders, *ends]), max([*leaders, *ends])
    heads = ("", "candidate", title, f"{low:.3f} to {high:.3f}", "seeds", "an image", "")
    body = [
        _row(rank, line, live, spread.get(line.candidate), (low, high)) for rank, line in enumerate(shown, 1)
    ]
    sheet = tag("table", tag("thead", tag("tr", [tag("th", h) for h in heads])), tag("tbody", body))
    more = tag("p", f"and {len(lines) - _ROWS} more", class_="note") if len(lines) > _ROWS else None
    return tag(
        "section",
        tag("h2", "Candidates"),
        tag("p", _SAID, class_="note"),
        tag("div", sheet, class_="scroll"),
        more,
        class_="panel",
    )


def _row(rank: int, line: Line, live: Live, ends: Ends | None, axis: Ends) -> Markup:
    latency = live.latency(line)
    fate = {"dropped": "fell out", "failed": "failed"}.get(line.status, "")
    cells = [
        tag("td", rank, class_="soft"),
        tag("td", name(line.candidate, 52)),
        tag("td", "" if line.mean is None else f"{line.mean:.3f}", class_="number"),
        tag("td", None if line.mean is None else _bar(line.mean, ends, axis)),
        tag("td", len(line.values) or "", class_="number"),
        tag("td", "" if latency is None else f"{latency:.1f} ms", class_="number"),
        tag(
            "td", "winner" if line.candidate == live.winner else fate, title=visible(line.reason, 200) or None
        ),
    ]
    return tag("tr", cells)


def _bar(value: float, ends: Ends | None, axis: Ends) -> Markup:
    """A point with its interval on an axis that all rows share; what lies outside of it is drawn at its end, hollow."""

    def place(at: float) -> float:
        return 6 + (_WIDE - 12) * min(1.0, max(0.0, (at - axis[0]) / ((axis[1] - axis[0]) or 1.0)))

    inside = axis[0] <= value <= axis[1]
    line = tag("line", x1=place(ends[0]), x2=place(ends[1]), y1=7, y2=7) if ends else None
    point = tag("circle", cx=place(value), cy=7, r=4.5, class_=None if inside else "off")
    said = f"{value:.3f}" + (f" [{ends[0]:.3f}, {ends[1]:.3f}]" if ends else "")
    return tag(
        "svg",
        tag("title", said),
        line,
        point,
        viewBox=f"0 0 {_WIDE:.0f} 14",
        class_="spread",
        role="img",
        aria_label=said,
    )


def losses(lines: Sequence[Line], title: str) -> Markup | None:
    """A panel with the best figure so far of each loss with each model; None where there is only one of either."""
    scored = [line for line in lines if line.mean is not None and line.model and line.loss]
    models = list(dict.fromkeys(line.model for line in scored))[:_MODELS]
    rows = list(dict.fromkeys(line.loss for line in scored))[:_LOSSES]
    if len(models) < 2 or len(rows) < 2:
        return None
    best: dict[tuple[str, str], float] = {}
    for line in scored:  # best first
        best.setdefault((line.model, line.loss), line.mean or 0.0)
    body = [
        tag("tr", tag("th", name(loss, 30)),
            [tag("td", f"{best[model, loss]:.3f}" if (model, loss) in best else "", class_="number") for model in models])
        for loss in rows
    ]  # fmt: skip
    head = tag("tr", tag("th"), [tag("th", name(model, 18), class_="number") for model in models])
    sheet = tag("div", tag("table", tag("thead", head), tag("tbody", body)), class_="scroll")
    return tag("section", tag("h2", f"Loss × model: {title}"), sheet, class_="panel")
