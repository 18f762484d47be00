"""Tasks by name; importing one costs numpy alone."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from objectif.errors import ProblemError
from objectif.tasks.base import Task

NAMES = ("classify", "detect", "segment", "regress", "restore", "identify", "anomaly")


@cache
def find(name: str) -> Task:
    """The task called `name`; ProblemError says which there are."""
    if name not in NAMES:
        raise ProblemError(f"no task called {name!r}; expected one of {', '.join(NAMES)}.")
    found: Task = import_module(f"objectif.tasks.{name}").TASK
    return found
