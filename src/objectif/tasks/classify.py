"""Classification: from a network's raw scores to calibrated probabilities, and from those to an answer.

Decoding belongs to the Solution, not to the network: a temperature, thresholds or costs can then be set after training
without touching the graph, and they are part of the file that is measured and shipped.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from objectif.answers import Label
from objectif.errors import DataError, SolutionError
from objectif.images.prepare import Fit, Placement
from objectif.metrics.calibration import temperature
from objectif.metrics.isotonic import bent
from objectif.tasks.base import Traits
from objectif.tasks.undivided import Undivided

if TYPE_CHECKING:
    from objectif.data.dataset import Dataset
    from objectif.metrics.base import Metric
    from objectif.tasks.base import Outputs
    from objectif.tasks.exhibits import Exhibit

CHOSEN = ("accuracy", "balanced_accuracy", "macro_f1", "cohen_kappa", "quadratic_kappa", "hamming")
"""Metrics of what is answered; they see thresholds and costs. All others are metrics of the probabilities."""
SINGLE = (
    "accuracy",
    "balanced_accuracy",
    "macro_f1",
    "auroc",
    "average_precision",
    "log_loss",
    "brier",
    "cohen_kappa",
)
MANY = ("average_precision", "macro_f1", "hamming", "auroc", "log_loss", "brier")


@dataclass(frozen=True)
class Decoding:
    """How raw scores become probabilities and answers.

    temperature: scores are divided by it first (Guo et al. 2017), > 0.
    thresholds: one for each class, in (0, 1]. Multi-label: a class is answered at its threshold or above
        (None: one half). Otherwise: the class is answered whose probability is largest in units of its threshold,
        so for two classes (1 - t, t) answers the second at t or above.
    costs: costs[truth][answer]; the answer is then the one of least expected cost. Not with thresholds, not where
        multi-label.
    curve: (log-odds given, log-odds meant) through which probabilities pass after the temperature (metrics.isotonic), both
        strictly increasing; None where there is none.
    """

    temperature: float = 1.0
    thresholds: tuple[float, ...] | None = None
    costs: tuple[tuple[float, ...], ...] | None = None
    curve: tuple[tuple[float, float], ...] | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature > 0):
            raise SolutionError(f"temperature is {self.temperature}; expected a number above 0.")
        if self.thresholds is not None and not all(0 < t <= 1 for t in self.thresholds):
            raise SolutionError(f"thresholds are {self.thresholds}; expected numbers above 0 and at most 1.")
        if self.costs is not None and self.thresholds is not None:
            raise SolutionError("decoding has both thresholds and costs; expected one of the two.")
        if self.curve is not None and not _rises(self.curve):
            raise SolutionError(
                f"curve is {self.curve}; expected pairs of finite numbers, each above the last."
            )
        if self.costs is not None and any(len(row) != len(self.costs) for row in self.costs):
            raise SolutionError(
                "costs are not a square table; expected one row for each class, one number for each."
            )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "temperature": self.temperature,
            "thresholds": None if self.thresholds is None else list(self.thresholds),
            "costs": None if self.costs is None else [list(row) for row in self.costs],
            **({} if self.curve is None else {"curve": [list(pair) for pair in self.curve]}),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Decoding:
        """The inverse of to_dict; SolutionError on unknown keys or wrong types."""
        unknown = set(values) - {"temperature", "thresholds", "costs", "curve"}
        if unknown:
            raise SolutionError(
                f"decoding has unknown keys {sorted(unknown)}; this objectif may be too old for the file."
            )
        try:
            thresholds, costs = values.get("thresholds"), values.get("costs")
            curve = values.get("curve")
            return cls(
                float(values.get("temperature", 1.0)),
                None if thresholds is None else tuple(float(t) for t in thresholds),
                None if costs is None else tuple(tuple(float(c) for c in row) for row in costs),
                None if curve is None else tuple((float(a), float(b)) for a, b in curve),
            )
        except (TypeError, ValueError) as error:
            raise SolutionError(
                f"decoding {dict(values)} has a value that is not a number ({error})."
            ) from error

    def check(self, classes: int, multilabel: bool) -> None:
        """SolutionError where the tables do not fit the number of classes or the kind of problem."""
        for name, table in (("thresholds", self.thresholds), ("costs", self.costs)):
            if table is not None and len(table) != classes:
                raise SolutionError(
                    f"decoding has {len(table)} {name}; expected {classes}, one for each class."
                )
        if self.costs is not None and multilabel:
            raise SolutionError(
                "decoding has costs; expected none in a multi-label problem (use thresholds)."
            )


def _rises(curve: Sequence[tuple[float, float]]) -> bool:
    """Whether both numbers of the pairs are finite and grow."""
    table = np.array(curve, np.float64)
    return (
        table.ndim == 2
        and len(table) > 0
        and bool(np.isfinite(table).all() and (np.diff(table, axis=0) > 0).all())
    )


def decode(logits: NDArray[Any], decoding: Decoding, multilabel: bool) -> NDArray[np.float32]:
    """(N,C) raw scores to (N,C) probabilities: softmax, or sigmoid where multi-label, at the temperature and by the curve."""
    scaled = np.asarray(logits, np.float64) / decoding.temperature
    if multilabel:
        found = 0.5 * (1.0 + np.tanh(0.5 * scaled))  # tanh form: no overflow at either end
    else:
        with np.errstate(invalid="ignore"):  # infinite scores become NaN, which the caller refuses
            scaled = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        found = scaled / scaled.sum(axis=1, keepdims=True)
    if decoding.curve is not None:
        found = bent(found, decoding.curve, multilabel)
    return np.asarray(found, np.float32)


def choose(probabilities: NDArray[Any], decoding: Decoding, multilabel: bool) -> NDArray[np.bool_]:
    """(N,C) probabilities to (N,C) of which classes are answered: exactly one in a row unless multi-label."""
    values = np.asarray(probabilities, np.float64)
    if multilabel:
        limits = (
            np.full(values.shape[1], 0.5) if decoding.thresholds is None else np.asarray(decoding.thresholds)
        )
        return values >= limits.astype(np.float32)
    if decoding.costs is not None:
        best = np.argmin(values @ np.asarray(decoding.costs), axis=1)
    elif decoding.thresholds is not None:
        best = np.argmax(values / np.asarray(decoding.thresholds), axis=1)
    else:
        best = np.argmax(values, axis=1)
    chosen = np.zeros(values.shape, np.bool_)
    chosen[np.arange(len(values)), best] = True
    return chosen


def answers(
    paths: Sequence[str],
    classes: tuple[str, ...],
    probabilities: NDArray[np.float32],
    decoding: Decoding,
    multilabel: bool,
) -> list[Label]:
    """One Label for each row of (N,C) probabilities, in order."""
    chosen = choose(probabilities, decoding, multilabel)
    return [
        Label(path, classes, row, tuple(name for name, yes in zip(classes, pick, strict=True) if yes))
        for path, row, pick in zip(paths, probabilities, chosen, strict=True)
    ]


class Classify(Undivided):
    """The task 'classify': truth (N,) class numbers, or (N, C) of 0 and 1; answers (N, C) probabilities."""

    name = "classify"
    outputs = ("scores",)
    fit: Fit = "stretch"
    whole = False
    traits = Traits()

    def usual_metric(self, multilabel: bool) -> str:
        """Accuracy, or average precision where labels are several."""
        return "average_precision" if multilabel else "accuracy"

    def losses(self, multilabel: bool) -> tuple[str, ...]:
        """One class an image, or a yes and no for each."""
        return ("multi",) if multilabel else ("single",)

    def forth(
        self, truth: NDArray[Any], placements: Sequence[Placement], size: tuple[int, int]
    ) -> NDArray[Any]:
        """The same: a class has no place."""
        return truth

    def turned(self, truth: NDArray[Any], view: str, height: int, width: int) -> NDArray[Any]:
        """The same: a class belongs to the image as a whole."""
        return truth

    def metrics(self, multilabel: bool) -> tuple[str, ...]:
        """Metrics that are always told."""
        return MANY if multilabel else SINGLE

    def truth(self, dataset: Dataset, classes: Sequence[str] | None = None) -> NDArray[np.int64]:
        """(N,) class numbers in the order of `classes`, or (N, C) of 0 and 1; DataError on an unknown class."""
        names = dataset.classes if classes is None else tuple(classes)
        if names == dataset.classes:
            return dataset.truth()
        place = {name: k for k, name in enumerate(names)}
        used = sorted({label for sample in dataset.samples for label in sample.labels})
        unknown = [dataset.classes[k] for k in used if dataset.classes[k] not in place]
        if unknown:
            raise DataError(unknown_classes(unknown, names))
        own = dataset.truth()
        order = np.array([place.get(name, -1) for name in dataset.classes], np.int64)
        if not dataset.multilabel:
            return np.asarray(order[own], np.int64)
        hot = np.zeros((len(own), len(names)), np.int64)
        kept = np.flatnonzero(order >= 0)
        hot[:, order[kept]] = own[:, kept]
        return hot

    def empty(self, n: int, classes: int) -> NDArray[np.float32]:
        """(n, C) of zeros."""
        return np.zeros((n, classes), np.float32)

    def decoding(self, values: Mapping[str, Any] | None = None) -> Decoding:
        """A Decoding; neutral without values."""
        return Decoding() if values is None else Decoding.from_dict(values)

    def check(self, decoding: Decoding, classes: int, multilabel: bool) -> None:
        """SolutionError for fewer than two classes, or tables of another length."""
        if classes < 2 - multilabel:
            raise SolutionError(f"there are {classes} classes; expected two or more different names.")
        decoding.check(classes, multilabel)

    def decode(
        self, outputs: Outputs, decoding: Decoding, multilabel: bool, placements: Sequence[Placement]
    ) -> NDArray[np.float32]:
        """'scores' (n, C) to probabilities (n, C)."""
        return decode(outputs["scores"], decoding, multilabel)

    def stacked(self, parts: Sequence[NDArray[Any]], truth: NDArray[Any]) -> NDArray[Any]:
        """(N, C) of several (n, C)."""
        return np.concatenate(list(parts))

    def fit_decoding(
        self,
        outputs: Outputs,
        truth: NDArray[Any],
        multilabel: bool,
        placements: Sequence[Placement],
        metric: Metric,
    ) -> Decoding:
        """The temperature of least log loss on held-out images."""
        return Decoding(temperature=temperature(truth, outputs["scores"]))

    def operate(
        self, decoding: Decoding, truth: NDArray[Any], answers: NDArray[Any], multilabel: bool
    ) -> Decoding:
        """As it is: the likeliest class, or one half, unless the statement gives costs."""
        return replace(decoding)

    def told(
        self, metric: str, answers: NDArray[Any], decoding: Decoding, multilabel: bool
    ) -> NDArray[np.float64]:
        """Chosen classes (N, C) of 0 and 1 for metrics of what is answered, else the probabilities."""
        seen = choose(answers, decoding, multilabel) if metric in CHOSEN else answers
        return np.asarray(seen, np.float64)

    def answers(
        self,
        paths: Sequence[str],
        classes: tuple[str, ...],
        decoded: NDArray[np.float32],
        decoding: Decoding,
        multilabel: bool,
        placements: Sequence[Placement] = (),
    ) -> list[Label]:
        """One Label for each row of probabilities."""
        return answers(paths, classes, decoded, decoding, multilabel)

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
        """None: confusion, reliability and the gallery of errors are sections of the report."""
        return []


def unknown_classes(names: Sequence[str], known: Sequence[str]) -> str:
    """What is said of classes in the data that a Solution does not know: counted wrong whatever it answered."""
    close = difflib.get_close_matches(names[0], known, n=1)
    hint = f" ({names[0]!r} may be {close[0]!r})" if close else ""
    shown = ", ".join(map(repr, names[:5])) + (", ..." if len(names) > 5 else "")
    return (
        f"the data have {len(names)} class(es) that the Solution does not know: {shown}{hint}; it knows "
        f"{', '.join(map(repr, known[:20]))}. Rename them in the data, or leave those images out."
    )


TASK = Classify()
