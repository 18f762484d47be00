"""HTML and SVG built from calls, so that no text can reach the page unescaped.

A template language would be one more dependency and escapes where its author remembers; here a string is text
unless its type says that it is markup, and only `tag` makes markup. Names of people's files and classes pass
`name`, which also disarms control characters and isolates right-to-left writing.
"""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Final

_VOID: Final = frozenset({"area", "br", "col", "hr", "img", "input", "link", "meta", "wbr"})
_ODD: Final = frozenset({"Cc", "Cs"})  # controls, lone surrogates
_TURNS: Final = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff\u2028\u2029"
)
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9:-]*")
Attribute = str | int | float | bool | None


class Markup(str):
    """Text that is HTML already. Made by this file only."""

    __slots__ = ()


def visible(value: object, limit: int | None = None) -> str:
    """Plain text safe to show.

    Newlines as spaces, controls and undecodable bytes as '�'; cut in the middle.
    """
    words = "".join(
        " " if c in "\n\r\t" else "�" if c in _TURNS or unicodedata.category(c) in _ODD else c
        for c in str(value)
    )
    if limit is not None and len(words) > limit:
        head = (limit - 1) * 2 // 3
        words = f"{words[:head]}…{words[len(words) - (limit - 1 - head) :]}"
    return words


def join(*children: object) -> Markup:
    """Children one after the other: Markup as it is, None as nothing, lists unpacked, the rest escaped."""
    parts: list[str] = []
    for child in children:
        if child is None:
            continue
        if isinstance(child, Markup):
            parts.append(child)
        elif isinstance(child, (list, tuple)):
            parts.append(join(*child))
        else:
            parts.append(html.escape(str(child)))
    return Markup("".join(parts))


def tag(element: str, *children: object, **attributes: Attribute) -> Markup:
    """<element attribute="...">children</element>.

    `class_` is class, `data_v` is data-v; None and False are left out.
    """
    words = [element]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")
        if not _NAME.fullmatch(key):
            raise ValueError(f"attribute {key!r}; expected letters, digits and '-'")
        words.append(key if value is True else f'{key}="{html.escape(_short(value))}"')
    opening = f"<{' '.join(words)}>"
    return Markup(opening) if element in _VOID else Markup(f"{opening}{join(*children)}</{element}>")


def name(value: object, limit: int | None = 48) -> Markup:
    """A name that somebody chose, isolated and escaped; the whole of it in the tooltip where it is cut."""
    whole = visible(value)
    cut = visible(value, limit)
    parts = re.split(r"(?<=[_/·+@-])", cut)  # where a long name may be broken
    return tag(
        "bdi",
        *[join(tag("wbr") if k else None, part) for k, part in enumerate(parts)],
        title=visible(whole, 300) if cut != whole else None,
    )


def raw(text: str) -> Markup:
    """Our own CSS or JavaScript, which must not be escaped. Never for anything that comes from a run."""
    if re.search(r"</(style|script)", text, re.IGNORECASE):
        raise ValueError("style or script ends its own element")
    return Markup(text)


def _short(value: str | float) -> str:
    """A number with at most two decimals, which is finer than any screen."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
