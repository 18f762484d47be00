"""The card of a Solution: what it was made from, how good it is, what it is for and what it is not for.

A Solution outlives the run that made it, and travels without it. What somebody must know before trusting an answer is
therefore inside the file, as plain JSON (after Mitchell et al. 2019, "Model cards for model reporting").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Figure:
    """A metric with its interval.

    of: "network" (measured on images that took no part in fitting or choosing) or "procedure" (out-of-fold: networks
    made in the same way, of which the one in the file is a refit on all images). corrected: for having chosen.
    """

    metric: str
    estimate: float
    low: float | None = None
    high: float | None = None
    level: float = 0.95
    n: int = 0
    groups: int = 0
    of: str = "procedure"
    corrected: bool = True
    higher_is_better: bool = True


@dataclass(frozen=True)
class Card:
    """Facts about a Solution; to_dict() is what Solution.card holds.

    data: name, fingerprint (data.fingerprint), number of images, images by class, origin of the split.
    candidate: approach, model, loss, parameters, multiply-adds and whatever else names the network.
    weights: one mapping (name, source, licence) for each set of pretrained weights inside; empty if none.
    limits: name ("latency_ms", "size_mb", "memory_mb") -> {"asked": number or None, "measured": number}.
    feasible: whether all limits were kept. cautions: sentences somebody should read before relying on it.
    """

    name: str
    data: Mapping[str, Any]
    candidate: Mapping[str, Any]
    figures: Sequence[Figure]
    weights: Sequence[Mapping[str, str]] = ()
    limits: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    feasible: bool = True
    intended_use: str = "Images like those it was fitted on: the same kind of subject, camera and place."
    cautions: Sequence[str] = ()
    created: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def fingerprint(card: Mapping[str, Any]) -> str | None:
    """Fingerprint of the data the Solution was fitted on, where the card tells it."""
    data = card.get("data")
    value = data.get("fingerprint") if isinstance(data, Mapping) else None
    return value if isinstance(value, str) else None


def lines(card: Mapping[str, Any]) -> list[str]:
    """The card as lines of text; any mapping is shown, whatever wrote it."""
    found: list[str] = []
    for key, value in card.items():
        _show(found, key.replace("_", " "), value, 0)
    return found


def _show(found: list[str], key: str, value: Any, depth: int) -> None:
    indent = "  " * depth
    if isinstance(value, Mapping):
        simple = all(not isinstance(v, Mapping | list | tuple) for v in value.values())
        if simple:
            found.append(f"{indent}{key}: {', '.join(f'{k} {_plain(v)}' for k, v in value.items())}")
            return
        found.append(f"{indent}{key}:")
        for name, inner in value.items():
            _show(found, str(name), inner, depth + 1)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        if all(not isinstance(v, Mapping | list | tuple) for v in value):
            found.append(f"{indent}{key}: {', '.join(map(_plain, value)) or 'none'}")
            return
        found.append(f"{indent}{key}:")
        for number, inner in enumerate(value, 1):
            _show(found, str(number), inner, depth + 1)
    else:
        found.append(f"{indent}{key}: {_plain(value)}")


def _plain(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
