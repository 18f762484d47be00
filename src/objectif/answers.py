"""What a Solution returns for an image: frozen values, numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Label:
    """The class of a whole image, or its classes where a problem is multi-label.

    path: as it was given. classes: C names, the order of `scores`.
    scores: (C,) float32 calibrated probabilities; they sum to 1 unless multi-label.
    labels: the names answered: exactly one, or any number where multi-label.
    """

    path: str
    classes: tuple[str, ...]
    scores: NDArray[np.float32]
    labels: tuple[str, ...]

    @property
    def label(self) -> str:
        """The one name answered; names joined by '|' where the problem is multi-label."""
        return "|".join(self.labels)

    def __str__(self) -> str:
        best = max(map(float, self.scores), default=0.0)
        return f"{self.path}: {self.label or 'none of the classes'} ({best:.3f})"

    def as_dict(self) -> dict[str, object]:
        """JSON-ready: path, label (a list where multi-label answers are not one), scores by class."""
        return {
            "path": self.path,
            "label": self.labels[0] if len(self.labels) == 1 else list(self.labels),
            "scores": {name: round(float(s), 6) for name, s in zip(self.classes, self.scores, strict=True)},
        }
