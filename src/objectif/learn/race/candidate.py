"""A candidate: approach x model x loss x preparation, as data; and the context that all of them share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.data.dataset import Dataset
from objectif.data.splits import SplitPlan
from objectif.images.prepare import Preparation
from objectif.metrics.base import Metric
from objectif.promises.objective import objective
from objectif.tasks import find
from objectif.tasks.anomaly import FALSE_ALARMS, Anomaly
from objectif.tasks.base import Task

PLAIN = "plain"
AGAIN = 0.5
"""Passes of the delivered network, as a share of a fold's, where it goes on from the network of the first fold."""
STEP = 32  # sides of prepared images that are not square are multiples of it, as trunks want
VIEWS = "views"
PART = 2
"""Side of the parts that kept pictures are cut into, in sides of a view: most views of a part differ, and few pixels are
twice in memory."""


@dataclass(frozen=True, order=True)
class Candidate:
    """One entry of the race.

    loss: a name, or several that are one objective: 'quality_focal+giou'.
    preparation: 'plain' or a step of images.prepare.STEPS. side: pixels of the prepared image's longer side.
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
    objective: what promises.objective.objective() makes the metric from. shape: (height, width) of the usual picture, its
    medians in pixels. false_alarms: see tasks.anomaly.
    """

    dataset: Dataset
    plan: SplitPlan
    units: NDArray[np.int64]
    work: Path
    channels: int = 3
    floating: bool = False
    name: str = "classify"
    objective: str | Mapping[str, Any] = field(default="accuracy")
    shape: tuple[int, int] = (1, 1)
    false_alarms: float = FALSE_ALARMS

    @property
    def task(self) -> Task:
        """What truth and answers mean."""
        return Anomaly(self.false_alarms) if self.name == Anomaly.name else find(self.name)

    @property
    def metric(self) -> Metric:
        """What decides."""
        return objective(self.objective, self.dataset.classes, multilabel=self.dataset.multilabel)

    def size(self, side: int) -> tuple[int, int]:
        """(height, width) of the prepared image: square, or the shape of the usual picture in steps of 32 pixels."""
        if self.task.fit in ("stretch", "keep") or self.task.traits.square:
            return side, side
        height, width = self.shape
        short = min(side, max(STEP, round(side * min(height, width) / max(height, width) / STEP) * STEP))
        return (short, side) if height < width else (side, short)

    def preparation(self, side: int, step: str = PLAIN) -> Preparation:
        """The one preparation of a candidate with this side and step."""
        steps = () if step == PLAIN else (step,)
        height, width = self.size(side)
        how = self.dataset.degradation if self.task.fit == "keep" else None
        grow = 1 if how is None else how.shrink
        return Preparation(height, width, self.channels, self.task.fit, steps, grow)

    def run_size(self, side: int) -> tuple[int, int]:
        """(height, width) of what the network is given in use: size(), or the usual picture where pictures are kept."""
        return self.shape if self.task.fit == "keep" else self.size(side)

    def parts(self, side: int) -> int:
        """Parts of which each is a training image, that the usual picture is cut into (patches.py); 1 where none is cut."""
        if self.task.fit != "keep":
            return 1
        down, across = (-(-length // (PART * side)) for length in self.shape)
        return down * across

    def truth(self) -> NDArray[Any]:
        """(N, ...) as the task tells it."""
        return self._truth

    @cached_property
    def _truth(self) -> NDArray[Any]:
        return self.task.truth(self.dataset)

    def weight(self) -> NDArray[np.float32]:
        """(N,) importance of each image in training."""
        return np.array([s.weight for s in self.dataset.samples], np.float32)
