"""Texts in several languages, and which of them a reader gets.

A text is a mapping from language to words; the key "" holds words that are the same in all languages (a Latin name).
The order in which a language is sought is that of RFC 4647 (lookup): each language that the reader prefers, most wanted
first, as it is, then without its region ("de-AT", "de"), then in any region ("pt" takes "pt-BR"); where none is there,
the first language of the lens.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

Text = Mapping[str, str]
ANY = ""
CODE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_RANGE = re.compile(r"\s*([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?")


def negotiate(wanted: str, offered: Sequence[str]) -> str:
    """The language of `offered` (at least one) for an Accept-Language header such as "de-AT, de;q=0.9, *;q=0.1".

    Parts that cannot be read are passed over; q=0 says that a language is not wanted, as long as another is there.
    """
    ranges: list[tuple[float, str]] = []
    for part in wanted[:1000].split(","):
        found = _RANGE.fullmatch(part)
        if found:
            ranges.append((float(found[2] or 1), found[1].lower()))
    refused = {name for quality, name in ranges if quality == 0}
    left = [one for one in offered if one.lower() not in refused] or list(offered)
    for _, name in sorted((r for r in ranges if r[0] > 0), key=lambda r: -r[0]):
        if name == "*":
            return left[0]
        match = _lookup(name, left)
        if match is not None:
            return match
    return left[0]


def _lookup(name: str, offered: Sequence[str]) -> str | None:
    """The offered language for one that is wanted: as it is, then ever shorter, then in any region."""
    parts = name.split("-")
    for length in range(len(parts), 0, -1):
        for one in offered:
            if one.lower() == "-".join(parts[:length]):
                return one
    return next((one for one in offered if one.lower().split("-")[0] == parts[0]), None)


def said(text: Text, language: str) -> str:
    """The words in a language that the lens has; '' where the text is empty."""
    return text.get(language) or text.get(ANY) or next(iter(text.values()), "")
