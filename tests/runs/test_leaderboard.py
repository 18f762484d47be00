"""The leaderboard in a terminal and as CSV: statuses in words, names as they are, any width."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest
from rich.console import Console

from objectif.runs.leaderboard import bar, cost_words, csv_text, span, table
from objectif.runs.result import Result, Standing

LINES = tuple(
    Standing(
        f"frozen/[red]lite{k}[/red]/loss\n{k}",
        status=status,
        estimate=0.9 - k / 50,
        low=0.85 - k / 50,
        high=0.93 - k / 50,
        diff=-k / 50,
        diff_low=-0.1,
        diff_high=0.1,
        params=10**k,
    )
    for k, status in enumerate(["winner", "tied", *["beaten"] * 28])
)
REST = (
    Standing("late", status="dropped", estimate=0.99, rung=2),
    Standing("broken", status="failed", reason="out of memory"),
)
RESULT = Result("b", "accuracy", (*LINES, *REST), estimate=0.88, low=0.85, high=0.9)


def shown(result: Result, width: int) -> str:
    console = Console(width=width, file=io.StringIO(), force_terminal=False)
    console.print(table(result, width=width))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_fits_its_terminal_and_says_the_statuses(width: int) -> None:
    text = shown(RESULT, width)
    lines = text.splitlines()
    assert max(map(len, lines)) <= width
    assert (
        sum("●" in line or "◂" in line for line in lines) == 15
    )  # one line each: a newline in a name breaks nothing
    assert "winner" in text
    assert "tied" in text
    assert "beaten" in text
    assert "1 dropped" in text
    assert "1 failed" in text
    assert "late" not in text  # not compared, so not beside the others


def test_the_title_says_what_the_estimate_is_of() -> None:
    assert "corrected for having chosen" in shown(RESULT, 140)
    title = shown(replace(RESULT, estimate_of="network"), 140).splitlines()[0]
    assert "on images that took no part" in title
    assert "corrected" not in title


def test_markup_in_a_name_is_text() -> None:
    assert "[red]" in shown(RESULT, 140)


def test_the_winner_is_shown_wherever_it_stands() -> None:
    from dataclasses import replace

    moved = (*LINES[1:], replace(LINES[0], status="winner", estimate=0.3))
    assert "winner" in shown(Result(LINES[0].id, "accuracy", moved), 120)


def test_nothing_compared_is_still_a_table() -> None:
    assert "no winner" in shown(Result(None, "accuracy", REST), 100)


def test_bar_keeps_order_and_width() -> None:
    low, high = span(LINES)
    places = [bar(line, low, high, 40).index("●") for line in LINES]
    assert places == sorted(places, reverse=True)
    assert {len(bar(line, low, high, 40)) for line in LINES} == {40}
    assert bar(Standing("x", estimate=0.5), 0, 1, 11) == "     ●     "
    assert bar(Standing("x", estimate=-0.5), 0, 1, 3) == "◂  "
    assert bar(Standing("x", estimate=1.5), 0, 1, 3) == "  ▸"


def test_csv_has_every_candidate_and_reads_back() -> None:
    rows = list(csv.DictReader(io.StringIO(csv_text(RESULT))))
    assert [r["id"] for r in rows] == [s.id for s in RESULT.leaderboard]
    assert rows[-1]["estimate"] == ""
    endless = Standing("a", diff=-0.1, diff_low=-float("inf"), diff_high=float("inf"))
    assert "inf" not in csv_text(Result("a", "accuracy", (endless,)))
    assert float(rows[0]["estimate"]) == LINES[0].estimate


@pytest.mark.parametrize(
    ("n", "words"), [(None, ""), (7, "7"), (5400, "5.4 k"), (12_600_000, "12.6 M"), (1.1e9, "1.1 G")]
)
def test_counts_in_three_digits(n: float | None, words: str) -> None:
    assert cost_words(n) == words
