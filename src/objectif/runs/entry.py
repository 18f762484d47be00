"""One candidate as the verdict meets it: who it is, what it scored, what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Ran = Literal["ran", "dropped", "failed", "over_limit"]
LIMITS = ("latency_ms", "size_mb", "memory_mb")
NO_LOSS = "none"
"""Written as the loss of a candidate whose fitting takes none."""


@dataclass(frozen=True)
class Entry:
    """A candidate of the race.

    scores: (S, N, ...) answers of S seeds to the N scored images, in one order for all: (S, N, C) probabilities,
    (S, N, M, 6) boxes; None where it never got that far. params: parameters. macs: multiply-adds for one image. latency_ms, size_mb, memory_mb:
    measured on the exported file, None where not measured.
    setting: whatever else tells candidates apart ("256 px", "8 epochs"), held equal in tables.
    status: "ran" (trained to the end), "dropped" at `rung` of the halving, "failed", "over_limit" (known
    before it ran); `reason` says why.
    """

    id: str
    approach: str
    model: str
    loss: str
    preparation: str
    scores: NDArray[np.floating[Any]] | None
    params: int = 0
    macs: int = 0
    latency_ms: float | None = None
    size_mb: float | None = None
    memory_mb: float | None = None
    status: Ran = "ran"
    rung: int = 0
    reason: str = ""
    setting: str = ""

    @property
    def seeds(self) -> int:
        """How many seeds were scored."""
        return 0 if self.scores is None else len(self.scores)

    def excess(self, limits: Mapping[str, float]) -> dict[str, float]:
        """Limit -> measured / allowed for each limit that is broken; infinite where it was not measured."""
        broken = {}
        for name, allowed in limits.items():
            measured = getattr(self, name)
            ratio = float("inf") if measured is None else measured / allowed
            if ratio > 1.0:
                broken[name] = ratio
        return broken
