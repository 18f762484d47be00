"""The verdict in plain sentences, for people who will not read a table of intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import ceil, floor, log10

from objectif.metrics.base import Metric
from objectif.metrics.intervals import Interval
from objectif.runs.entry import Entry
from objectif.runs.outcome import Row, TableRow


def figure(value: float, low: float | None = None, high: float | None = None) -> str:
    """'0.880 [0.861, 0.897]', or the value alone."""
    return f"{value:.3f}" if low is None or high is None else f"{value:.3f} [{low:.3f}, {high:.3f}]"


def count(n: int, noun: str) -> str:
    """'1 image', '2 images'."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def of_winner(
    winner: str, best: str, value: float, estimate: Interval, metric: Metric, margin: float, pool: int
) -> list[str]:
    """Who won with what, and by which rule. value: the metric of the best; pool: chosen among how many."""
    units = "" if estimate.groups == estimate.n else f" in {count(estimate.groups, 'group')}"
    chosen = f", corrected for having been chosen among {pool}" if pool > 1 else ""
    if estimate.low is None:
        chosen = f" ({estimate.reason})"
    found = figure(estimate.estimate, estimate.low, estimate.high)
    lines = [f"{winner} wins with {metric.title} {found}{chosen}, on {count(estimate.n, 'image')}{units}."]
    if winner != best:
        lines.append(
            f"It is the cheapest that is not inferior to the best ({best}, {value:.3f}) "
            f"by more than {margin:g}."
        )
    elif pool > 1:
        lines.append(f"It has the best estimate; nothing cheaper is shown to be within {margin:g} of it.")
    return lines


def of_statuses(rows: Sequence[Row]) -> str:
    """How many tied, were beaten, dropped, failed, over a limit."""
    words = {
        "tied": "tied with it",
        "beaten": "clearly beaten",
        "dropped": "dropped early and not compared",
        "failed": "failed",
        "over_limit": "over a limit",
    }
    counts = Counter(row.status for row in rows)
    parts = [f"{counts[status]} {word}" for status, word in words.items() if counts[status]]  # type: ignore[index]
    return f"Of the other candidates: {', '.join(parts)}." if parts else "There was no other candidate."


def of_baseline(beats: bool, baseline: float, metric: Metric, known: bool) -> str:
    """Is it better than answering blindly (Metric.blind)?"""
    against = f"{metric.idle} ({metric.title} {figure(baseline)})"
    if beats:
        return f"It clearly beats {against}."
    if not known:
        return f"Too few groups to say whether it beats {against}."
    return f"It is NOT shown to beat {against}: do not use it."


def of_limits(nearest: Entry, limits: Mapping[str, float], value: float, metric: Metric) -> str:
    """No candidate keeps the limits: what statement would have been feasible?"""
    asked = ", ".join(f"{name} = {allowed:g}" for name, allowed in limits.items())
    excess = nearest.excess(limits)
    unknown = [name for name in excess if getattr(nearest, name) is None]
    if unknown:
        return f"No candidate is known to keep {asked}: {', '.join(unknown)} was not measured."
    needed = ", ".join(f"{name} = {_up(getattr(nearest, name)):g}" for name in excess)
    return (
        f"No candidate keeps {asked}. The nearest feasible statement: {needed} "
        f"({nearest.id}, {metric.title} {figure(value)})."
    )


def _up(value: float) -> float:
    """Two significant digits, rounded up, so that the statement named is kept."""
    step = 10.0 ** (floor(log10(value)) - 1) if value > 0 else 1.0
    return ceil(value / step - 1e-9) * step


def of_table(kind: str, rows: Sequence[TableRow]) -> str | None:
    """The head of a table: its first clear win, or that there is none."""
    if not rows:
        return None
    wins = [row for row in rows if row.better_than]
    if wins:
        return wins[0].claim[0].upper() + wins[0].claim[1:] + "."
    seeds, blocks = rows[0].seeds, rows[0].blocks
    plural = {"loss": "losses", "model": "models", "approach": "approaches"}[kind]
    return (
        f"No {kind} clearly beats another ({len(rows)} {plural}, {count(blocks, 'complete block')}, "
        f"{count(seeds, 'seed')})."
    )
