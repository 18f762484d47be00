"""Promises: what an answer is meant to be worth, in the words of the statement.

`recall[pneumonia] >= 0.95`, `coverage >= 0.9 with 99% confidence`, `recall[RBC] >= 0.9 at 1 false positives per image`,
`false_alarm_rate <= 0.01 per image`. A promise is about images that nobody has seen yet: with the given confidence, the
share that it names is on the right side of the bound. How that is proved is the business of the room `promises`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from objectif.errors import ProblemError
from objectif.problem.readers import close_to

Unit = Literal["group", "image"]


class Kind(NamedTuple):
    """What there is to say of one kind of promise.

    up: whether the bound is a least value (>=). tasks: which can keep it. per_class: whether it is about one class.
    """

    up: bool
    tasks: tuple[str, ...]
    per_class: bool
    meaning: str


KINDS: Mapping[str, Kind] = {
    "recall": Kind(True, ("classify", "anomaly"), True, "share of the class that is not answered otherwise"),
    "specificity": Kind(True, ("classify",), True, "share of the others that are not answered so"),
    "precision": Kind(True, ("classify",), True, "share of what is answered so that is right"),
    "npv": Kind(True, ("classify",), True, "share of what is answered otherwise that is right"),
    "false_alarm_rate": Kind(
        False, ("classify", "anomaly"), True, "share of the others that are answered so"
    ),
    "accuracy": Kind(True, ("classify",), False, "share of the answered that is right"),
    "risk": Kind(False, ("classify",), False, "mean cost of an answer"),
    "coverage": Kind(True, ("classify",), False, "share of the sets that hold the truth"),
    "object_recall": Kind(
        True, ("detect",), True, "share of the objects that are found at a rate of false ones"
    ),
    "missed_pixels": Kind(False, ("segment",), True, "share of the pixels that are missed"),
    "missed_objects": Kind(False, ("segment",), True, "share of the objects of which nothing is found"),
    "interval_coverage": Kind(True, ("regress",), False, "share of the intervals that hold the truth"),
    "fpir": Kind(False, ("identify",), False, "share of strangers that are given a name"),
}
SYNONYMS: Mapping[str, str] = {"sensitivity": "recall", "missed_lesions": "missed_objects"}

_NUMBER = r"[0-9.eE+-]+"
_TEXT = re.compile(
    rf"""\s*(?P<kind>\w+)\s*(?:\[(?P<of>.*)\])?\s*(?P<sign>>=|<=|≥|≤)\s*(?P<bound>{_NUMBER})\s*(?P<percent>%?)
    (?:\s+at\s+(?P<at>{_NUMBER})\s+false\s+positives?\s+(?:per|an)\s+image)?
    (?:\s+with\s+(?P<confidence>{_NUMBER})\s*(?P<of_100>%?)\s+confidence)?
    (?:\s+per\s+(?P<unit>\w+))?\s*""",
    re.VERBOSE | re.DOTALL,
)
_FORM = (
    "expected such as 'recall[pneumonia] >= 0.95', 'coverage >= 0.9 with 99% confidence', 'false_alarm_rate <= 0.01 "
    "per image' or 'recall[RBC] >= 0.9 at 1 false positives per image'"
)


@dataclass(frozen=True)
class Promise:
    """One promise.

    kind: of KINDS. of: the class that it is about, None where there is none or only one that it can be. bound: in (0, 1); of risk
    a cost above 0.
    confidence: that the bound holds, in (0, 1). unit: what is resampled; 'group' is the image where there are no groups.
    at: false positives an image, of object_recall alone.
    """

    kind: str
    of: str | None
    bound: float
    confidence: float = 0.95
    unit: Unit = "group"
    at: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            known = ", ".join(KINDS)
            near = close_to(self.kind, (*KINDS, *SYNONYMS))
            raise ProblemError(
                f"there is no promise of the kind {self.kind!r}; known are {known}{near or '.'}"
            )
        self._check_numbers()
        if self.at is None and self.kind == "object_recall":
            raise ProblemError(
                f"promise '{self}': how many objects are found depends on how many false ones are allowed; write "
                f"'{self} at 1 false positives per image'."
            )
        if self.at is not None and self.kind != "object_recall":
            raise ProblemError(
                f"promise '{self}': false positives per image belong to the recall of objects; leave them out."
            )

    def _check_numbers(self) -> None:
        if self.kind == "risk":  # in units of cost
            if not (math.isfinite(self.bound) and self.bound > 0):
                raise ProblemError(f"promise '{self}': the bound is {self.bound:g}; expected a cost above 0.")
        elif not 0 < self.bound < 1:
            best = 1 if self.up else 0
            why = (
                f"no number of images can prove {best:g}"
                if self.bound == best
                else "every rule keeps that"
                if self.bound == 1 - best
                else "it is a share"
            )
            raise ProblemError(
                f"promise '{self}': the bound is {self.bound:g}; expected a number between 0 and 1, because {why}."
            )
        if not 0 < self.confidence < 1:
            raise ProblemError(
                f"promise '{self}': the confidence is {self.confidence:g}; expected a number between 0 and 1, such as 0.95."
            )
        if self.unit not in ("group", "image"):
            raise ProblemError(f"promise '{self}': the unit is {self.unit!r}; expected 'group' or 'image'.")
        if self.at is not None and not (math.isfinite(self.at) and self.at > 0):
            raise ProblemError(
                f"promise '{self}': {self.at:g} false positives per image; expected a number above 0."
            )

    @property
    def up(self) -> bool:
        """Whether the bound is a least value."""
        return KINDS[self.kind].up

    @property
    def what(self) -> str:
        """The kind with its class: 'recall[pneumonia]'."""
        return self.kind if self.of is None else f"{self.kind}[{self.of}]"

    @property
    def short(self) -> str:
        """Without confidence and unit: 'recall[pneumonia] >= 0.95'."""
        at = "" if self.at is None else f" at {_plain(self.at)} false positives per image"
        return f"{self.what} {'>=' if self.up else '<='} {_plain(self.bound)}{at}"

    def __str__(self) -> str:
        confidence = "" if self.confidence == 0.95 else f" with {_percent(self.confidence)} confidence"
        return f"{self.short}{confidence}{' per image' if self.unit == 'image' else ''}"


def parse(text: str) -> Promise:
    """The promise that a text makes; str() is the inverse. ProblemError says what is wrong with it."""
    match = _TEXT.fullmatch(text)
    if match is None:
        raise ProblemError(f"promise {text!r} cannot be read; {_FORM}.")
    kind = SYNONYMS.get(match["kind"].lower(), match["kind"].lower())
    at = _number(match["at"], text)
    if kind == "recall" and at is not None:
        kind = "object_recall"
    bound = _number(match["bound"], text) or 0.0
    if match["percent"]:
        bound = float(f"{bound / 100:.15g}")
    confidence = _number(match["confidence"], text)
    if confidence is not None and match["of_100"]:
        confidence = float(f"{confidence / 100:.15g}")
    if match["unit"] not in (None, "group", "image"):
        raise ProblemError(
            f"promise {text!r}: 'per {match['unit']}' is no unit; expected 'per group' or 'per image'."
        )
    of = None if match["of"] is None else match["of"].strip()
    if of == "":
        raise ProblemError(f"promise {text!r} names no class between the brackets; {_FORM}.")
    unit: Unit = "image" if match["unit"] == "image" else "group"
    promise = Promise(kind, of, bound, 0.95 if confidence is None else confidence, unit, at)
    if (match["sign"] in (">=", "≥")) != promise.up:
        raise ProblemError(
            f"promise {text!r}: {kind} is promised to be {'at least' if promise.up else 'at most'} a bound; write "
            f"'{promise.short}'."
        )
    return promise


def validate(
    promises: Sequence[Promise], task: str, classes: Sequence[str], multilabel: bool = False
) -> tuple[Promise, ...]:
    """The promises with the class that each is about; ProblemError where one does not fit the problem or another one."""
    found = tuple(_fitting(p, task, classes, multilabel) for p in promises)
    for k, one in enumerate(found):
        for other in found[:k]:
            if (one.kind, one.of, one.at) == (other.kind, other.of, other.at):
                _refuse_pair(other, one)
    return found


def _refuse_pair(first: Promise, second: Promise) -> None:
    if first == second:
        raise ProblemError(f"promise '{first}' is made twice; leave one out.")
    harder = max((first, second), key=lambda p: (p.bound if p.up else -p.bound, p.confidence))
    easier = second if harder is first else first
    enough = harder.confidence >= easier.confidence and harder.unit == easier.unit
    remedy = (
        f"'{harder}' is enough, because it holds the other"
        if enough
        else "expected one bound, one confidence and one unit"
    )
    raise ProblemError(f"promises '{first}' and '{second}' are about the same; {remedy}. Leave one out.")


def _fitting(promise: Promise, task: str, classes: Sequence[str], multilabel: bool) -> Promise:
    if promise.kind == "recall" and task == "detect":
        raise ProblemError(
            f"promise '{promise}': objects are found at a rate of false ones; write '{promise.short} at 1 false "
            "positives per image'."
        )
    kind = KINDS[promise.kind]
    if task not in kind.tasks:
        own = [name for name, k in KINDS.items() if task in k.tasks]
        can = f"it can promise {', '.join(own)}" if own else "nothing can be promised of its answers yet"
        raise ProblemError(f"promise '{promise}' does not fit the task {task!r}; {can}.")
    if multilabel and promise.kind in ("coverage", "accuracy", "risk"):
        raise ProblemError(
            f"promise '{promise}' is about images of one class each, and these have several; promise recall or precision "
            "of each class."
        )
    return _with_class(promise, kind, task, classes)


def _with_class(promise: Promise, kind: Kind, task: str, classes: Sequence[str]) -> Promise:
    if not kind.per_class or task == "anomaly":
        if promise.of is not None:
            what = "anomalies as a whole" if task == "anomaly" else "all classes together"
            raise ProblemError(f"promise '{promise}' is about {what}; write it without [{promise.of}].")
        return promise
    if promise.of is not None and promise.of not in classes:
        shown = ", ".join(map(repr, list(classes)[:20]))
        near = close_to(promise.of, classes)
        raise ProblemError(
            f"promise '{promise}': no class {promise.of!r}; the data have {shown}{near or '.'}"
        )
    if promise.of is None and task == "classify":
        if len(classes) > 2:
            raise ProblemError(
                f"promise '{promise}' must say which of {len(classes)} classes it is about; write "
                f"'{replace(promise, of=classes[0]).short}'."
            )
        return replace(promise, of=classes[-1])  # of two classes the second is what is looked for
    return promise


def _number(text: str | None, whole: str) -> float | None:
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        raise ProblemError(f"promise {whole!r}: {text!r} is no number; {_FORM}.") from None


def _plain(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _percent(share: float) -> str:
    percent = float(f"{100 * share:.15g}")
    return f"{_plain(percent)}%" if float(f"{percent / 100:.15g}") == share else repr(share)
