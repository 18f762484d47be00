"""Classification: from a network's raw scores to calibrated probabilities, and from those to an answer.

Decoding belongs to the Solution, not to the network: a temperature, thresholds or costs can then be set after training
without touching the graph, and they are part of the file that is measured and shipped.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.answers import Label
from objectif.errors import SolutionError


@dataclass(frozen=True)
class Decoding:
    """How raw scores become probabilities and answers.

    temperature: scores are divided by it first (Guo et al. 2017), > 0.
    thresholds: one for each class, in (0, 1]. Multi-label: a class is answered at its threshold or above
        (None: one half). Otherwise: the class is answered whose probability is largest in units of its threshold,
        so for two classes (1 - t, t) answers the second at t or above.
    costs: costs[truth][answer]; the answer is then the one of least expected cost. Not with thresholds, not where
        multi-label.
    """

    temperature: float = 1.0
    thresholds: tuple[float, ...] | None = None
    costs: tuple[tuple[float, ...], ...] | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature > 0):
            raise SolutionError(f"temperature is {self.temperature}; expected a number above 0.")
        if self.thresholds is not None and not all(0 < t <= 1 for t in self.thresholds):
            raise SolutionError(f"thresholds are {self.thresholds}; expected numbers above 0 and at most 1.")
        if self.costs is not None and self.thresholds is not None:
            raise SolutionError("decoding has both thresholds and costs; expected one of the two.")
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
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Decoding:
        """The inverse of to_dict; SolutionError on unknown keys or wrong types."""
        unknown = set(values) - {"temperature", "thresholds", "costs"}
        if unknown:
            raise SolutionError(
                f"decoding has unknown keys {sorted(unknown)}; this objectif may be too old for the file."
            )
        try:
            thresholds, costs = values.get("thresholds"), values.get("costs")
            return cls(
                float(values.get("temperature", 1.0)),
                None if thresholds is None else tuple(float(t) for t in thresholds),
                None if costs is None else tuple(tuple(float(c) for c in row) for row in costs),
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


def decode(logits: NDArray[Any], decoding: Decoding, multilabel: bool) -> NDArray[np.float32]:
    """(N,C) raw scores to (N,C) probabilities: softmax, or sigmoid where multi-label, at the temperature."""
    scaled = np.asarray(logits, np.float64) / decoding.temperature
    if multilabel:
        # tanh form: no overflow at either end
        return np.asarray(0.5 * (1.0 + np.tanh(0.5 * scaled)), np.float32)
    with np.errstate(invalid="ignore"):  # infinite scores become NaN, which the caller refuses
        scaled = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(scaled / scaled.sum(axis=1, keepdims=True), np.float32)


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
