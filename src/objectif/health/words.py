"""Small words for people: counts with their nouns, shares, lists cut short, names made safe to show."""

from __future__ import annotations

from collections.abc import Sequence


def count(n: int, noun: str, plural: str | None = None) -> str:
    """'1 image', '1,200 images'."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def percent(share: float) -> str:
    """'38%', with no space at which a line could break; near the ends '0.4%', '<0.1%', '99.6%', '>99.9%'."""
    value = 100 * share
    if 0 < value < 0.1 or 99.9 < value < 100:
        return "<0.1%" if value < 1 else ">99.9%"
    return f"{value:.1f}%" if 0 < value < 1 or 99 < value < 100 else f"{value:.0f}%"


def some(names: Sequence[str], most: int = 3) -> str:
    """'a, b and 4 more'."""
    named = [shown(n) for n in names[:most]]
    if len(names) > most:
        return f"{', '.join(named)} and {len(names) - most} more"
    return " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)


def shown(name: str) -> str:
    """A name on one line of valid Unicode: what cannot be printed is spelled out as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in name)
