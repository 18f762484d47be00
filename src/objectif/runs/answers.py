"""The winner's answers, as a run folder keeps them: what reports show and comparisons pair."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.errors import RunError
from objectif.runs.folder import ANSWERS, RunFolder

_AGAIN = "Remedy: run `objectif solve` again."


@dataclass(frozen=True)
class Answers:
    """What was answered to n images: the first axis is the image, the others are the task's business.

    paths: n. truth: (n, ...) integers or float64. scores: (n, ...) float64, or masks of integers. kind: 'out-of-fold' or 'test'.
    task: its name. decoding: its table in the Solution, None where it was not kept. units: (n,) the group of each image,
    None where images stand for themselves.
    """

    paths: tuple[str, ...]
    truth: NDArray[Any]
    scores: NDArray[Any]
    kind: str
    task: str = "classify"
    decoding: Mapping[str, Any] | None = None
    units: NDArray[np.int64] | None = None

    @property
    def labelled(self) -> bool:
        """Whether truth names classes and scores (n, C) are their probabilities.

        Such truth is integers (n,), or (n, C) of 0 and 1.
        """
        whole = np.issubdtype(self.truth.dtype, np.integer) and self.scores.ndim == 2
        return bool(whole and (self.truth.ndim == 1 or self.truth.shape == self.scores.shape))

    @property
    def multilabel(self) -> bool:
        """Whether truth names classes and an image may have several."""
        return self.labelled and self.truth.ndim == 2

    def __len__(self) -> int:
        return len(self.paths)


def read(folder: RunFolder) -> Answers:
    """answers.npz; RunError where it is not there, damaged, or its parts do not fit together."""
    found = folder.read_arrays(ANSWERS)
    place = folder.file(ANSWERS)
    absent = {"paths", "truth", "scores"} - found.keys()
    if absent:
        raise RunError(f"{place} lacks {', '.join(sorted(absent))}. {_AGAIN}")
    try:
        scores, truth = _numbers(found["scores"], np.float64), _numbers(found["truth"], np.int64)
        real = np.issubdtype(truth.dtype, np.floating)
    except ValueError as error:
        raise RunError(f"{place}: truth and scores have to be numbers ({error}). {_AGAIN}") from error
    paths = tuple(str(p) for p in np.atleast_1d(found["paths"]))
    kind, task = (str(found.get(k, usual)) for k, usual in (("kind", "out-of-fold"), ("task", "classify")))
    units = found.get("units")
    if units is not None and len(units) != len(paths):
        raise RunError(f"{place}: {len(units)} units for {len(paths)} paths. {_AGAIN}")
    answers = Answers(paths, truth, scores, kind, task, _table(found.get("decoding"), folder), units)
    as_many = truth.ndim > 0 and scores.ndim > 1 and len(paths) == len(truth) == len(scores)
    flat = truth.ndim <= 2 and not real  # class numbers; then there is a score for each class
    if not as_many or (flat and not answers.labelled):
        raise RunError(
            f"{place}: {len(paths)} paths, truth of shape {truth.shape}, scores of shape {scores.shape}; "
            f"expected as many of each. {_AGAIN}"
        )
    return answers


def _numbers(array: NDArray[Any], whole: type[np.generic]) -> NDArray[Any]:
    """Fractions as float64, flat arrays of whole numbers as `whole`, masks (n, H, W) and pictures as they are."""
    if array.ndim > 2 and np.issubdtype(array.dtype, np.unsignedinteger):
        return array
    if array.ndim > 3 and np.issubdtype(array.dtype, np.floating):  # pictures: twice the memory tells no more
        return array
    return np.asarray(array, np.float64 if np.issubdtype(array.dtype, np.floating) else whole)


def _table(stored: NDArray[Any] | None, folder: RunFolder) -> Mapping[str, Any] | None:
    """The decoding from its JSON; None where there is none."""
    if stored is None or not str(stored):
        return None
    try:
        table = json.loads(str(stored))
    except ValueError as error:
        raise RunError(f"{folder.file(ANSWERS)}: the decoding is not JSON ({error}). {_AGAIN}") from error
    if table is not None and not isinstance(table, Mapping):
        raise RunError(f"{folder.file(ANSWERS)}: the decoding is {table!r}; expected a table. {_AGAIN}")
    return table
