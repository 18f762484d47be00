"""A candidate: approach x model x loss x preparation, as data; and the context that all of them share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from objectif.data.dataset import Dataset
from objectif.data.splits import SplitPlan
from objectif.images.prepare import Preparation

PLAIN = "plain"
VIEWS = "views"


@dataclass(frozen=True, order=True)
class Candidate:
    """One entry of the race.

    preparation: 'plain' or a step of images.prepare.STEPS. side: pixels of the prepared image.
    views: whether a head on fixed features also learns from mirrored and turned copies.
    epochs: passes over the images, for networks that are fine-tuned.
    """

    approach: str
    model: str
    loss: str
    preparation: str = PLAIN
    side: int = 224
    views: bool = False
    epochs: int = 0

    @property
    def id(self) -> str:
        """Readable and unique: 'lite2_levels@256/white_balance/views/focal'."""
        parts = [f"{self.model}@{self.side}"]
        if self.preparation != PLAIN:
            parts.append(self.preparation)
        if self.views:
            parts.append(VIEWS)
        if self.epochs:
            parts.append(f"{self.epochs}ep")
        return "/".join([*parts, self.loss])

    @property
    def treatment(self) -> str:
        """What is done to the images, for the leaderboard's preparation column."""
        return " + ".join([self.preparation, *([VIEWS] if self.views else [])])


@dataclass(frozen=True)
class Context:
    """What every trial needs to know; written once into the run's work folder and read by each child.

    units (N,): the group or cluster of each image, never cut by an inner split. channels: of prepared images.
    floating: 16-bit images, prepared as float32. work: folder for features, images and graphs of the race.
    """

    dataset: Dataset
    plan: SplitPlan
    units: NDArray[np.int64]
    work: Path
    channels: int = 3
    floating: bool = False

    def preparation(self, side: int, step: str = PLAIN) -> Preparation:
        """The one preparation of a candidate with this side and step."""
        steps = () if step == PLAIN else (step,)
        return Preparation(height=side, width=side, channels=self.channels, steps=steps)

    def truth(self) -> NDArray[np.int64]:
        """(N,) or (N,C), as Dataset.truth."""
        return self.dataset.truth()

    def weight(self) -> NDArray[np.float32]:
        """(N,) importance of each image in training."""
        return np.array([s.weight for s in self.dataset.samples], np.float32)
