"""The lens's own words: the same sentences with the same values in every language."""

from __future__ import annotations

from string import Formatter

import pytest

from objectif.apps.lens.words import ENGLISH, WORDS, percent, word


def fields(text: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(text)} - {None}


@pytest.mark.parametrize("language", WORDS)
def test_every_language_has_every_sentence(language: str) -> None:
    found = WORDS[language]
    assert found.keys() == ENGLISH.keys()
    assert {key: fields(text) for key, text in found.items()} == {
        key: fields(text) for key, text in ENGLISH.items()
    }


def test_a_language_that_is_not_there_is_english() -> None:
    assert word("ja", "unsure") == ENGLISH["unsure"]
    assert word("de-AT", "unsure") == WORDS["de"]["unsure"]


def test_nothing_is_certain() -> None:
    assert [percent(p) for p in (1.0, 0.991, 0.5, 0.004, 0)] == ["> 99 %", "> 99 %", "50 %", "< 1 %", "< 1 %"]
