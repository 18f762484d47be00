"""Readers: what a value may be, whoever gives it, TOML or Python.

A reader takes a value and returns it in its one form, or raises ValueError with what was expected. It does
not know the key, the file or the line; the caller does, and adds them.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from objectif.problem.toml import figure

Reader = Callable[[object], Any]

_UNITS = {
    word: size
    for size, words in ((1, "s sec second seconds"), (60, "m min minute minutes"), (3600, "h hour hours"))
    for word in words.split()
}
_SPAN = re.compile(rf"(\d+(?:\.\d+)?)\s*({'|'.join(sorted(_UNITS, key=len, reverse=True))})\s*")


def choice(*allowed: str) -> Reader:
    """Reader: one of these words."""

    def read(value: object) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise ValueError(f"expected {' or '.join(map(repr, allowed))}{close_to(value, allowed)}")
        return value

    return read


def word(expected: str) -> Reader:
    """Reader: text that is not empty."""

    def read(value: object) -> str:
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"expected {expected}")
        return value

    return read


def whole(low: int, high: int) -> Reader:
    """Reader: a whole number in low..high."""

    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"expected a whole number from {low} to {high}")
        return value

    return read


def one_of(*allowed: int, what: str) -> Reader:
    """Reader: one of these whole numbers, which mean `what`."""

    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value not in allowed:
            listed = ", ".join(map(str, allowed[:-1]))
            raise ValueError(f"expected {listed} or {allowed[-1]}, {what}")
        return value

    return read


def number(expected: str, fits: Callable[[float], bool]) -> Reader:
    """Reader: a finite number that fits."""

    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"expected {expected}")
        if not math.isfinite(value) or not fits(value):
            raise ValueError(f"expected {expected}")
        return float(value)

    return read


def yes_or_no(value: object) -> bool:
    """Reader: true or false."""
    if not isinstance(value, bool):
        raise ValueError("expected true or false")
    return value


def names(expected: str, allowed: Sequence[str] | None = None) -> Reader:
    """Reader: a list of different words; one word stands for a list of one."""

    def read(value: object) -> tuple[str, ...]:
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, Iterable) or isinstance(items, Mapping | bytes):
            raise ValueError(f"expected a list of {expected}")
        listed = list(items)
        if not listed or not all(isinstance(item, str) and item.strip() for item in listed):
            raise ValueError(f"expected a list of {expected}, with at least one")
        for item in listed:
            if allowed is not None and item not in allowed:
                raise ValueError(f"{item!r} is none of {', '.join(allowed)}{close_to(item, allowed)}")
        doubled = [item for k, item in enumerate(listed) if item in listed[:k]]
        if doubled:
            raise ValueError(f"{doubled[0]!r} stands there twice; name each once")
        return tuple(listed)

    return read


def or_word(special: str, reader: Reader, becomes: object) -> Reader:
    """Reader: the word `special` (or what it becomes) gives `becomes`; anything else goes to `reader`."""

    def read(value: object) -> Any:
        if (isinstance(value, str) and value == special) or (value is None and becomes is None):
            return becomes
        try:
            return reader(value)
        except ValueError as error:
            plain = str(error).startswith("expected") and not str(error).endswith("?")
            raise ValueError(f"{error}, or {special!r}" if plain else str(error)) from None

    return read


def seconds(value: object) -> float:
    """Reader: a length of time: '90s', '5m', '20 min', '1h', '1h 30m', or a bare number of seconds."""
    total = math.nan
    if isinstance(value, int | float) and not isinstance(value, bool):
        total = float(value)
    elif isinstance(value, str):
        text = value.strip().lower()
        if re.fullmatch(r"\d+(?:\.\d+)?", text):
            total = float(text)
        elif re.fullmatch(f"(?:{_SPAN.pattern})+", text):
            total = sum(float(count) * _UNITS[unit] for count, unit in _SPAN.findall(text))
    if not math.isfinite(total) or total <= 0:
        raise ValueError("expected a length of time such as '60s', '5m', '20 min' or '1h'")
    return total


def close_to(value: object, allowed: Iterable[str]) -> str:
    """'; did you mean ...?' where one of the allowed words is near, else nothing."""
    near = difflib.get_close_matches(str(value), list(allowed), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def span(length: float) -> str:
    """Seconds as the shortest exact text that `seconds` reads back: 300.0 -> '5m'."""
    for unit, size in (("h", 3600), ("m", 60)):
        if length >= size and length % size == 0:
            return f"{int(length // size)}{unit}"
    return f"{figure(length)}s"
