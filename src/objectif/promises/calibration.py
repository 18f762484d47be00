"""Images with known truth that took no part in training or choosing: what promises are proved on.

An image that is there twice proves nothing twice: of exact copies one is kept. The unit is the group where there are
groups (a patient, a plant): its images are alike, so that a hundred images of ten patients know little more than ten.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.promises.bounds import Losses

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

    @cached_property
    def lots(self) -> Reals:
        """(N,) a number in [0, 1) for each image, made from its content: the order of images changes nothing.

        Of equal contents each has another number, in the order of groups.
        """
        found = _scattered(np.zeros(len(self), np.uint64), self.truth, self.answers)
        order = np.lexsort((np.zeros(len(self)) if self.groups is None else self.groups, found))
        first = np.append(True, found[order][1:] != found[order][:-1])
        place = np.arange(len(self)) - np.maximum.accumulate(np.where(first, np.arange(len(self)), 0))
        nth = np.zeros(len(self), np.uint64)
        nth[order] = place.astype(np.uint64)
        return np.asarray((_scattered(found, nth) >> np.uint64(11)) * 2.0**-53, np.float64)

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

    def units(self, unit: str) -> Units:
        """What is independent: groups where these are the unit and some hold several images, else images."""
        code = None
        if unit != "image" and self.groups is not None:
            names, code = np.unique(self.groups, return_inverse=True)
            code = None if len(names) == len(self) else np.asarray(code, np.int64)
        return Units(len(self), lambda: self.lots, code)


class Units:
    """Independent units of M things in N images (`size`).

    code (M,): the group of each, 0..G-1, or None where each image is one. of_images: gives the lots (N,) of the images.
    within (M,): the image that a thing is in, where things are not images.
    """

    def __init__(
        self,
        size: int,
        of_images: Callable[[], Reals],
        code: NDArray[np.int64] | None,
        within: NDArray[np.int64] | None = None,
    ) -> None:
        self.size, self.of_images, self.code, self.within = size, of_images, code, within

    def things(self, image: NDArray[np.int64]) -> Units:
        """The same units for things (M,) that lie in these images, of which an image may hold several."""
        code = image if self.code is None else self.code[image]
        return Units(self.size, self.of_images, np.asarray(code, np.int64), image)

    @cached_property
    def lots(self) -> Reals:
        """(U,) the lot of each unit."""
        own = self.of_images()
        if self.code is None:
            return own
        weight = own if self.within is None else own[self.within]
        return np.asarray(np.bincount(self.code, weight) % 1.0, np.float64)

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """(U,) the units by their lots."""
        return np.argsort(self.lots, kind="stable")

    def ordered(self, values: Reals) -> Reals:
        """(U,) means of values (M,) for each unit, in the order of their lots."""
        if self.code is None:
            return np.asarray(values[self.order], np.float64)
        betted = self.betted(values, np.ones(len(values), np.bool_)).betted
        return np.zeros(0) if betted is None else betted

    def count(self, mask: Bools) -> int:
        """How many units have an image of `mask` (N,)."""
        return int(mask.sum()) if self.code is None else len(np.unique(self.code[mask]))

    def betted(self, values: Reals, mask: Bools) -> Losses:
        """As losses(), with bets on the means in the order of the lots."""
        plain = self.losses(values, mask)
        own = self.lots[mask] if self.code is None else self.lots[np.unique(self.code[mask])]
        return plain._replace(betted=plain.means[np.argsort(own, kind="stable")])

    def losses(self, values: Reals, mask: Bools) -> Losses:
        """Of values (M,) in [0, 1], over the units with a thing of `mask` (M,): the mean of these things for each."""
        if self.code is None:
            means = np.asarray(values[mask], np.float64)
            plain = bool(((means == 0.0) | (means == 1.0)).all())
            return Losses(means, means == 1.0 if plain else self.lots[mask] < means)
        own = self.code[mask]
        counts, sums = np.bincount(own), np.bincount(own, values[mask])
        some = np.flatnonzero(counts)
        means = np.asarray(sums[some] / counts[some], np.float64)
        return Losses(means, self.lots[some] < means)


def _scattered(found: NDArray[np.uint64], *arrays: NDArray[Any]) -> NDArray[np.uint64]:
    """(N,) numbers scattered as by chance (SplitMix64) by those given and the bytes of the rows of arrays (N, ...)."""
    for array in arrays:
        rows = np.ascontiguousarray(array).reshape(len(array), -1).view(np.uint8)
        words = np.pad(rows, ((0, 0), (0, -rows.shape[1] % 8))).view("<u8")
        for column in words.T:
            found = (found ^ column) + np.uint64(0x9E3779B97F4A7C15)
            found = (found ^ (found >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            found = (found ^ (found >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            found = found ^ (found >> np.uint64(31))
    return found
