"""Regression: how much, how many, which stage, how long until; a number or an ordered stage, with an interval.

Truth (N, 2+K): the number, or the stage's index; the number of the subject; what is known beside the picture. That the
last travels with truth lets a network learn from it by the same loop as all others. Answers (N, 3): lower, answered,
upper; for stages (N, 3+S): their probabilities too. A network gives `quantity`: for a number (N, 3), its bounds already
conformal where it was solved; for stages (N, 1+S), the probability that a range must hold, and that of each stage.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from objectif.answers import Quantity
from objectif.errors import DataError, SolutionError
from objectif.images.prepare import Fit, Placement
from objectif.tasks.base import Traits
from objectif.tasks.conformal import COVERAGE, needed, reach, within
from objectif.tasks.undivided import Undivided

if TYPE_CHECKING:
    from objectif.data.dataset import Dataset
    from objectif.metrics.base import Metric
    from objectif.tasks.base import Outputs
    from objectif.tasks.exhibits import Exhibit

QUANTITY = "quantity"
BOUNDS = 3
"""Columns of an answer before the probabilities of stages."""
COSTS = ("absolute", "squared", "zero_one")
_COST_OF = {"stage_kappa": "squared", "rmse": "squared", "r2": "squared"}
VOUCHING = 9
"""Subjects from which a promise of 90 % for a new one can be kept; fewer leave the network's own intervals as they are."""


@dataclass(frozen=True)
class Decoding:
    """How a network's numbers become answers.

    cost: of answering stage i where j is true: |i - j|, its square, or 1; the stage of least expected cost is answered.
    widen: added to both ends of a number's interval. mass: probability that a range of stages must hold, instead of the
    network's own. coverage: what the intervals are meant to hold.
    """

    cost: str = "absolute"
    widen: float = 0.0
    mass: float | None = None
    coverage: float = COVERAGE

    def __post_init__(self) -> None:
        if self.cost not in COSTS:
            raise SolutionError(f"cost is {self.cost!r}; expected one of {', '.join(COSTS)}.")
        if not math.isfinite(self.widen):
            raise SolutionError(f"widen is {self.widen}; expected a finite number.")
        if self.mass is not None and not 0 < self.mass <= 1.001:
            raise SolutionError(f"mass is {self.mass}; expected a probability above 0.")
        if not 0 < self.coverage < 1:
            raise SolutionError(f"coverage is {self.coverage}; expected a number between 0 and 1.")

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"cost": self.cost, "widen": self.widen, "mass": self.mass, "coverage": self.coverage}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Decoding:
        """The inverse of to_dict; SolutionError on unknown keys or wrong types."""
        unknown = set(values) - {"cost", "widen", "mass", "coverage"}
        if unknown:
            raise SolutionError(
                f"decoding has unknown keys {sorted(unknown)}; this objectif may be too old for the file."
            )
        try:
            mass = values.get("mass")
            return cls(
                str(values.get("cost", "absolute")),
                float(values.get("widen", 0.0)),
                None if mass is None else float(mass),
                float(values.get("coverage", COVERAGE)),
            )
        except (TypeError, ValueError) as error:
            raise SolutionError(
                f"decoding {dict(values)} has a value that is not a number ({error})."
            ) from error


def staged(outputs: NDArray[Any]) -> bool:
    """Whether a network's `quantity` tells stages: more columns than a number has."""
    return bool(outputs.shape[1] > BOUNDS)


def chosen(probabilities: NDArray[Any], cost: str) -> NDArray[np.int64]:
    """(N,) the stage of least expected cost of (N, S) probabilities."""
    stages = np.arange(probabilities.shape[1])
    apart = np.abs(stages[:, None] - stages[None, :]).astype(np.float64)
    table = {"absolute": apart, "squared": apart**2, "zero_one": (apart > 0).astype(np.float64)}[cost]
    return np.asarray(np.argmin(probabilities.astype(np.float64) @ table, axis=1), np.int64)


def decode(quantity: NDArray[Any], decoding: Decoding) -> NDArray[np.float32]:
    """`quantity` of a network to answers (N, 3) or (N, 3+S)."""
    if not staged(quantity):
        low, middle, high = quantity.astype(np.float64).T
        low, high = low - decoding.widen, high + decoding.widen
        return np.stack([np.minimum(low, middle), middle, np.maximum(high, middle)], 1).astype(np.float32)
    probabilities = quantity[:, 1:]
    middle = chosen(probabilities, decoding.cost)
    most = quantity[:, 0] if decoding.mass is None else decoding.mass
    low, high = within(probabilities, middle, most)
    return np.column_stack([low, middle, high, probabilities]).astype(np.float32)


def beyond(truth: NDArray[Any], answers: NDArray[Any]) -> NDArray[np.float64]:
    """(N,) how far a number lies outside its interval, below 0 inside: the conformal score of numbers."""
    y = truth[:, 0].astype(np.float64)
    return np.asarray(np.maximum(answers[:, 0] - y, y - answers[:, 2]), np.float64)


class Regress(Undivided):
    """The task 'regress': truth (N, 2+K), answers (N, 3) or (N, 3+S); see the top of the file."""

    name = "regress"
    outputs = (QUANTITY,)
    fit: Fit = "stretch"
    whole = True
    traits = Traits()

    def usual_metric(self, multilabel: bool) -> str:
        """The mean absolute error: in the unit of the number, or in stages."""
        return "mae"

    def losses(self, multilabel: bool) -> tuple[str, ...]:
        """Of numbers, and of stages in order."""
        return ("number", "stage")

    def forth(
        self, truth: NDArray[Any], placements: Sequence[Placement], size: tuple[int, int]
    ) -> NDArray[Any]:
        """The same: a number has no place."""
        return truth

    def turned(self, truth: NDArray[Any], view: str, height: int, width: int) -> NDArray[Any]:
        """The same: a number belongs to the image as a whole."""
        return truth

    def metrics(self, multilabel: bool) -> tuple[str, ...]:
        """Metrics that are always told."""
        return ("mae", "rmse", "r2", "within_1", "stage_kappa", "coverage", "width")

    def truth(self, dataset: Dataset, classes: Sequence[str] | None = None) -> NDArray[np.float64]:
        """(N, 2+K). DataError where an image has no number, or the stages or the quantity are others than `classes`."""
        missing = [s.path for s in dataset.samples if s.value is None]
        if missing:
            raise DataError(
                f"{dataset.root}: {len(missing)} images have no number or stage, such as {missing[0]!r}; expected a "
                "CSV with path and value, stage or event."
            )
        values = np.array([s.value for s in dataset.samples], np.float64)
        names = dataset.classes if classes is None else tuple(classes)
        if names != dataset.classes:
            values = _renamed(values, dataset.classes, names)
        groups = dataset.groups()
        subjects = np.arange(len(values)) if groups is None else groups
        known = np.array([s.known for s in dataset.samples], np.float64).reshape(len(values), -1)
        return np.column_stack([values, subjects, known])

    def empty(self, n: int, classes: int) -> NDArray[np.float32]:
        """(n, 3) of zeros, or (n, 3+S)."""
        return np.zeros((n, BOUNDS + (classes if classes > 1 else 0)), np.float32)

    def decoding(self, values: Mapping[str, Any] | None = None) -> Decoding:
        """A Decoding; neutral without values."""
        return Decoding() if values is None else Decoding.from_dict(values)

    def check(self, decoding: Decoding, classes: int, multilabel: bool) -> None:
        """SolutionError for two stages, which no network of this task answers, or several labels."""
        if classes == 2 or multilabel:
            what = "several labels an image" if multilabel else "two stages"
            raise SolutionError(f"there are {what}; expected one quantity, or three or more ordered stages.")

    def decode(
        self, outputs: Outputs, decoding: Decoding, multilabel: bool, placements: Sequence[Placement]
    ) -> NDArray[np.float32]:
        """'quantity' to answers."""
        return decode(outputs[QUANTITY], decoding)

    def stacked(self, parts: Sequence[NDArray[Any]], truth: NDArray[Any]) -> NDArray[Any]:
        """All answers, one after the other."""
        return np.concatenate(list(parts))

    def fit_decoding(
        self,
        outputs: Outputs,
        truth: NDArray[Any],
        multilabel: bool,
        placements: Sequence[Placement],
        metric: Metric,
    ) -> Decoding:
        """The cost that goes with the metric, and conformal intervals where there are subjects enough to vouch for them."""
        plain = Decoding(cost=_COST_OF.get(metric.name, "absolute"))
        quantity = outputs[QUANTITY]
        if len(np.unique(truth[:, 1])) < VOUCHING:
            return plain
        if staged(quantity):
            middle = chosen(quantity[:, 1:], plain.cost)
            score = needed(quantity[:, 1:], middle, truth[:, 0].astype(np.int64))
            return replace(plain, mass=min(1.0, reach(score, truth[:, 1])))
        return replace(plain, widen=reach(beyond(truth, decode(quantity, plain)), truth[:, 1]))

    def operate(
        self, decoding: Decoding, truth: NDArray[Any], answers: NDArray[Any], multilabel: bool
    ) -> Decoding:
        """Wider where out-of-fold intervals held less than they are meant to for a new subject; never narrower."""
        subjects = truth[:, 1]
        if answers.shape[1] > BOUNDS:
            y = truth[:, 0].astype(np.int64)
            held = ((answers[:, 0] <= y) & (y <= answers[:, 2])).mean()
            if held >= decoding.coverage:
                return decoding
            score = needed(answers[:, BOUNDS:], answers[:, 1].astype(np.int64), y)
            return replace(decoding, mass=min(1.0, reach(score, subjects)))
        short = reach(beyond(truth, answers), subjects)
        return replace(decoding, widen=decoding.widen + max(0.0, short))

    def told(
        self, metric: str, answers: NDArray[Any], decoding: Decoding, multilabel: bool
    ) -> NDArray[np.float64]:
        """The answers as they are."""
        return np.asarray(answers, np.float64)

    def answers(
        self,
        paths: Sequence[str],
        classes: tuple[str, ...],
        decoded: NDArray[Any],
        decoding: Decoding,
        multilabel: bool,
        placements: Sequence[Placement] = (),
    ) -> list[Quantity]:
        """One Quantity for each row."""
        return [
            Quantity(
                path,
                classes,
                float(row[1]),
                float(row[0]),
                float(row[2]),
                decoding.coverage,
                np.asarray(row[BOUNDS:], np.float32) if len(row) > BOUNDS else None,
            )
            for path, row in zip(paths, decoded, strict=True)
        ]

    def exhibits(
        self,
        paths: Sequence[str],
        classes: tuple[str, ...],
        truth: NDArray[Any],
        answers: NDArray[Any],
        decoding: Mapping[str, Any] | None = None,
        seed: int = 0,
        groups: NDArray[np.int64] | None = None,
    ) -> list[Exhibit]:
        """Answers against the truth, residuals, what intervals hold, subject by subject; regress_exhibits has them."""
        from objectif.tasks.regress_exhibits import exhibits

        return exhibits(paths, classes, truth, answers, self.decoding(decoding), groups)


def _renamed(values: NDArray[np.float64], own: Sequence[str], names: Sequence[str]) -> NDArray[np.float64]:
    """Stages by the numbers of another list of names; a number keeps its value under any name."""
    if len(own) == len(names) == 1:
        return values
    if len(own) == 1 or len(names) == 1:
        what = ("a number", "stages") if len(names) == 1 else ("stages", "a number")
        raise DataError(f"the Solution answers with {what[0]}, the data tell {what[1]}; expected the same.")
    used = [own[int(v)] for v in np.unique(values)]
    unknown = [name for name in used if name not in names]
    if unknown:
        raise DataError(
            f"the stage {unknown[0]!r} is not one that the Solution knows: {' < '.join(names)}. Rename it in the data."
        )
    place = np.array([names.index(name) if name in names else -1 for name in own], np.float64)
    return np.asarray(place[values.astype(np.int64)])


TASK = Regress()
