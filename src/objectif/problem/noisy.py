"""What can be asked of noisy pictures alone: an objective that is estimated, and losses that need no clean picture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from objectif.problem.values import Fault, fault

if TYPE_CHECKING:
    from objectif.problem.statement import Problem

METRIC = "SURE"
LOSSES = ("sure", "noise2void", "picture_l2")
"""The usual one first. The last compares with a target that has noise of its own, whose mean square is the same for all answers."""


def misfits(problem: Problem) -> Iterator[Fault]:
    """An objective or a loss that a clean picture would be needed for."""
    if problem.metric not in ("auto", METRIC):
        what = f"needs clean pictures, and --degrade 'given' says that there are none; expected {METRIC!r}"
        yield fault("metric", problem.metric, what)
    for name in problem.losses if problem.losses != "auto" else ():
        if name not in LOSSES:
            what = f"needs clean pictures; expected one of {', '.join(LOSSES)}"
            yield fault("losses", name, what)
