"""Versions: each step is applied once and in order, and what is newer is refused."""

from __future__ import annotations

import pytest

from objectif.errors import SolutionError
from objectif.solution.migrate import STEPS, VERSION, upgrade


def test_steps_lead_from_every_version_to_the_newest() -> None:
    assert sorted(STEPS) == list(range(1, VERSION))


def test_an_old_manifest_goes_through_each_step_in_order() -> None:
    steps = {1: lambda m: {**m, "seen": "1"}, 2: lambda m: {**m, "seen": m["seen"] + "2"}}
    assert upgrade({"version": 1, "kept": 0}, newest=3, steps=steps) == {
        "version": 3,
        "kept": 0,
        "seen": "12",
    }
    assert upgrade({"version": 3}, newest=3, steps=steps) == {"version": 3}


def test_the_manifest_that_was_given_is_not_changed() -> None:
    given = {"version": 1}
    upgrade(given, newest=2, steps={1: lambda m: {**m, "new": 1}})
    assert given == {"version": 1}


def test_the_first_version_knew_no_size_of_images() -> None:
    assert upgrade({"version": 1, "task": "classify"}, newest=2) == {
        "version": 2,
        "task": "classify",
        "reference": None,
    }


@pytest.mark.parametrize("version", [None, 0, -1, 1.5, "1", True])
def test_a_version_is_a_whole_number(version: object) -> None:
    with pytest.raises(SolutionError, match="expected a whole number"):
        upgrade({"version": version})


def test_a_newer_version_names_the_remedy() -> None:
    with pytest.raises(SolutionError, match="pip install -U objectif"):
        upgrade({"version": VERSION + 1})
