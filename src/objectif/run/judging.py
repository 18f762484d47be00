"""What may be done with an answer, by what its Solution promises: answer, or leave it to a person.

Where promises could not be proved, all answers are left to a person: whoever asked for a recall of .99 must not be served
with less. Where nothing is promised an answer is given as it is, with the set of classes that it may be, as far as the
calibration tells one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.answers import Answer, Judgement, Label
from objectif.errors import SolutionError
from objectif.promises import Outcome, Rule
from objectif.promises.calibrated import members
from objectif.solution.file import Precision, Solution

NOTHING = "nothing is promised of it"


class Judge:
    """The judgements of one Solution. SolutionError where its promises were altered."""

    def __init__(self, solution: Solution, precision: Precision) -> None:
        self.classes = solution.classes
        self.rule: Rule | None = None
        self.broken = ""
        made = outcome(solution, precision)
        if made is not None:
            self.rule = made.rule
            if not made.kept:
                self.broken = _unproved(made)
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


def outcome(solution: Solution, precision: Precision) -> Outcome | None:
    """What is promised of the answers of one precision; None where nothing is. SolutionError where it was altered."""
    if solution.promises is None:
        return None
    made: Any = solution.promises
    if precision != "fp32":
        made = solution.promises.get(precision)
        if not isinstance(made, Mapping):
            raise SolutionError(f"nothing is proved of the {precision} network; the file was altered.")
    return Outcome.from_dict({key: made.get(key) for key in ("kept", "rule", "records")})


def _unproved(made: Outcome) -> str:
    """Which promises could not be proved."""
    names = [record.promise for record in made.records if not record.kept]
    return f"{' and '.join(names)} could not be proved, so a person decides"
