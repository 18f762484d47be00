"""What a Solution returns for an image: frozen values, numpy only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Act = Literal["answer", "defer", "reject"]
_STRIP = 4_000_000  # pixels of a mask that are counted at once


@dataclass(frozen=True, slots=True)
class Judgement:
    """What may be done with an answer.

    act: "answer": rely on it as far as the Solution's promises go; "defer": not sure, a person decides; "reject": the image is
    not of the kind that the Solution knows. reason: why, a sentence without a full stop. among: the classes that it may be,
    the likeliest first, where a promise speaks of sets; else empty.
    """

    act: Act
    reason: str
    among: tuple[str, ...] = ()

    def __str__(self) -> str:
        among = f" {{{', '.join(self.among)}}}" if self.among else ""
        return f"{self.act}{among}: {self.reason}"

    def as_dict(self) -> dict[str, object]:
        """JSON-ready: act, why, and the set where there is one."""
        return {"act": self.act, "why": self.reason, **({"set": list(self.among)} if self.among else {})}


def _judged(judgement: Judgement | None) -> dict[str, object]:
    return {} if judgement is None else judgement.as_dict()


def _added(judgement: Judgement | None) -> str:
    return "" if judgement is None or judgement.act == "answer" else f" [{judgement}]"


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
    judgement: Judgement | None = None

    @property
    def label(self) -> str:
        """The one name answered; names joined by '|' where the problem is multi-label."""
        return "|".join(self.labels)

    def __str__(self) -> str:
        best = max(map(float, self.scores), default=0.0)
        return f"{self.path}: {self.label or 'none of the classes'} ({best:.3f}){_added(self.judgement)}"

    def as_dict(self) -> dict[str, object]:
        """JSON-ready: path, label (a list where multi-label answers are not one), scores by class."""
        return {
            "path": self.path,
            "label": self.labels[0] if len(self.labels) == 1 else list(self.labels),
            "scores": {name: round(float(s), 6) for name, s in zip(self.classes, self.scores, strict=True)},
            **_judged(self.judgement),
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
    judgement: Judgement | None = None

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
        return f"{self.path}: {found or 'nothing found'}{best}{_added(self.judgement)}"

    def as_dict(self) -> dict[str, object]:
        """JSON-ready: path, boxes [[x1, y1, x2, y2], ...] to a hundredth of a pixel, labels, scores."""
        return {
            "path": self.path,
            "boxes": [[round(float(v), 2) for v in box] for box in self.boxes],
            "labels": list(self.labels),
            "scores": [round(float(s), 6) for s in self.scores],
            **_judged(self.judgement),
        }


@dataclass(frozen=True, slots=True)
class Masks:
    """What each pixel of an image is.

    path: as it was given. classes: C names. mask: (H, W) of the upright image, each pixel's class + 256 * its object:
    uint8 where objects are not told apart, else uint32 with objects counted from 1 (metrics.masks reads it).
    background: whether class 0 is what is left when all objects are taken away.
    """

    path: str
    classes: tuple[str, ...]
    mask: NDArray[np.uint8] | NDArray[np.uint32]
    background: bool = True
    judgement: Judgement | None = None

    @property
    def labels(self) -> NDArray[np.uint8]:
        """(H, W) the class of each pixel."""
        return (
            np.asarray(self.mask & 0xFF, np.uint8)
            if self.mask.dtype != np.uint8
            else np.asarray(self.mask, np.uint8)
        )

    @property
    def objects(self) -> NDArray[np.uint32] | None:
        """(H, W) the object of each pixel, 0 where there is none; None where objects are not told apart."""
        return None if self.mask.dtype == np.uint8 else np.asarray(self.mask >> 8, np.uint32)

    @property
    def shares(self) -> dict[str, float]:
        """The share of the pixels of each class."""
        counts = np.zeros(256, np.int64)
        for strip in np.array_split(
            self.mask, max(1, self.mask.size // _STRIP)
        ):  # counting copies to 64 bits
            counts += np.bincount(np.bitwise_and(strip, 0xFF).ravel(), minlength=256)
        total = max(1, self.mask.size)
        return {name: float(n) / total for name, n in zip(self.classes, counts, strict=False)}

    def _strips(self) -> Iterator[NDArray[Any]]:
        """Rows of the mask, some million pixels at a time."""
        high = max(1, _STRIP // max(1, self.mask.shape[1]))
        for top in range(0, len(self.mask), high):
            yield np.asarray(self.mask[top : top + high])

    @property
    def count(self) -> int | None:
        """How many objects there are; None where they are not told apart."""
        if self.mask.dtype == np.uint8:
            return None
        found: set[int] = set()
        for strip in self._strips():
            found.update(np.unique(strip >> 8).tolist())
        return len(found - {0})

    @property
    def label(self) -> str:
        """The classes that occur, without background, joined by '|'."""
        shown = list(self.shares.items())[int(self.background) :]
        return "|".join(name for name, share in shown if share > 0)

    def __str__(self) -> str:
        shown = list(self.shares.items())[int(self.background) :]
        found = ", ".join(f"{share:.1%} {name}" for name, share in shown if share > 0)
        counted = "" if self.count is None else f" ({self.count} objects)"
        return f"{self.path}: {found or 'nothing found'}{counted}{_added(self.judgement)}"

    def as_dict(self) -> dict[str, object]:
        """JSON-ready: path, shape (height, width), shares of the pixels by class, number of objects where told apart."""
        told: dict[str, object] = {
            "path": self.path,
            "shape": list(self.mask.shape),
            "shares": {name: round(share, 6) for name, share in self.shares.items()},
        }
        if self.count is not None:
            told["objects"] = self.count
        return {**told, **_judged(self.judgement)}


@dataclass(frozen=True, slots=True)
class AnomalyMap:
    """How unusual an image is, and where.

    path: as it was given. score: its most unusual place; no unit, comparable under one Solution. threshold: above which it
    is anomalous. cells: (h, w) float32, how unusual each part of the upright image is, seen as h x w cells. height, width:
    of the image in pixels.
    """

    path: str
    score: float
    threshold: float
    cells: NDArray[np.float32]
    height: int
    width: int
    judgement: Judgement | None = None

    @property
    def anomalous(self) -> bool:
        """Whether the score is above the threshold."""
        return self.score > self.threshold

    @property
    def label(self) -> str:
        """'anomalous' or 'good'."""
        return "anomalous" if self.anomalous else "good"

    @property
    def map(self) -> NDArray[np.float32]:
        """(height, width) float32: the cells interpolated at the image's pixels."""
        return _stretched(_stretched(self.cells, self.height).T, self.width).T

    @property
    def place(self) -> tuple[float, float]:
        """(x, y) of the most unusual place, in pixels."""
        row, column = np.unravel_index(int(self.cells.argmax()), self.cells.shape)
        x = (int(column) + 0.5) * self.width / self.cells.shape[1]
        return x, (int(row) + 0.5) * self.height / self.cells.shape[0]

    def __str__(self) -> str:
        return f"{self.path}: {self.label} ({self.score:.3f}, threshold {self.threshold:.3f}){_added(self.judgement)}"

    def as_dict(self) -> dict[str, object]:
        """JSON-ready: path, score, threshold, anomalous, the most unusual place [x, y] in pixels."""
        return {
            "path": self.path,
            "score": round(self.score, 6),
            "threshold": round(self.threshold, 6),
            "anomalous": self.anomalous,
            "place": [round(v, 1) for v in self.place],
            **_judged(self.judgement),
        }


def _stretched(values: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """(length, w) of (h, w): rows interpolated linearly between the middles of cells."""
    at = np.clip((np.arange(length) + 0.5) * len(values) / length - 0.5, 0, len(values) - 1)
    low = np.floor(at).astype(np.int64)
    high = np.minimum(low + 1, len(values) - 1)
    share = (at - low).astype(np.float32)[:, None]
    return np.asarray(values[low] * (1 - share) + values[high] * share, np.float32)


@dataclass(frozen=True, slots=True)
class Picture:
    """An image as it should be.

    path: as it was given. pixels: (H, W, C) float32 in about 0..255, C 1 (gray) or 3 (RGB); numbers a little beyond are
    not cut, because whoever measures an error would then measure the cut.
    """

    path: str
    pixels: NDArray[np.float32]
    judgement: Judgement | None = None

    def rounded(self, bits: int = 8) -> NDArray[np.uint8] | NDArray[np.uint16]:
        """(H, W, C) whole numbers of 8 or 16 bits, as a file has them."""
        if bits == 16:
            return np.asarray(np.clip(np.rint(self.pixels * np.float32(257)), 0, 65535), np.uint16)
        return np.asarray(np.clip(np.rint(self.pixels), 0, 255), np.uint8)

    @property
    def label(self) -> str:
        """'': a picture has no name."""
        return ""

    def __str__(self) -> str:
        height, width, channels = self.pixels.shape
        return f"{self.path}: {width} x {height} pixels, {channels} channel{'s' * (channels > 1)}{_added(self.judgement)}"

    def as_dict(self) -> dict[str, object]:
        """JSON-ready: path, shape (height, width, channels), mean and standard deviation in levels of 0..255."""
        return {
            "path": self.path,
            "shape": list(self.pixels.shape),
            "mean": round(float(self.pixels.mean()), 3),
            "deviation": round(float(self.pixels.std()), 3),
            **_judged(self.judgement),
        }


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry of a gallery and how like it an image is. negative: an entry that is known and not to be named."""

    name: str
    score: float
    negative: bool = False


@dataclass(frozen=True, slots=True)
class Identity:
    """Who or which one an image shows, or nobody known.

    path: as it was given. name: of the entry, None where nobody known is seen. score: cosine to the nearest entry, -1..1,
    None where there was no gallery. threshold: what a score must exceed for a name, None likewise. candidates: entries,
    the nearest first. reason: why this name, or none. embedding: (D,) float32 of length 1, to search or to enrol.
    height, width: of the image, where known.
    """

    path: str
    name: str | None
    score: float | None
    threshold: float | None
    candidates: tuple[Candidate, ...]
    reason: str
    embedding: NDArray[np.float32]
    height: int | None = None
    width: int | None = None
    judgement: Judgement | None = None

    @property
    def label(self) -> str:
        """The name; '' where there is none."""
        return self.name or ""

    def __str__(self) -> str:
        score = "" if self.score is None else f" ({self.score:.3f})"
        return f"{self.path}: {self.name or 'nobody known'}{score}: {self.reason}{_added(self.judgement)}"

    def as_dict(self) -> dict[str, object]:
        """JSON-ready: path, name (null where nobody known), score, threshold, candidates, reason; no embedding."""

        def short(value: float | None) -> float | None:
            return None if value is None or not np.isfinite(value) else round(value, 6)

        return {
            "path": self.path,
            "name": self.name,
            "score": short(self.score),
            "threshold": short(self.threshold),
            "candidates": [
                {"name": c.name, "score": round(c.score, 6), **({"negative": True} if c.negative else {})}
                for c in self.candidates
            ],
            "reason": self.reason,
            **_judged(self.judgement),
        }


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number, or a stage of some that are in order, with the interval that is meant to hold the truth.

    path: as it was given. classes: the name of the quantity, or S names of stages, lowest first. value, low, high: numbers,
    or indices of stages. coverage: share of such intervals that hold the truth, for subjects like those learned from.
    scores: (S,) float32 probabilities of the stages, None for a number.
    """

    path: str
    classes: tuple[str, ...]
    value: float
    low: float
    high: float
    coverage: float
    scores: NDArray[np.float32] | None = None
    judgement: Judgement | None = None

    @property
    def label(self) -> str:
        """The stage, or the number to six digits."""
        return self._told(self.value)

    def cells(self) -> tuple[str, str, str]:
        """Answer, low, high as a table has them."""
        return self.label, self._told(self.low), self._told(self.high)

    def _told(self, value: float) -> str:
        return f"{value:.6g}" if self.scores is None else self.classes[round(value)]

    def __str__(self) -> str:
        name = f"{self.classes[0]} " if self.scores is None else ""
        between = f"{self._told(self.low)} to {self._told(self.high)}"
        return f"{self.path}: {name}{self.label} ({between} with {self.coverage:.0%}){_added(self.judgement)}"

    def as_dict(self) -> dict[str, object]:
        """JSON-ready: path, the quantity's name and value, or the stage and probabilities; interval, coverage."""
        if self.scores is None:
            told: dict[str, object] = {"quantity": self.classes[0], "value": round(self.value, 6)}
            ends: list[object] = [round(self.low, 6), round(self.high, 6)]
        else:
            scores = {name: round(float(s), 6) for name, s in zip(self.classes, self.scores, strict=True)}
            told, ends = (
                {"stage": self.label, "scores": scores},
                [self._told(self.low), self._told(self.high)],
            )
        return {
            "path": self.path,
            **told,
            "interval": ends,
            "coverage": self.coverage,
            **_judged(self.judgement),
        }


Answer = Label | Boxes | Masks | Quantity | Picture | Identity | AnomalyMap
