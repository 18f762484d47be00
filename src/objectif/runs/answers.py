"""The winner's answers, as a run folder keeps them: what reports show and comparisons pair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from objectif.errors import RunError
from objectif.runs.folder import ANSWERS, RunFolder


@dataclass(frozen=True)
class Answers:
    """paths: n. truth: (n,) or (n, C). scores: (n, C) probabilities. kind: 'out-of-fold' or 'test'."""

    paths: tuple[str, ...]
    truth: NDArray[np.int64]
    scores: NDArray[np.float64]
    kind: str

    @property
    def multilabel(self) -> bool:
        """Whether an image may have several labels."""
        return self.truth.ndim == 2

    def __len__(self) -> int:
        return len(self.paths)


def read(folder: RunFolder) -> Answers:
    """answers.npz; RunError where it is not there, damaged, or its parts do not fit together."""
    found = folder.read_arrays(ANSWERS)
    place = folder.file(ANSWERS)
    absent = {"paths", "truth", "scores"} - found.keys()
    if absent:
        raise RunError(f"{place} lacks {', '.join(sorted(absent))}. Remedy: run `objectif solve` again.")
    scores = np.asarray(found["scores"], np.float64)
    truth = np.asarray(found["truth"], np.int64)
    paths = tuple(str(p) for p in found["paths"])
    fits = scores.ndim == 2 and len(paths) == len(truth) == len(scores)
    if not fits or (truth.ndim == 2 and truth.shape != scores.shape):
        raise RunError(
            f"{place}: {len(paths)} paths, truth of shape {truth.shape}, scores of shape {scores.shape}; "
            "expected as many of each. Remedy: run `objectif solve` again."
        )
    return Answers(paths, truth, scores, str(found.get("kind", "out-of-fold")))
