"""What became of each promise: the evidence, in figures and in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from objectif.errors import SolutionError
from objectif.promises.rule import Rule


@dataclass(frozen=True)
class Best:
    """The best promise that these data allow, and the share of the images that it would save."""

    promise: str
    bound: float
    work_saved: float


@dataclass(frozen=True)
class Record:
    """The evidence for one promise.

    promise: its text. kept: whether it is made. sentence: why, for people. estimate: the promised share on the calibration
    images; reached: its bound with the confidence; both None where there are none that it is about. n: images. positives:
    of these, what the promise is about (`called`). groups: independent units among these. unit: 'group' or 'image'.
    confidence: that was asked; used: that was spent, more where several promises hold jointly or several candidates were
    tried. work_saved: share of the images answered for good under this promise, with work_low and work_high its bounds.
    best: where it is not kept, the best that could be. needed: about how many `called` would allow what was asked.
    """

    promise: str
    kept: bool
    sentence: str
    estimate: float | None
    reached: float | None
    n: int
    positives: int
    called: str
    groups: int
    unit: str
    confidence: float
    used: float
    work_saved: float
    work_low: float
    work_high: float
    best: Best | None = None
    needed: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: object) -> Record:
        """The inverse; SolutionError on unknown or missing keys."""
        table = _keys(values, cls)
        best = table["best"]
        return cls(**{**table, "best": None if best is None else Best(**_keys(best, Best))})


@dataclass(frozen=True)
class Outcome:
    """kept: all promises are. rule: what keeps them. records: one for each promise, in order."""

    kept: bool
    rule: Rule
    records: tuple[Record, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "kept": self.kept,
            "rule": self.rule.to_dict(),
            "records": [record.to_dict() for record in self.records],
        }

    @classmethod
    def from_dict(cls, values: object) -> Outcome:
        """The inverse; SolutionError on anything else."""
        table = _keys(values, cls)
        if not isinstance(table["kept"], bool) or not isinstance(table["records"], list):
            raise SolutionError(
                "the promises of this file were altered: expected kept, rule and a list of records."
            )
        return cls(
            table["kept"], Rule.from_dict(table["rule"]), tuple(map(Record.from_dict, table["records"]))
        )


def _keys(values: object, cls: type[Any]) -> Mapping[str, Any]:
    names = [field.name for field in fields(cls)]
    if not isinstance(values, Mapping) or set(values) != set(names):
        odd = sorted(map(str, set(values) ^ set(names))) if isinstance(values, Mapping) else repr(values)
        raise SolutionError(
            f"the promises of this file have missing or unknown keys {odd}; this objectif may be too old for the file."
        )
    return values
