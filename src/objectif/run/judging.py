"""What may be done with an answer, by what its Solution promises: answer, or leave it to a person.

Where promises could not be proved, all answers are left to a person: whoever asked for a recall of .99 must not be served
with less. Where nothing is promised an answer is given as it is, with the set of classes that it may be, as far as the
calibration tells one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.answers import Answer, Judgement, Label
from objectif.errors import SolutionError
from objectif.promises import Rule
from objectif.promises.calibrated import members
from objectif.solution.file import Solution

NOTHING = "nothing is promised of it"


class Judge:
    """The judgements of one Solution. SolutionError where its promises were altered."""

    def __init__(self, solution: Solution) -> None:
        self.classes = solution.classes
        self.rule: Rule | None = None
        self.broken = ""
        if solution.promises is not None:
            self.rule = Rule.from_dict(solution.promises.get("rule"))
            if not solution.promises.get("kept"):
                self.broken = _unproved(solution)
        sets = (solution.calibration or {}).get("sets")
        self.threshold = float(sets["threshold"]) if sets else None

    def __call__(self, answer: Answer, rows: NDArray[Any]) -> Judgement | None:
        """Of an answer and the task's own (1, ...) for it; None where nothing can be said."""
        if self.broken:
            return Judgement("defer", self.broken)
        if self.rule is not None:
            return self.rule.judge(rows, self._chosen(answer), self.classes)[0]
        if self.threshold is None or not isinstance(answer, Label):
            return None
        among = tuple(self.classes[k] for k in members(answer.scores, self.threshold))
        return Judgement("answer", NOTHING, among if len(among) > 1 else ())

    def _chosen(self, answer: Answer) -> NDArray[np.bool_] | None:
        """(1, C) of which classes are answered; None where the task does not name classes."""
        if not isinstance(answer, Label):
            return None
        return np.array([[name in answer.labels for name in self.classes]], np.bool_)


def _unproved(solution: Solution) -> str:
    """Which promises could not be proved."""
    records = (solution.promises or {}).get("records")
    if not isinstance(records, list) or not all(isinstance(one, dict) for one in records):
        raise SolutionError("its promises have no list of records; the file was altered.")
    names = [str(one.get("promise")) for one in records if not one.get("kept")]
    return f"{' and '.join(names)} could not be proved, so a person decides"
