"""What a task is: what truth, answers, decoding and success mean; all that the rest of the house asks instead of its name.

Truth and answers are arrays whose first axis is the image; what the other axes mean is the task's business. So the race,
its statistics, the Solution, the predictor and the report are written once. The alternative, a class hierarchy of
trainers, predictors and reports for each task, is the same code many times over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from objectif.images.prepare import Fit, Placement, Preparation
from objectif.images.tiles import Tile

if TYPE_CHECKING:
    from objectif.answers import Answer
    from objectif.data.dataset import Dataset
    from objectif.metrics.base import Metric
    from objectif.tasks.exhibits import Exhibit

Arrays = NDArray[Any]
Outputs = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Traits:
    """What a race has to respect in a task beside its truth and answers.

    square: prepared images are square though pictures keep their aspect ratio (networks of faces take one size).
    private: its Solutions hold neither names nor pictures of what was learned from.
    tells_views: whether held-out images can tell which mirrored views keep the truth; where gallery and probes would both be
    mirrored they match as before. one_precision: why there is no int8 network, '' where there may be one.
    """

    square: bool = False
    private: bool = False
    tells_views: bool = True
    one_precision: str = ""


class Decoding(Protocol):
    """How a network's outputs become answers: numbers, chosen after training and kept in the Solution."""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; Task.decoding() is the inverse."""
        ...


class Task(Protocol):
    """One kind of question asked of an image (tasks.find(name))."""

    @property
    def name(self) -> str:
        """'classify', 'detect', ..."""
        ...

    @property
    def outputs(self) -> tuple[str, ...]:
        """Outputs of its networks that decode() needs."""
        ...

    @property
    def fit(self) -> Fit:
        """How pictures are fitted into the network: see Preparation."""
        ...

    @property
    def tiled(self) -> bool:
        """Whether a large image may be answered tile by tile."""
        ...

    @property
    def whole(self) -> bool:
        """Whether its networks are trained as a whole, which makes every fold dear."""
        ...

    @property
    def traits(self) -> Traits:
        """What a race has to respect."""
        ...

    def usual_metric(self, multilabel: bool) -> str:
        """The objective where nobody names one."""
        ...

    def losses(self, multilabel: bool) -> tuple[str, ...]:
        """Kinds of losses that its networks train under."""
        ...

    def forth(self, truth: Arrays, placements: Sequence[Placement], size: tuple[int, int]) -> Arrays:
        """Truth (n, ...) of pictures, in pixels of their prepared images of `size` (height, width)."""
        ...

    def turned(self, truth: Arrays, view: str, height: int, width: int) -> Arrays:
        """Truth of images of height x width seen as 'mirror' (left-right), 'flip' (up-down) or 'turn' (90 degrees)."""
        ...

    def metrics(self, multilabel: bool) -> tuple[str, ...]:
        """Metrics that `evaluate` always tells."""
        ...

    def truth(self, dataset: Dataset, classes: Sequence[str] | None = None) -> Arrays:
        """(N, ...) what is right for each image; classes: names in whose order classes are numbered (the Dataset's).

        Raises DataError where a label is not among them, or the Dataset does not hold what the task asks.
        """
        ...

    def empty(self, n: int, classes: int) -> Arrays:
        """(n, ...) answers that say nothing."""
        ...

    def decoding(self, values: Mapping[str, Any] | None = None) -> Any:
        """A Decoding from to_dict()'s table; the neutral one without. SolutionError on unknown keys or wrong values."""
        ...

    def check(self, decoding: Any, classes: int, multilabel: bool) -> None:
        """SolutionError where classes are too few or the decoding does not fit them."""
        ...

    def decode(
        self, outputs: Outputs, decoding: Any, multilabel: bool, placements: Sequence[Placement]
    ) -> Arrays:
        """Outputs name -> (n, ...) of n prepared images, and where each picture lay, to answers (n, ...)."""
        ...

    def tile_place(self, tile: Tile, height: int, width: int, preparation: Preparation) -> Placement:
        """Where in a tile's prepared image lies what its answers are in pixels of; for tasks that are tiled."""
        ...

    def tile_decode(
        self, outputs: Outputs, decoding: Any, multilabel: bool, placements: Sequence[Placement]
    ) -> Arrays:
        """As decode(), for tiles: answers (n, ...) that stitch() can put together."""
        ...

    def stitch(self, parts: Iterable[tuple[Tile, Arrays]], height: int, width: int, decoding: Any) -> Arrays:
        """Answers (1, ...) of tile_decode() for each tile of an image of height x width as one (1, ...)."""
        ...

    def stacked(self, parts: Sequence[Arrays], truth: Arrays) -> Arrays:
        """Answers (n, ...) of several batches as one array, of a shape that goes with truth (N, ...)."""
        ...

    def fit_decoding(
        self,
        outputs: Outputs,
        truth: Arrays,
        multilabel: bool,
        placements: Sequence[Placement],
        metric: Metric,
    ) -> Any:
        """The Decoding that does best on images that took no part in training."""
        ...

    def operate(self, decoding: Any, truth: Arrays, answers: Arrays, multilabel: bool) -> Any:
        """The decoding with the thresholds at which something is answered, from out-of-fold answers."""
        ...

    def told(self, metric: str, answers: Arrays, decoding: Any, multilabel: bool) -> Arrays:
        """What a metric is to see: answers as they are, or what is chosen from them."""
        ...

    def answers(
        self,
        paths: Sequence[str],
        classes: tuple[str, ...],
        decoded: Arrays,
        decoding: Any,
        multilabel: bool,
        placements: Sequence[Placement],
    ) -> Sequence[Answer]:
        """One answer for people for each row, in order."""
        ...

    def exhibits(
        self,
        paths: Sequence[str],
        classes: tuple[str, ...],
        truth: Arrays,
        answers: Arrays,
        decoding: Mapping[str, Any] | None = None,
        seed: int = 0,
        groups: NDArray[np.int64] | None = None,
    ) -> list[Exhibit]:
        """What a report should show beside the leaderboard, as data; [] where the report's own sections serve.

        groups (N,): the unit of resampling of each image, None for single images.
        """
        ...
