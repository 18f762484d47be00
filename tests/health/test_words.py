"""Words: plural, shares that never say none or all wrongly, names that cannot break a line."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from objectif.health.words import count, percent, shown, some


def test_counts_have_their_noun() -> None:
    assert [count(1, "class", "classes"), count(1200, "image")] == ["1 class", "1,200 images"]


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_only_none_is_zero_and_only_all_is_hundred(part: int, rest: int) -> None:
    words = percent(part / (part + rest))
    assert words not in {"0%", "0.0%", "100%", "100.0%"}
    assert percent(0.0) == "0%"
    assert percent(1.0) == "100%"


@given(st.text())
def test_shown_names_stay_on_one_valid_line(name: str) -> None:
    line = shown(name)
    assert line.isprintable()
    line.encode("utf-8")


def test_lists_are_cut() -> None:
    assert some(["a"]) == "a"
    assert some(["a", "b", "c"]) == "a, b and c"
    assert some(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
