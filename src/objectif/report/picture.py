"""The leaderboard as one SVG picture, for a README or a slide: own background, system fonts, nothing outside.

It is drawn with attributes and a few classes rather than CSS variables, because the programs that show an SVG
as an <img> differ in what they understand; where they know dark mode the picture follows it, and where they
do not, its own card keeps it legible on any page.
"""

from __future__ import annotations

from objectif.report.html import Markup, join, raw, tag, visible
from objectif.report.numbers import Axis, capital, count, figure, interval, tick
from objectif.runs.leaderboard import compared, span
from objectif.runs.result import Result, Standing

WIDTH = 860
LEFT, RIGHT = 330, 610  # the bars' columns
TOP, ROW = 112, 32
_STYLE = """
text{font:14px system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",Helvetica,Arial,sans-serif;fill:#1b2126}
text.soft{fill:#5a646d}text.small{font-size:12px}
text.head{font-size:21px;font-weight:650}text.bold{font-weight:650}
.card{fill:#fff;stroke:#dedcd4}.grid{stroke:#e6e4dd}.band{fill:#e3f1ef}
.base{stroke:#5a646d;stroke-dasharray:2 3}
.winner,text.winner{fill:#0a7370}.tied,text.tied{fill:#2c66a5}.beaten,text.beaten{fill:#79838b}
.over_limit,text.over_limit{fill:#8f5d06}
@media (prefers-color-scheme:dark){text{fill:#e9e7e2}text.soft{fill:#a3adb5}
.card{fill:#1a1e21;stroke:#2e353a}.grid{stroke:#2e353a}.band{fill:#15302e}.base{stroke:#a3adb5}
.winner,text.winner{fill:#4cc2b6}.tied,text.tied{fill:#83b4ea}.beaten,text.beaten{fill:#8e989f}
.over_limit,text.over_limit{fill:#e4b15c}}
"""


def picture(result: Result, *, rows: int = 9) -> str:
    """An SVG document, 860 px wide, of the first `rows` compared candidates and always of the winner."""
    lines = _chosen(result, rows)
    height = TOP + ROW * len(lines) + 58
    low, high = span(lines)
    axis = Axis(low, high, LEFT, RIGHT)
    bottom = TOP + ROW * len(lines)
    parts = [
        tag("title", visible(f"{_headline(result)}. {_figures(result)}", 200)),
        tag("style", raw(_STYLE)),
        tag("rect", x=0.5, y=0.5, width=WIDTH - 1, height=height - 1, rx=14, class_="card"),
        tag("text", visible(_headline(result), 66), x=28, y=42, class_="head"),
        tag("text", _figures(result), x=28, y=68, class_="soft"),
        *_scale(axis, bottom, result),
        *[_row(line, TOP + ROW * k, axis) for k, line in enumerate(lines)],
        tag("text", _rest(result, len(lines)), x=28, y=bottom + 36, class_="soft small"),
    ]
    size = f"0 0 {WIDTH} {height}"
    space = "http://www.w3.org/2000/svg"
    return str(tag("svg", parts, xmlns=space, role="img", viewBox=size, width=WIDTH, height=height)) + "\n"


def _chosen(result: Result, rows: int) -> list[Standing]:
    """The first compared candidates, with the winner."""
    lines = list(compared(result))
    winner = result.standing(result.winner)
    if winner in lines[rows:]:
        return [*lines[: rows - 1], winner]
    return lines[:rows]


def _headline(result: Result) -> str:
    winner = result.standing(result.winner)
    data = str(result.problem.get("data", "")).rstrip("/").rsplit("/", 1)[-1]
    return f"{data + ': ' if data else ''}{_words(winner) if winner else 'no winner'}"


def _words(line: Standing) -> str:
    """Approach, model, loss; or the id."""
    return " · ".join(w for w in (line.approach, line.model, line.loss) if w and line.model) or line.id


def _figures(result: Result) -> str:
    words = f"{capital(result.title)} {figure(result.estimate)} {interval(result.low, result.high)}".rstrip()
    chosen = " for new images" if result.estimate_of == "network" else ", corrected for having chosen"
    return f"{words}{chosen}; without a look at the images {figure(result.baseline)}"


def _scale(axis: Axis, bottom: int, result: Result) -> list[Markup]:
    """Grid, ticks and heads."""
    parts = []
    for value in axis.ticks(4):
        x = axis.at(value)
        parts.append(tag("line", x1=x, x2=x, y1=TOP - 4, y2=bottom, class_="grid"))
        parts.append(tag("text", tick(value), x=x, y=TOP - 10, text_anchor="middle", class_="soft small"))
    if result.baseline is not None and axis.holds(result.baseline):
        x = axis.at(result.baseline)
        parts.append(tag("line", x1=x, x2=x, y1=TOP - 4, y2=bottom, class_="base"))
    return parts


def _row(line: Standing, y: int, axis: Axis) -> Markup:
    """One candidate: name, bar, figure, status."""
    middle = y + ROW / 2
    winner = line.status == "winner"
    bold = "bold" if winner else None
    band = (
        tag("rect", x=14, width=WIDTH - 28, y=y + 1, height=ROW - 2, rx=8, class_="band") if winner else None
    )
    bar = None
    if line.low is not None and line.high is not None:
        left, right = axis.at(line.low), axis.at(line.high)
        bar = tag(
            "rect", x=left, width=right - left, y=middle - 3, height=6, rx=3, class_=line.status, opacity=0.4
        )
    return join(
        band,
        tag("text", visible(_words(line), 41), x=28, y=middle + 5, class_=bold),
        bar,
        tag("circle", cx=axis.at(line.estimate or 0.0), cy=middle, r=5.5, class_=line.status),
        tag("text", figure(line.estimate), x=RIGHT + 66, y=middle + 5, text_anchor="end", class_=bold),
        tag("circle", cx=RIGHT + 92, cy=middle, r=4.5, class_=line.status),
        tag(
            "text",
            line.status.replace("_", " "),
            x=RIGHT + 104,
            y=middle + 5,
            class_=f"{line.status} bold" if winner else line.status,
        ),
    )


def _rest(result: Result, shown: int) -> str:
    """How to read it, and what is not drawn."""
    more = len(result.leaderboard) - shown
    lower = "" if result.higher_is_better else ", lower is better"
    words = (
        f"Bars: {result.level:.0%} intervals{lower}. Tied: not told apart from the best on the same images."
    )
    return f"{words} {count(more, 'more candidate')} not shown." if more else words
