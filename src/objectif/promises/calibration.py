"""Images with known truth that took no part in training or choosing: what promises are proved on.

An image that is there twice proves nothing twice: of exact copies one is kept. The unit is the group where there are
groups (a patient, a plant): its images are alike, so that a hundred images of ten patients know little more than ten.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Reals = NDArray[np.float64]
FEWEST_GROUPS = 10


@dataclass(frozen=True, eq=False)
class Calibration:
    """N images with truth and answers, as their task has them.

    chosen: (N, C) of which classes are answered, from the decoding, where the task is classify; else None.
    groups: (N,) what is resampled, None for single images. copies: (N,) the same number for exact copies of a picture, or
    None. costs: costs[truth][answer], for promises of risk; None counts mistakes.
    """

    task: str
    classes: tuple[str, ...]
    multilabel: bool
    truth: NDArray[Any]
    answers: NDArray[Any]
    chosen: Bools | None = None
    groups: NDArray[np.int64] | None = None
    copies: NDArray[np.int64] | None = None
    costs: tuple[tuple[float, ...], ...] | None = None

    def __len__(self) -> int:
        return len(self.truth)

    def take(self, rows: NDArray[np.int64]) -> Calibration:
        """Those images alone."""

        def some(values: NDArray[Any] | None) -> Any:
            return None if values is None else values[rows]

        return replace(
            self,
            truth=self.truth[rows],
            answers=self.answers[rows],
            chosen=some(self.chosen),
            groups=some(self.groups),
            copies=some(self.copies),
        )

    def once(self) -> Calibration:
        """Without copies: of each set of them one; where their labels differ, the one of the smallest."""
        if self.copies is None:
            return self
        truth = self.truth.reshape(len(self), -1)[:, :8]
        groups = np.zeros(len(self)) if self.groups is None else self.groups
        order = np.lexsort((groups, *truth.T[::-1], self.copies))
        _, first = np.unique(self.copies[order], return_index=True)
        return replace(self.take(np.sort(order[first])), copies=None)

    def units(self, unit: str) -> NDArray[np.int64] | None:
        """(N,) group numbers 0..G-1 where groups are the unit and some hold several images, else None."""
        if unit == "image" or self.groups is None:
            return None
        names, code = np.unique(self.groups, return_inverse=True)
        return None if len(names) == len(self) else np.asarray(code, np.int64)


def unit_means(values: Reals, mask: Bools, code: NDArray[np.int64] | None) -> Reals:
    """(U,) the mean of values (N,) over the images of `mask`, for each unit that has one; each unit counts the same."""
    if code is None:
        return np.asarray(values[mask], np.float64)
    own = code[mask]
    counts = np.bincount(own)
    sums = np.bincount(own, values[mask])
    some = counts > 0
    return np.asarray(sums[some] / counts[some], np.float64)


def count_units(mask: Bools, code: NDArray[np.int64] | None) -> int:
    """How many units have an image of `mask` (N,)."""
    return int(mask.sum()) if code is None else len(np.unique(code[mask]))
