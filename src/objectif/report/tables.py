"""Which loss, which model, which approach: what may be claimed, over complete blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from objectif.report.board import bar
from objectif.report.html import Markup, join, name, tag
from objectif.report.material import Material
from objectif.report.numbers import Axis, count, figure, interval
from objectif.runs.leaderboard import span
from objectif.runs.result import Result, Standing

QUESTIONS = (("loss", "Which loss?"), ("model", "Which model?"), ("approach", "Which approach?"))


def section(material: Material) -> Markup | None:
    """The three tables as a <section>; None where the race made no claims."""
    cards = [_card(title, material.result.tables.get(key) or (), material.result) for key, title in QUESTIONS]
    shown = [card for card in cards if card is not None]
    if not shown:
        return None
    sides = [tag("div", shown[0]), tag("div", shown[1:])] if len(shown) > 1 else [tag("div", shown)]
    return tag(
        "section",
        tag("h2", "What makes the difference"),
        tag(
            "p",
            "Averages over complete blocks only: every row was tried with the same partners, so no row "
            "profits from better company. Images and seeds are both resampled.",
            class_="soft",
        ),
        tag("div", sides, class_="columns claims"),
        id="claims",
    )


def _card(title: str, rows: Sequence[Mapping[str, Any]], result: Result) -> Markup | None:
    """One question with its rows, best first, and what may be claimed."""
    if not rows:
        return None
    lines = [_line(r) for r in rows]
    values = [s.estimate for s in lines if s.estimate is not None]
    top = (max if result.higher_is_better else min)(values, default=None)
    axis = Axis(*span(lines), 2, 98)
    first = rows[0]
    parts = (("blocks", "block"), ("seeds", "seed"))
    basis = " and ".join(count(int(first[k]), word) for k, word in parts if first.get(k))
    return tag(
        "div",
        tag("h3", title),
        tag("p", _claim(title, rows)),
        tag(
            "table",
            tag(
                "tbody", [_row(s, r, axis, best=s.estimate == top) for s, r in zip(lines, rows, strict=True)]
            ),
        ),
        tag("p", f"From {basis}." if basis else None, _left_out(first), class_="note"),
    )


def _line(row: Mapping[str, Any]) -> Standing:
    """A row of the table as what the bars draw."""
    return Standing(
        str(row.get("name", "?")), estimate=row.get("estimate"), low=row.get("low"), high=row.get("high")
    )


def _row(line: Standing, about: Mapping[str, Any], axis: Axis, *, best: bool) -> Markup:
    """One loss (model, approach)."""
    drawn = bar(replace(line, status="winner" if best else "beaten"), axis)
    number = tag("td", figure(line.estimate), tag("small", interval(line.low, line.high)), class_="n")
    return tag("tr", tag("td", name(line.id, 32), _better(about)), tag("td", drawn), number)


def _claim(title: str, rows: Sequence[Mapping[str, Any]]) -> Markup:
    """The strongest claim that was shown, or that there is none."""
    winning = next((r for r in rows if r.get("better_than") and r.get("claim")), None)
    if winning is not None:
        return join(name(winning["claim"], 400), ".")
    few = (
        " With fewer than three seeds nothing can be said about them beyond these networks."
        if int(rows[0].get("seeds") or 3) < 3
        else ""
    )
    return join(f"No {title.split()[1].rstrip('?')} is clearly better than another here.", few)


def _left_out(about: Mapping[str, Any]) -> Markup | None:
    """Names for which a block is missing."""
    names = [str(n) for n in about.get("left_out") or ()]
    if not names:
        return None
    listed = join(*[join(", " if k else "", name(n, 30)) for k, n in enumerate(names[:8])])
    return join(
        " Not in every block, so left out: ",
        listed,
        f" and {len(names) - 8} more." if len(names) > 8 else ".",
    )


def _better(about: Mapping[str, Any]) -> Markup | None:
    """What a row clearly beats."""
    beaten = [str(n) for n in about.get("better_than") or ()]
    if not beaten:
        return None
    named = join(*[join(", " if k else "", name(n, 24)) for k, n in enumerate(beaten[:3])])
    return tag(
        "small", "clearly better than ", named, f" and {len(beaten) - 3} more" if len(beaten) > 3 else None
    )
