"""What a Solution returns for an image: frozen values, numpy only."""

from __future__ import annotations

from collections import Counter
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


@dataclass(frozen=True, slots=True)
class Boxes:
    """The objects found in an image, the surest first; there may be none.

    path: as it was given. classes: C names that could have been answered.
    boxes: (n, 4) float32 x1 y1 x2 y2 in pixels of the upright image, x2 and y2 exclusive.
    scores: (n,) float32 in 0..1. labels: the name of each. height, width: of the image, where known.
    """

    path: str
    classes: tuple[str, ...]
    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    labels: tuple[str, ...]
    height: int | None = None
    width: int | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def label(self) -> str:
        """The classes that were found, joined by '|', in the order of `classes`; '' where nothing was."""
        return "|".join(name for name in self.classes if name in self.labels)

    def __str__(self) -> str:
        counts = Counter(self.labels)
        found = ", ".join(f"{counts[name]} {name}" for name in self.classes if counts[name])
        best = f" ({float(self.scores.max()):.3f})" if len(self.labels) else ""
        return f"{self.path}: {found or 'nothing found'}{best}"

    def as_dict(self) -> dict[str, object]:
        """JSON-ready: path, boxes [[x1, y1, x2, y2], ...] to a hundredth of a pixel, labels, scores."""
        return {
            "path": self.path,
            "boxes": [[round(float(v), 2) for v in box] for box in self.boxes],
            "labels": list(self.labels),
            "scores": [round(float(s), 6) for s in self.scores],
        }


Answer = Label | Boxes
