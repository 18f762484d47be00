"""What a report is made of, read once from a run folder. What is missing is None: there is a page anyway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.errors import ProblemError
from objectif.runs.answers import Answers
from objectif.runs.answers import read as read_answers
from objectif.runs.folder import ANSWERS, HEALTH, SPLITS, RunFolder
from objectif.runs.result import Result
from objectif.tasks import find
from objectif.tasks.exhibits import Exhibit


@dataclass(frozen=True)
class Material:
    """Everything that the page shows."""

    folder: RunFolder
    result: Result
    answers: Answers | None = None
    health: Any = None
    splits: Mapping[str, Any] | None = None
    solution: str | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the scores."""
        known = self.result.classes
        width = self.answers.scores.shape[1] if self.answers is not None and self.labelled else 0
        return (*known, *(f"class {k}" for k in range(len(known), width)))

    @property
    def labelled(self) -> bool:
        """Whether there are answers, and they are probabilities of classes beside true classes."""
        return self.answers is not None and len(self.answers) > 0 and self.answers.labelled

    @cached_property
    def exhibits(self) -> list[Exhibit]:
        """What the task of the answers wants shown; nothing without answers or for an unknown task."""
        found = self.answers
        if found is None or not len(found):
            return []
        try:
            task = find(found.task)
        except ProblemError:  # a run of a newer objectif
            return []
        seed = self.result.seeds[0] if self.result.seeds else 0
        return task.exhibits(
            found.paths, self.classes, found.truth, found.scores, found.decoding, seed, found.units
        )

    @cached_property
    def answered(self) -> NDArray[np.int64]:
        """(n,) the class answered where `labelled`, by least expected cost where the metric is a cost.

        (n, C) if multi-label.
        """
        assert self.answers is not None
        scores = self.answers.scores
        if self.answers.multilabel:
            return (scores >= 0.5).astype(np.int64)
        matrix = self.result.cost_matrix()
        if matrix is not None:
            return np.asarray((scores @ np.asarray(matrix, float)).argmin(1), np.int64)
        return np.asarray(scores.argmax(1), np.int64)


def load(folder: RunFolder) -> Material:
    """Read a finished run; RunError where it has no result or its answers do not fit together."""
    result = folder.result()
    solutions = sorted(folder.path.glob("*.objectif"))
    return Material(
        folder,
        result,
        read_answers(folder) if folder.has(ANSWERS) else None,
        folder.read_json(HEALTH) if folder.has(HEALTH) else None,
        folder.read_json(SPLITS) if folder.has(SPLITS) else None,
        solutions[0].name if solutions else None,
    )
