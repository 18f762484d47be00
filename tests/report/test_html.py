"""Nothing that somebody chose can become markup, and what is shown is what was meant."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectif.report.html import join, name, raw, tag, visible

TEXT = st.text(alphabet=st.characters(exclude_categories=()), max_size=60)  # lone surrogates included


class Reader(HTMLParser):
    """What a browser would see: elements, attributes, text."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@given(TEXT)
def test_text_stays_text(words: str) -> None:
    seen = Reader(tag("p", words, title=words))
    assert [t for t, _ in seen.tags] == ["p"]
    assert seen.text == words
    assert seen.tags[0][1]["title"] == words


@given(TEXT)
def test_a_name_is_isolated_on_one_line_and_can_be_written(words: str) -> None:
    seen = Reader(name(words, 20))
    assert {t for t, _ in seen.tags} <= {"bdi", "wbr"}
    assert seen.text == visible(words, 20)
    assert len(seen.text) <= 20
    seen.text.encode()
    assert not set(seen.text) & set("\n\r\t\x00\x1b\u202e\u2066")


def test_lists_are_unpacked_and_none_is_nothing() -> None:
    assert join("a<", None, [tag("b", 1), ("&", [2])]) == "a&lt;<b>1</b>&amp;2"


def test_attributes() -> None:
    markup = tag("input", class_="x", data_v=0.12345, hidden=None, disabled=False, checked=True)
    assert markup == '<input class="x" data-v="0.12" checked>'
    with pytest.raises(ValueError, match="attribute"):
        tag("p", **{"on x": 1})


def test_a_style_cannot_end_itself() -> None:
    with pytest.raises(ValueError, match="ends its own"):
        raw("a</STYLE><script>")
