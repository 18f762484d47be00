"""TOML as text: on which line each key stands, and values written back.

Why not a library: the standard `tomllib` reads TOML well, but forgets the lines and writes nothing; the
libraries that remember comments and lines are a dependency of every install for the sake of one file. So
`tomllib` decides what the text means, `lines` only says where each key stands, and a value is written by
the few rules below.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence

Key = tuple[str, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_KEY_PART = re.compile(r"""[A-Za-z0-9_-]+|"(?:\\.|[^"\\\n])*"|'[^'\n]*'""")
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_OPEN = re.compile(r"\[{1,2}[ \t]*")
_CLOSE = re.compile(r"[ \t]*\]{1,2}")
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_TOKEN = re.compile(
    r"""\"{3}(?:\\.|[^\\])*?"{3,5}(?!")|'{3}.*?'{3,5}(?!')"""
    r"""|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|\#[^\n]*|[\[{]|[\]}]|\n|[^"'\#\[\]{}\n]+""",
    re.DOTALL,
)
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def lines(text: str) -> dict[Key, int]:
    """Key path -> line number (from 1) of each table header and key of a valid TOML text.

    Keys inside an inline table stand where the table stands, so they are not listed: look up the longest
    prefix (see `line_of`). Text that tomllib refuses gives an incomplete table, never an error.
    """
    found: dict[Key, int] = {}
    table: Key = ()
    line, counted = 1, 0
    at = _end(_BLANK, text, 0)
    while at < len(text):
        line, counted = line + text.count("\n", counted, at), at
        header = text[at] == "["
        if header:
            at = _end(_OPEN, text, at)
        key, after = _key(text, at)
        if not key:
            break
        if header:
            table = key
            at = _end(_CLOSE, text, after)
        else:
            key = table + key
            at = _skip_value(text, after)
        for length in range(1, len(key) + 1):
            found.setdefault(key[:length], line)
        at = _end(_BLANK, text, at)
    return found


def line_of(found: Mapping[Key, int], key: Key) -> int:
    """The line of a key, or of the nearest table around it; 1 where nothing is known."""
    while key and key not in found:
        key = key[:-1]
    return found.get(key, 1)


def syntax_line(error: tomllib.TOMLDecodeError, text: str) -> tuple[int, str]:
    """The line that a TOML syntax error speaks of, and what it says, without its own '(at line ..)'."""
    match = re.search(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$", str(error))
    if match is None:
        return 1, str(error)
    line = int(match[1]) if match[1] else text.rstrip("\n").count("\n") + 1
    return line, str(error)[: match.start()]


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at


def _key(text: str, at: int) -> tuple[Key, int]:
    """The dotted key that begins at `at`, and the position after it."""
    parts: list[str] = []
    while match := _KEY_PART.match(text, at):
        part = match[0]
        parts.append(part if _BARE.fullmatch(part) else str(tomllib.loads(f"k = {part}")["k"]))
        at = match.end()
        dot = _DOT.match(text, at)
        if dot is None:
            break
        at = dot.end()
    return tuple(parts), at


def _skip_value(text: str, at: int) -> int:
    """The position after '= value', which may run over several lines inside brackets and long strings."""
    depth = 0
    while match := _TOKEN.match(text, at):
        if match[0] == "\n" and depth == 0:
            return at
        depth += (match[0] in "[{") - (match[0] in "]}") if len(match[0]) == 1 else 0
        at = match.end()
    return len(text)


def figure(value: float) -> str:
    """A number as TOML that reads back as the same number; whole numbers without a point."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def visible(text: str) -> str:
    """Text on one line with control characters escaped, for comments and messages."""
    return "".join(
        _ESCAPES[c] if c in "\n\t\r" else c if c.isprintable() else f"\\u{ord(c):04x}" for c in text
    )


def toml(value: object) -> str:
    """A value as TOML on one line: text, truth, numbers, lists and tables of them.

    ValueError: text that is not valid Unicode (a file name of raw bytes).
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return figure(value)
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, Mapping):
        inside = ", ".join(f"{key_text(str(k))} = {toml(v)}" for k, v in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, Sequence):
        return f"[{', '.join(map(toml, value))}]"
    raise ValueError(f"{value!r} cannot be written in TOML")


def key_text(key: str) -> str:
    """A key as TOML: bare where that is allowed."""
    return key if _BARE.fullmatch(key) else _quoted(key)


def _quoted(text: str) -> str:
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise ValueError(f"{text!r} is not valid Unicode and cannot stand in a text file")
    body = "".join(
        _ESCAPES.get(c) or (f"\\u{ord(c):04x}" if ord(c) < 32 or ord(c) == 127 else c) for c in text
    )
    return f'"{body}"'
