"""Lines are found and values come back, whatever TOML is given."""

from __future__ import annotations

import math
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from objectif.problem import toml

TEXT = some.text(some.characters(codec="utf-8"), max_size=12)
SCALARS = some.one_of(
    TEXT, some.booleans(), some.integers(-(2**53), 2**53), some.floats(allow_nan=False, allow_infinity=False)
)
VALUES = some.recursive(
    SCALARS, lambda v: some.lists(v, max_size=3) | some.dictionaries(TEXT, v, max_size=3), max_leaves=6
)


@settings(deadline=None)
@given(TEXT, VALUES)
def test_a_value_reads_back_equal(key: str, value: object) -> None:
    assert tomllib.loads(f"{toml.key_text(key)} = {toml.toml(value)}") == {key: value}


@given(some.floats(allow_nan=False, allow_infinity=False))
def test_a_figure_reads_back_exactly(value: float) -> None:
    back = float(tomllib.loads(f"x = {toml.figure(value)}")["x"])
    assert math.isclose(back, value, rel_tol=0, abs_tol=0)


GAPS = some.sampled_from(("", "\n", "\n# a = [1\n \n"))
ENTRIES = some.lists(some.tuples(TEXT, VALUES, GAPS, some.booleans()), max_size=8, unique_by=lambda e: e[0])


@settings(deadline=None)
@given(ENTRIES)
def test_each_key_is_found_on_its_line(entries: list[tuple[str, object, str, bool]]) -> None:
    """Long strings, brackets, comments and quotes between keys must not move the count."""
    text = ""
    table: tuple[str, ...] = ()
    where: dict[tuple[str, ...], int] = {}
    for name, value, gap, header in entries:
        text += gap
        if header:
            table = (f"{name}!",)
            where[table] = text.count("\n") + 1
            text += f"[{toml.key_text(table[0])}]\n"
        where[(*table, name)] = text.count("\n") + 1
        text += f"{toml.key_text(name)} = {toml.toml(value)}  # '\"[{{\n"
    tomllib.loads(text)
    assert toml.lines(text) == where


def test_lines_of_all_shapes() -> None:
    text = (
        "a = 1\n"
        'b = [ # "[\n  "x]", \'y\',\n]\n'
        'c = """\nd = 1\n[no]\n"""\n'
        "e = '''\nf = 1 '' '''\n"
        'g."h i".j = { k = 1 } # z = 3\n'
        "[ t . u ]\n"
        "v = 2\n"
        "[[w]]\nx = 1\n"
    )
    tomllib.loads(text)
    assert toml.lines(text) == {
        ("a",): 1,
        ("b",): 2,
        ("c",): 5,
        ("e",): 9,
        ("g",): 11,
        ("g", "h i"): 11,
        ("g", "h i", "j"): 11,
        ("t",): 12,
        ("t", "u"): 12,
        ("t", "u", "v"): 13,
        ("w",): 14,
        ("w", "x"): 15,
    }


def test_a_key_without_a_line_stands_where_its_table_stands() -> None:
    found = toml.lines("a = 1\nlimits = { size_mb = -1 }\n")
    assert toml.line_of(found, ("limits", "size_mb")) == 2
    assert toml.line_of(found, ("missing",)) == 1


@given(some.text(max_size=60))
def test_no_text_breaks_the_search_for_lines(text: str) -> None:
    toml.lines(text)


@pytest.mark.parametrize(
    ("text", "line"),
    [("a = 1\nb = = 2\n", 2), ("a = 1\na = 2\n", 2), ("a = 1\nb = [1,\n", 2), ("x = 'a\n", 1)],
)
def test_a_syntax_error_has_its_line(text: str, line: int) -> None:
    with pytest.raises(tomllib.TOMLDecodeError) as met:
        tomllib.loads(text)
    found, what = toml.syntax_line(met.value, text)
    assert found == line and what and "(at" not in what


@given(some.text(some.characters(codec="utf-8")))
def test_visible_text_stays_on_one_line(text: str) -> None:
    assert len(toml.visible(text).splitlines()) <= 1 and toml.visible(text).isprintable()


def test_raw_bytes_in_a_name_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="Unicode"):
        toml.toml(b"\xff".decode("utf-8", "surrogateescape"))
