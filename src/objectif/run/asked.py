"""What an explanation is about: one number of an answer, chosen for each task, that a part of the picture raises or lowers.

A class: its log-odds, because a probability near 1 hardly moves whatever is hidden. A number: itself; a stage: the mean
stage. A box: the score of the box that still finds the object, as in D-RISE (Petsiuk et al. 2021, "Black-box Explanation of
Object Detectors via Saliency Maps"). An embedding: its cosine to what the whole picture gives, or to another one.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.answers import Answer, Boxes, Label, Quantity
from objectif.errors import InputError
from objectif.metrics.boxes import ANSWER_CLASS, SCORE, iou
from objectif.solution.file import Solution
from objectif.tasks.regress import BOUNDS

Reals = NDArray[np.float64]
_EDGE = 1e-6  # of probabilities


@dataclass(frozen=True)
class Question:
    """label: what is explained. told: the answer in words. unit: of the number, in words.

    least: a change below this is no evidence worth full colour. value: decoded answers (n, ...) of the task to numbers (n,).
    column: the class's place in a map of classes, None where a map is of the number itself.
    """

    label: str
    told: str
    unit: str
    least: float
    value: Callable[[NDArray[Any]], Reals]
    column: int | None = None


def question(
    solution: Solution,
    answer: Answer,
    decoded: NDArray[Any],
    label: str | None,
    like: NDArray[np.float32] | None = None,
) -> Question:
    """What is asked of a picture with this answer; decoded (1, ...) is the same as the task's metrics take it.

    label: a class in place of the one answered. like: (D,) embedding in place of the picture's own. InputError for a class
    that is not known, a task that has none, or an answer without any.
    """
    if isinstance(answer, Label):
        return _class(answer, decoded, label)
    if isinstance(answer, Boxes):
        return _box(answer, decoded, label)
    if label is not None:
        raise InputError(
            f"class {label!r}: answers of the task {solution.task!r} have no classes to choose from. Leave it out."
        )
    if isinstance(answer, Quantity):
        return _quantity(answer)
    own = decoded[0] if like is None else np.asarray(like, np.float32)
    if own.shape != decoded[0].shape:
        raise InputError(f"an embedding of shape {own.shape} to be likened to; expected {decoded[0].shape}.")
    towards = "what the whole picture looks like to the network" if like is None else "the other picture"
    unit = own / max(float(np.linalg.norm(own)), 1e-12)
    return Question(
        "likeness", f"likeness to {towards}", "cosine", 0.02, lambda rows: np.asarray(rows @ unit, np.float64)
    )


def place_of(classes: Sequence[str], label: str) -> int:
    """The class's number; InputError with the nearest name where there is none."""
    if label in classes:
        return list(classes).index(label)
    close = difflib.get_close_matches(label, classes, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise InputError(
        f"class {label!r} is not known; expected one of {', '.join(map(repr, classes[:20]))}.{hint}"
    )


def likeliest(answer: Label) -> str:
    """The surest class of those answered, of all where none is."""
    among = answer.labels or answer.classes
    return max(among, key=lambda name: float(answer.scores[answer.classes.index(name)]))


def _class(answer: Label, decoded: NDArray[Any], label: str | None) -> Question:
    place = place_of(answer.classes, likeliest(answer) if label is None else label)

    def value(rows: NDArray[Any]) -> Reals:
        p = np.clip(np.asarray(rows, np.float64)[:, place], _EDGE, 1 - _EDGE)
        return np.asarray(np.log(p / (1 - p)))

    name = answer.classes[place]
    return Question(name, f"{name} {float(decoded[0, place]):.2f}", "log-odds", 1.0, value, place)


def _quantity(answer: Quantity) -> Question:
    staged = answer.scores is not None
    wide = answer.high - answer.low
    name = "stage" if staged else answer.classes[0]

    def value(rows: NDArray[Any]) -> Reals:
        found = np.asarray(rows, np.float64)
        if not staged:
            return found[:, 1]
        stages = found[:, BOUNDS:]
        return np.asarray((stages * np.arange(stages.shape[1])).sum(1))

    told = f"{name} {answer.label}"
    return Question(
        name, told, "stages" if staged else name, 0.1 if staged else max(0.05 * wide, 1e-9), value
    )


def _box(answer: Boxes, decoded: NDArray[Any], label: str | None) -> Question:
    chosen = [k for k, name in enumerate(answer.labels) if label in (None, name)]
    if label is not None:
        place_of(answer.classes, label)
    if not chosen:
        what = "nothing" if label is None else f"no {label}"
        raise InputError(
            f"{answer.path}: {what} was found, so there is no box to explain. Choose another picture or class."
        )
    rows = decoded[0]
    name = answer.labels[chosen[0]]
    of_class = rows[rows[:, ANSWER_CLASS] == answer.classes.index(name)]
    target = of_class[int(np.argmax(of_class[:, SCORE]))]

    def value(found: NDArray[Any]) -> Reals:
        alike = iou(found[..., :4].reshape(-1, 4).astype(np.float64), target[None, :4].astype(np.float64))
        worth = (
            alike.reshape(found.shape[:2])
            * found[..., SCORE]
            * (found[..., ANSWER_CLASS] == target[ANSWER_CLASS])
        )
        return np.asarray(worth.max(axis=1, initial=0.0), np.float64)

    return Question(name, f"{name} {float(target[SCORE]):.2f}", "the box's score", 0.05, value)


def evidence(
    cells: NDArray[np.float32], probabilities: NDArray[Any] | None, column: int | None, heat: float
) -> NDArray[np.float32]:
    """(h, w) what each place adds, from a class activation map (h, w, C); its mean is what the whole picture adds.

    Of one class among several: its log-odds to first order, so the map of a class less those of the others, each weighed by
    how likely it is where this one is not; a number common to all maps, which no probability shows, falls out. probabilities:
    (C,), None where classes do not exclude one another. column None: a number, less its mean. heat: the temperature.
    """
    values = np.asarray(cells, np.float64) / heat
    if column is None:
        return np.asarray(values[:, :, 0] - values[:, :, 0].mean(), np.float32)
    own = values[:, :, column]
    if probabilities is not None:
        share = np.asarray(probabilities, np.float64).copy()
        share[column] = 0.0
        total = share.sum()
        if total <= 0:
            share = np.ones(len(share))
            share[column] = 0.0
            total = share.sum()
        own = own - values @ (share / total)
    return np.asarray(own, np.float32)
