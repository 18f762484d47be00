"""The rule that keeps promises: for each a guard with its limit. It is what a Solution carries."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.answers import Judgement
from objectif.errors import ProblemError, SolutionError
from objectif.problem.promises import Promise, parse

Reals = NDArray[np.float64]
Costs = tuple[tuple[float, ...], ...]
_FARTHEST = 700.0  # log-odds beyond which a probability is 0 or 1 in 64 bits


def log_odds(p: NDArray[Any]) -> Reals:
    """log p / (1 - p), finite."""
    values = np.asarray(p, np.float64)
    with np.errstate(divide="ignore"):
        found = np.log(values) - np.log1p(-values)
    return np.asarray(np.clip(found, -_FARTHEST, _FARTHEST), np.float64)


def probability(odds: NDArray[Any]) -> Reals:
    """The inverse of log_odds."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * np.asarray(odds, np.float64))), np.float64)


def stated(promise: Promise) -> str:
    """The promise as it stands in a sentence that has named its class: 'recall >= 0.95'."""
    return promise.short.replace(f"[{promise.of}]", "")


@dataclass(frozen=True)
class Guard:
    """What one promise lets through: answers whose margin is above `limit` (-inf: all).

    shift: what is taken off log-odds for the margin. costs: of promises of risk.
    """

    promise: Promise
    limit: float
    shift: float = 0.0
    costs: Costs | None = None

    @property
    def scale(self) -> float:
        """The greatest cost, 1 without costs."""
        return max(map(max, self.costs)) if self.costs else 1.0

    def table(self, classes: int) -> Reals:
        """(C, C) costs of truth and answer, the greatest 1."""
        if self.costs is None:
            return 1.0 - np.eye(classes)
        return np.asarray(self.costs, np.float64) / self.scale

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; a limit of minus infinity is null."""
        return {
            "promise": str(self.promise),
            "limit": None if self.limit == -math.inf else self.limit,
            "shift": self.shift,
            "costs": None if self.costs is None else [list(row) for row in self.costs],
        }

    @classmethod
    def from_dict(cls, values: object) -> Guard:
        """The inverse; SolutionError on anything else."""
        table = _table(values, ("promise", "limit", "shift", "costs"), "a guard of a promise")
        try:
            promise = parse(_text(table["promise"]))
            limit = -math.inf if table["limit"] is None else _number(table["limit"])
            costs = table["costs"]
            rows = None if costs is None else tuple(tuple(_number(c) for c in row) for row in costs)
            return cls(promise, limit, _number(table["shift"]), rows)
        except (TypeError, ProblemError) as error:
            raise SolutionError(f"a guard of a promise cannot be read: {error}") from error


@dataclass(frozen=True)
class Rule:
    """All guards of a Solution: an image is answered where each of its answers' guards lets it through."""

    task: str
    classes: tuple[str, ...]
    multilabel: bool
    guards: tuple[Guard, ...]

    def judge(
        self, answers: NDArray[Any], chosen: NDArray[np.bool_] | None, classes: Sequence[str]
    ) -> list[Judgement]:
        """One Judgement for each of N answers as the task has them; chosen (N, C) where the task is classify.

        SolutionError where the classes are not those that the promises were made for.
        """
        if tuple(classes) != self.classes:
            raise SolutionError(
                f"promises are made for the classes {', '.join(self.classes)}; met {', '.join(classes)}. The file was altered."
            )
        found: list[Judgement] = glue(self.task).judge(self, answers, chosen)
        return found

    def decoding(self, decoding: Any) -> Any:
        """The decoding with promised thresholds, where answers of the task carry one; else as it is."""
        change = getattr(glue(self.task), "decoding", None)
        return decoding if change is None else change(self, decoding)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "task": self.task,
            "classes": list(self.classes),
            "multilabel": self.multilabel,
            "guards": [guard.to_dict() for guard in self.guards],
        }

    @classmethod
    def from_dict(cls, values: object) -> Rule:
        """The inverse of to_dict; SolutionError on unknown or missing keys and wrong types."""
        table = _table(values, ("task", "classes", "multilabel", "guards"), "the rule of promises")
        if table["task"] not in TASKS:
            raise SolutionError(
                f"promises of the task {table['task']!r}; expected one of {', '.join(TASKS)}."
            )
        if not isinstance(table["classes"], list) or not isinstance(table["guards"], list):
            raise SolutionError(
                "the rule of promises has no lists of classes and guards; the file was altered."
            )
        if not isinstance(table["multilabel"], bool):
            raise SolutionError(f"multilabel is {table['multilabel']!r}; expected true or false.")
        classes = tuple(_text(name) for name in table["classes"])
        guards = tuple(map(Guard.from_dict, table["guards"]))
        for guard in guards:
            if guard.promise.of is not None and guard.promise.of not in classes:
                raise SolutionError(f"promise '{guard.promise}' is about no class of {', '.join(classes)}.")
        return cls(table["task"], classes, table["multilabel"], guards)


TASKS = ("classify", "detect", "segment", "regress", "identify", "anomaly")
"""Tasks whose answers can be promised: each has a module of its name here."""


def glue(task: str) -> Any:
    """What a task adds: seen(promise, data), judge(rule, answers, chosen), and decoding(rule, decoding) where it has one."""
    if task not in TASKS:
        raise ProblemError(
            f"nothing can be promised of the task {task!r}; expected one of {', '.join(TASKS)}."
        )
    return import_module(f"objectif.promises.{task}")


def _table(values: object, keys: Sequence[str], what: str) -> Mapping[str, Any]:
    if not isinstance(values, Mapping):
        raise SolutionError(f"{what} is {values!r}; expected a table of {', '.join(keys)}.")
    if set(values) != set(keys):
        odd = sorted(map(str, set(values) ^ set(keys)))
        raise SolutionError(
            f"{what} has missing or unknown keys {odd}; this objectif may be too old for the file."
        )
    return values


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise SolutionError(f"{value!r} is no text; the promises of this file were altered.")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise SolutionError(f"{value!r} is no finite number; the promises of this file were altered.")
    return float(value)
