"""What contract tests are made of: a claim that must hold, and a step that reports whether its claims did."""

from __future__ import annotations

from collections.abc import Callable

from objectif.run.check import Check

Step = tuple[str, Callable[[], None], str]  # its name, what it does, what to say when it held


def step(name: str, work: Callable[[], None], detail: str) -> Check:
    """Do it; whatever it raises is what is to be reported."""
    try:
        work()
    except Exception as error:  # a plug-in may raise anything
        return Check(name, False, f"{type(error).__name__}: {error}".splitlines()[0])
    return Check(name, True, detail)


def must(holds: bool, message: str) -> None:
    """AssertionError(message) unless it holds."""
    if not holds:
        raise AssertionError(message)
