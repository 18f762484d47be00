"""What names of answers are called, for every task."""

from __future__ import annotations

import pytest

from objectif.tasks import NAMES
from objectif.tasks.kinds import kinds


@pytest.mark.parametrize("task", NAMES)
def test_every_task_names_what_it_tells_apart_or_nothing(task: str) -> None:
    found = kinds(task, 3)
    assert (found is None) == (task == "restore")
    assert found is None or found[0] != found[1]


def test_a_number_is_no_class_and_stages_are_stages() -> None:
    assert kinds("regress", 1) is None
    assert kinds("regress", 4) == ("stage", "stages")
    assert kinds("restore", 1) is None
    assert kinds("detect", 1) == ("class", "classes")
