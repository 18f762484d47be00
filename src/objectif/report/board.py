"""The leaderboard: every candidate with its status, its interval as a bar, its distance to the best."""

from __future__ import annotations

from dataclasses import replace

from objectif.report.html import Markup, join, name, tag, visible
from objectif.report.material import Material
from objectif.report.numbers import Axis, capital, count, figure, interval, latency, megabytes, signed, tick
from objectif.runs.leaderboard import AXIS, compared, cost_words, on_axis, span, status_words
from objectif.runs.result import STATUSES, Result, Standing

FIRST = 18  # rows shown before "show all"
MOST = 400  # rows in the page; the rest is in leaderboard.csv

_MEANING = {
    "winner": "the cheapest that is not inferior to the best by more than the margin",
    "tied": "not told apart from the best on these images",
    "beaten": "clearly worse than the best",
    "dropped": "stopped early in the race, so not compared",
    "failed": "crashed, ran out of memory or diverged",
    "over_limit": "breaks a limit, so not compared",
}


def section(material: Material) -> Markup:
    """The leaderboard as a <section>."""
    result = material.result
    axis = Axis(*span(_leaders(result), _near_baseline(result)), 3, 97)
    lines = result.leaderboard[:MOST]
    rows = [
        row(line, rank, axis, result, hidden=rank > FIRST and line.status != "winner")
        for rank, line in enumerate(lines, 1)
    ]
    sheet = tag(
        "table", tag("thead", _head(axis, result)), tag("tbody", rows), class_="board", data_sort=True
    )
    left = len(result.leaderboard) - len(lines)
    return tag(
        "section",
        tag("h2", "Leaderboard"),
        tag("p", _how_to_read(result), class_="soft"),
        _key(result),
        _folded(tag("div", sheet, class_="scroll"), len(lines)),
        tag("p", f"{count(left, 'more candidate')} in leaderboard.csv.", class_="note") if left else None,
        id="leaderboard",
    )


def _folded(sheet: Markup, number: int) -> Markup:
    """The table, and below it what unfolds the rest of it.

    A checkbox and CSS, so it works without a script.
    """
    if number <= FIRST:
        return tag("div", sheet)
    off = tag("span", f"Show all {number} candidates", class_="off")
    on = tag("span", f"Show the first {FIRST} only", class_="on")
    return tag("div", tag("input", type="checkbox", id="every"), sheet, tag("label", off, on, for_="every"))


def _leaders(result: Result) -> list[Standing]:
    """Those whose intervals set the axis: the first rows. What lies outside is an arrow at its end."""
    lines = compared(result)
    return [*lines[:AXIS], *(s for s in lines[AXIS:] if s.status == "winner")]


def _near_baseline(result: Result) -> float | None:
    """The baseline where showing it does not squeeze the candidates into a corner."""
    if not compared(result):
        return None
    low, high = span(_leaders(result))
    far = 0.6 * (high - low)
    return result.baseline if Axis(low - far, high + far).holds(result.baseline) else None


def _how_to_read(result: Result) -> str:
    if not compared(result):
        return "Nothing ran to the end, so there is nothing to compare; each line says why."
    direction = "" if result.higher_is_better else " Lower is better."
    seeds = sorted({s.seeds for s in compared(result)})
    each = f" Each is the mean of {seeds[0]} seeds." if len(seeds) == 1 and seeds[0] > 1 else ""
    return (
        f"All on the same images.{each} Bars are {result.level:.0%} intervals of {result.title}.{direction} "
        "To call a candidate beaten, what counts is not whether bars overlap but the paired difference to "
        "the best, whose interval holds for all pairs at once."
    )


def _key(result: Result) -> Markup:
    """Which statuses occur, how often, and what they mean."""
    entries = []
    for status in STATUSES:
        number = sum(s.status == status for s in result.leaderboard)
        if number:
            words = f"{number} {status.replace('_', ' ')}"
            entries.append(tag("span", words, class_=f"status {status}", title=_MEANING[status]))
    return tag("div", entries, class_="key")


def _head(axis: Axis, result: Result) -> Markup:
    """The row of heads; the bars' head is their scale."""
    ticks = [
        tag("text", tick(v), x=axis.share(v), y=12, text_anchor=_anchor(axis.at(v)))
        for v in (axis.ticks(3) if compared(result) else ())
    ]
    paired = "paired difference, with an interval that holds for all pairs at once"

    def number(words: str, class_: str = "n", title: str | None = None) -> Markup:
        return tag("th", words, class_=class_, data_key="number", scope="col", title=title)

    return tag(
        "tr",
        number("#"),
        tag("th", "Candidate", data_key="text", scope="col"),
        tag("th", tag("svg", ticks, class_="scale", aria_hidden="true"), scope="col", aria_label="interval"),
        number(capital(result.title)),
        number("To the best", title=paired),
        number("Cost", "n c-cost", "parameters; time an image; file size"),
        tag("th", "Status", data_key="text", scope="col"),
    )


def _anchor(place: float) -> str:
    """Keeps a tick's label inside the drawing."""
    return "start" if place < 6 else "end" if place > 94 else "middle"


def row(line: Standing, rank: int, axis: Axis, result: Result, *, hidden: bool) -> Markup:
    """One candidate."""
    drawn = on_axis(line)
    shown = line if drawn else replace(line, estimate=None, low=None, high=None, diff=None)
    classes = [line.status] if line.status in STATUSES else []
    span_words = tag("small", interval(shown.low, shown.high)) if drawn else None
    return tag(
        "tr",
        tag("td", rank, class_="n rank", data_v=rank),
        tag("td", _who(line), data_v=line.id),
        tag("td", bar(line, axis, result.baseline) if drawn else None),
        tag("td", figure(shown.estimate), span_words, class_="n", data_v=_value(shown.estimate)),
        tag("td", _difference(shown), class_="n", data_v=_value(shown.diff)),
        tag("td", _cost(line), class_="n c-cost", data_v=line.params),
        _status(line),
        class_=" ".join([*classes, "more"] if hidden else classes) or None,
    )


def _status(line: Standing) -> Markup:
    """The status in words; why, where that is not told by the difference to the best."""
    kind = f"status {line.status}" if line.status in STATUSES else "status"
    told = line.status in ("winner", "tied", "beaten") or line.reason.startswith("dropped at rung")
    why = tag("small", name(line.reason, 90)) if line.reason and not told else None
    title = visible(line.reason, 300) if line.reason and why is None else None
    return tag("td", tag("span", status_words(line), class_=kind, title=title), why, data_v=line.status)


def _value(number: float | None) -> str | None:
    """What the page's script sorts by."""
    return None if number is None else f"{number:.9g}"


def _who(line: Standing) -> Markup:
    """Model and approach above, loss and preparation below; the id where these are not known."""
    head = [p for p in (line.model, line.approach) if p]
    tail = [p for p in (line.loss, line.preparation) if p]
    if not head:
        return name(line.id, 60)
    small = join(*[join(" · " if k else "", name(p, 40)) for k, p in enumerate(tail)])
    return join(*[join(" · " if k else "", name(p, 40)) for k, p in enumerate(head)], tag("small", small))


def bar(line: Standing, axis: Axis, baseline: float | None = None) -> Markup:
    """Interval and estimate on the shared axis, an arrow where they lie outside; the baseline is dotted."""
    parts = []
    said = f"{figure(line.estimate)} {interval(line.low, line.high)}".strip()
    if baseline is not None and axis.holds(baseline):
        x = axis.share(baseline)
        parts.append(tag("line", x1=x, x2=x, y1=0, y2=22, class_="base"))
    if line.estimate is None:
        return tag("svg", parts, class_=line.status, aria_hidden="true")
    if not axis.holds(line.estimate):
        sign, x, anchor = ("◂", "0%", "start") if line.estimate < axis.low else ("▸", "100%", "end")
        parts.append(tag("text", sign, x=x, y=15, text_anchor=anchor, class_="fill"))
        return tag("svg", parts, class_=line.status, role="img", aria_label=f"{said}, outside the axis")
    if line.low is not None and line.high is not None:
        width = f"{max(axis.at(line.high) - axis.at(line.low), 0.3):.2f}%"
        x = axis.share(line.low)
        parts.append(tag("rect", x=x, width=width, y=8, height=6, rx=3, class_="fill", opacity=0.4))
    parts.append(tag("circle", cx=axis.share(line.estimate), cy=11, r=5, class_="fill dot"))
    return tag("svg", parts, class_=line.status, role="img", aria_label=said)


def _difference(line: Standing) -> Markup | None:
    """The paired difference; the best itself has none."""
    if line.diff is None:
        return None
    if line.diff == 0 and not line.diff_low and not line.diff_high:
        return join("best")
    known = line.diff_low is not None and line.diff_high is not None
    words = f"[{signed(line.diff_low)}, {signed(line.diff_high)}]" if known else "no interval"
    return join(signed(line.diff), tag("small", words))


def _cost(line: Standing) -> Markup:
    """Parameters; time and size below."""
    small = " · ".join(w for w in (latency(line.latency_ms), megabytes(line.size_mb)) if w)
    return join(cost_words(line.params), tag("small", small) if small else None)
