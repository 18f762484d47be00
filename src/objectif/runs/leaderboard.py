"""The leaderboard outside the browser: as CSV, and as a table in the terminal with intervals drawn in text.

Status is said in words as well as by colour: a log file has no colours and one man in twelve cannot tell them
apart.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import TYPE_CHECKING

from objectif.runs.result import Result, Standing
from objectif.runs.storage import plain

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

STYLES = {
    "winner": "bold green",
    "tied": "cyan",
    "beaten": "default",
    "dropped": "dim",
    "failed": "red",
    "over_limit": "yellow",
}
COMPARED = ("winner", "tied", "beaten", "over_limit")
ROWS = 15
BAR = 26  # characters
AXIS = 9  # rows whose intervals set the axis: a hopeless tail must not squeeze the bars that matter
WIDE = 100  # columns


def csv_text(result: Result) -> str:
    """leaderboard.csv: one line a candidate, best first; an empty cell is a number that there is not."""
    stream = io.StringIO()
    columns = ["rank", *(f.name for f in fields(Standing))]
    writer = csv.DictWriter(stream, columns, lineterminator="\n")
    writer.writeheader()
    for rank, line in enumerate(result.leaderboard, 1):
        writer.writerow({"rank": rank, **plain(asdict(line))})
    return stream.getvalue()


def status_words(line: Standing) -> str:
    """A candidate's status in the words of the report."""
    words = {"over_limit": "over limit", "dropped": f"dropped at rung {line.rung} (not compared)"}
    return words.get(line.status, line.status)


def compared(result: Result) -> tuple[Standing, ...]:
    """The candidates that were scored on all images, best first: those which may stand on one axis."""
    return tuple(filter(on_axis, result.leaderboard))


def on_axis(line: Standing) -> bool:
    """Whether a candidate was scored on all images, so that its figure may stand beside the others."""
    return line.status in COMPARED and line.estimate is not None


def span(lines: Sequence[Standing], *also: float | None) -> tuple[float, float]:
    """(low, high) of an axis on which all these intervals and points fit, with a little air on both sides."""
    values = [v for s in lines for v in (s.estimate, s.low, s.high) if v is not None]
    values += [v for v in also if v is not None]
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    air = max(high - low, 1e-3) * 0.04
    return low - air, high + air


def cost_words(params: float | None) -> str:
    """A count in three digits: 812, 5.4 k, 12.6 M, 1.1 G."""
    if params is None:
        return ""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if params >= size:
            return f"{params / size:.3g} {unit}"
    return f"{params:.0f}"


def bar(line: Standing, low: float, high: float, width: int = BAR) -> str:
    """An interval as text, `width` characters: ├──●──┤, a lone ● without an interval, an arrow outside the axis."""
    if line.estimate is None:
        return " " * width
    if not low <= line.estimate <= high:
        return "◂".ljust(width) if line.estimate < low else "▸".rjust(width)

    def place(value: float) -> int:
        return min(width - 1, max(0, round((value - low) / (high - low) * (width - 1))))

    cells = [" "] * width
    if line.low is not None and line.high is not None:
        first, last = place(line.low), place(line.high)
        cells[first : last + 1] = "─" * (last - first + 1)
        cells[first], cells[last] = "├", "┤"
    cells[place(line.estimate)] = "●"
    return "".join(cells)


def table(result: Result, *, rows: int = ROWS, width: int | None = None) -> Table:
    """The top of the leaderboard for a terminal; the winner is in it even where it is not among the first.

    width: columns that there are, default those of the terminal; below WIDE the costs are left out.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    columns = width or Console().width
    wide = columns >= WIDE
    shown = compared(result)[:rows]
    winner = result.standing(result.winner)
    if winner is not None and winner not in shown:
        shown = (*shown[: rows - 1], winner)
    low, high = span([s for k, s in enumerate(shown) if k < AXIS or s is winner])
    length = BAR if wide else BAR // 2 + 4
    heads = [
        "#",
        "candidate",
        _axis(low, high, length),
        result.title,
        *(["to the best", "params"] if wide else []),
        "status",
    ]
    lines = [_line(result, s, (low, high), length, wide=wide) for s in shown]
    taken = sum(max(len(line[k]) for line in (heads, *lines)) + 2 for k in range(len(heads)) if k != 1)
    room = max(16, columns - taken)
    sheet = Table(title=Text(_title(result)), title_justify="left", box=None, pad_edge=False)
    sheet.caption, sheet.caption_justify = Text(_caption(result, len(shown))), "left"
    for k, head in enumerate(heads):
        numeric = head in ("#", result.title, "to the best", "params")
        sheet.add_column(
            Text(head), justify="right" if numeric else "left", no_wrap=True, style="dim" if k == 0 else ""
        )
    for line, standing in zip(lines, shown, strict=True):
        line[1] = _shorten(line[1], room)
        style = STYLES.get(standing.status, "default")
        sheet.add_row(*(_cell(word, style) for word in line))
    return sheet


def _line(result: Result, line: Standing, ends: tuple[float, float], length: int, *, wide: bool) -> list[str]:
    """The words of one row."""
    rank = next(k for k, s in enumerate(result.leaderboard, 1) if s.id == line.id)
    more = [_difference(line), cost_words(line.params)] if wide else []
    return [str(rank), line.id, bar(line, *ends, length), f"{line.estimate:.3f}", *more, status_words(line)]


def _shorten(words: str, room: int) -> str:
    """On one line, and cut in the middle: both ends of a candidate's name tell it from its neighbours."""
    words = "".join(c if c.isprintable() else " " for c in words)
    return words if len(words) <= room else f"{words[: (room - 1) // 2]}…{words[len(words) - room // 2 :]}"


def _cell(words: str, style: str) -> Text:
    """Text, never markup: a class or model called '[red]' is shown as it is written."""
    from rich.text import Text

    return Text(words, style=style)


def _title(result: Result) -> str:
    estimate = "not known" if result.estimate is None else f"{result.estimate:.3f}"
    if result.low is not None and result.high is not None:
        estimate += f" [{result.low:.3f}, {result.high:.3f}]"
    read_once = result.estimate_of == "network"
    how = "on images that took no part" if read_once else "corrected for having chosen"
    return f"{result.winner or 'no winner'}: {result.title} {estimate}, {how}"


def _caption(result: Result, shown: int) -> str:
    """What is not in the table, and how to read what is."""
    rest = len(result.leaderboard) - shown
    counts = [
        f"{sum(s.status == status for s in result.leaderboard)} {status.replace('_', ' ')}"
        for status in ("tied", "beaten", "dropped", "failed", "over_limit")
        if any(s.status == status for s in result.leaderboard)
    ]
    lower = "" if result.higher_is_better else "; lower is better"
    more = f"; {rest} more in leaderboard.csv" if rest else ""
    return f"{result.level:.0%} intervals{lower}; {', '.join(counts) or 'nothing to compare with'}{more}"


def _difference(line: Standing) -> str:
    """Signed; the best itself is called so."""
    if line.diff is None:
        return ""
    return "best" if line.diff == 0 and not line.diff_low and not line.diff_high else f"{line.diff:+.3f}"


def _axis(low: float, high: float, length: int) -> str:
    """The two ends of the axis as a column's header."""
    left, right = f"{low:.3f}", f"{high:.3f}"
    return left + " " * (length - len(left) - len(right)) + right
