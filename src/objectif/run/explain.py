"""Why an answer: a map over the picture of what speaks for it, and a sentence.

Where a network's head is linear after pooling, it carries the exact map among its outputs (a class activation map: what
each place adds to a class's score) and nothing has to be tried. Everything else is asked again with parts hidden
(occlusion.py). A mask and a map of anomalies are their own explanation. A restored picture has none: each of its pixels is
an answer with a reason of its own.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from objectif.answers import AnomalyMap, Answer, Masks, Picture
from objectif.errors import InputError
from objectif.images import photo
from objectif.images.prepare import Placement, placement, prepare
from objectif.metrics.masks import classes_of
from objectif.run.asked import Question, evidence, place_of, question
from objectif.run.network import Network, cores
from objectif.run.occlusion import GRID, check_grid, occlusion
from objectif.run.on_picture import gathered, on_picture
from objectif.run.predictor import Predictor
from objectif.tasks.classify import Decoding

Method = Literal["cam", "occlusion", "answer"]
METHODS = ("auto", "cam", "occlusion")
LEAST_CELLS = 9  # of a map: a coarser one says less than occlusion does
_COARSE = (
    128  # pixels of a map's longer side on which its sentence is made: sorting all of a photo takes a second
)


@dataclass(frozen=True, eq=False)
class Explanation:
    """What speaks for an answer, and where.

    path: as it was given. label: the class, quantity or likeness that is explained. map: (H, W) float32 on the upright picture;
    above 0 speaks for it, below 0 against it. cells: (h, w) the same as it was found, on the prepared image. method: "cam"
    (exact), "occlusion", or "answer", where the answer is its own explanation. unit: of the map. hot: the value that is
    painted hottest. told: the answer in words. sentence: what the map says.
    """

    path: str
    label: str
    map: NDArray[np.float32]
    cells: NDArray[np.float32]
    method: Method
    unit: str
    hot: float
    told: str
    sentence: str

    @property
    def point(self) -> tuple[float, float]:
        """(x, y) of the hottest place, in pixels."""
        row, column = np.unravel_index(int(self.map.argmax()), self.map.shape)
        return float(column) + 0.5, float(row) + 0.5

    def __str__(self) -> str:
        return f"{self.path}: {self.sentence}"


@dataclass(frozen=True)
class Seen:
    """A prepared picture with what the network gave for it. decoded: (1, ...) as the task's metrics take it."""

    name: str
    pixels: NDArray[Any]
    place: Placement
    outputs: Mapping[str, NDArray[np.float32]]
    decoded: NDArray[Any]
    answer: Answer


class Explainer:
    """Explains answers of a Solution's Predictor, with a network of its own on all cores.

    method: "cam" insists on the exact map, "occlusion" on hiding; "auto" takes the first where there is one. grid: windows
    along a side for occlusion. InputError where there is no such map, or for a task without explanations.
    """

    def __init__(self, predictor: Predictor, *, method: str = "auto", grid: int = GRID) -> None:
        solution = predictor.solution
        if method not in METHODS:
            raise InputError(f"method {method!r}; expected one of {', '.join(METHODS)}.")
        if solution.task == "restore":
            raise InputError(
                "a restored picture has no explanation: each of its pixels answers for itself. Compare it with the picture given."
            )
        check_grid(grid)
        self.predictor, self.solution, self.task, self.grid = predictor, solution, predictor.task, grid
        self.network = Network(
            solution.networks[predictor.precision], threads=cores(), needs=predictor.task.outputs
        )
        mapped = "map" in self.network.names
        if method == "cam" and not mapped:
            raise InputError(
                "this Solution's network has no exact map: its head is not linear after pooling. Use occlusion."
            )
        self.exact, self.insists = mapped and method != "occlusion", method == "cam"

    def explain(
        self,
        image: str | Path | bytes | NDArray[Any],
        label: str | None = None,
        *,
        name: str = "image",
        known: Mapping[str, float] | None = None,
        like: NDArray[np.float32] | None = None,
    ) -> Explanation:
        """The Explanation of one image: a file, encoded bytes, or pixels (H, W, C).

        label: a class in place of the one answered. name: of what is no file. known: what is known of it beside its pixels, as
        far as the Predictor does not. like: (D,) embedding in place of the image's own, where the task is identify. ImageError
        where it cannot be read, InputError where there is nothing to explain.
        """
        return self.of(self.see(image, name=name, known=known), label, like)

    def see(
        self,
        image: str | Path | bytes | NDArray[Any],
        *,
        name: str = "image",
        known: Mapping[str, float] | None = None,
    ) -> Seen:
        """The picture prepared and answered, to be explained for one class or several."""
        if isinstance(image, str | Path):
            name = str(image)
        pixels = (
            image
            if isinstance(image, np.ndarray)
            else photo.read(image if isinstance(image, bytes) else Path(image), name=name)
        )
        preparation = self.solution.preparation
        beside = {**(known or {}), **self.predictor.known.get(os.path.realpath(name), {})}
        place = replace(placement(pixels.shape[0], pixels.shape[1], preparation), known=beside)
        ready = prepare(pixels, preparation, name=name)
        names = (*self.task.outputs, *(("map",) if self.exact else ()))
        outputs = self.network.outputs(ready[None], names, self.network.side([place]))
        decoded = self.decoded(outputs, place)
        [answer] = self.task.answers(
            [name], self.solution.classes, decoded, self.solution.decoding, self.solution.multilabel, [place]
        )
        return Seen(name, ready, place, outputs, decoded, answer)

    def of(
        self, seen: Seen, label: str | None = None, like: NDArray[np.float32] | None = None
    ) -> Explanation:
        """The Explanation of a picture that was seen; as explain()."""
        return self.each(seen, [label], like)[0]

    def each(
        self, seen: Seen, labels: Sequence[str | None], like: NDArray[np.float32] | None = None
    ) -> list[Explanation]:
        """An Explanation for each of several classes, None for the one answered; occlusion hides each part once for all."""
        answer = seen.answer
        if isinstance(answer, AnomalyMap):
            return [_anomaly(answer, label) for label in labels]
        if isinstance(answer, Masks):
            return [_masks(answer, label) for label in labels]
        assert not isinstance(answer, Picture)
        asked = [question(self.solution, answer, seen.decoded, label, like) for label in labels]
        maps = [cells for one in asked if (cells := self.map(seen, one)) is not None]
        method: Method = "cam"
        if len(maps) < len(asked):
            method = "occlusion"
            maps = list(
                occlusion(seen.pixels, lambda batch: self.values(batch, seen.place, asked), self.grid)
            )
        return [_explanation(seen, one, cells, method) for one, cells in zip(asked, maps, strict=True)]

    def map(self, seen: Seen, asked: Question) -> NDArray[np.float32] | None:
        """(h, w) the exact map for a question; None where there is none, or one too coarse."""
        if not self.exact:
            return None
        cells = seen.outputs["map"][0]
        if cells.shape[0] * cells.shape[1] < LEAST_CELLS and not self.insists:
            return None
        decoding = self.solution.decoding
        heat = decoding.temperature if isinstance(decoding, Decoding) else 1.0
        several = asked.column is not None and not self.solution.multilabel
        return evidence(cells, seen.decoded[0] if several else None, asked.column, heat)

    def values(self, batch: NDArray[Any], place: Placement, asked: Sequence[Question]) -> NDArray[np.float64]:
        """(n, K) what is asked, of prepared images (n, H, W, C) that lie as one picture does."""
        side = self.network.side([place])
        outputs = self.network.outputs(
            batch, self.task.outputs, None if side is None else np.repeat(side, len(batch), 0)
        )
        decoded = self.decoded(outputs, place)
        return np.stack([one.value(decoded) for one in asked], axis=1)

    def decoded(self, outputs: Mapping[str, NDArray[np.float32]], place: Placement) -> NDArray[Any]:
        """Outputs (n, ...) as the task's metrics take them."""
        n = len(next(iter(outputs.values())))
        return self.task.decode(outputs, self.solution.decoding, self.solution.multilabel, [place] * n)


def _explanation(seen: Seen, asked: Question, cells: NDArray[np.float32], method: Method) -> Explanation:
    whole = on_picture(cells, seen.place, (seen.pixels.shape[0], seen.pixels.shape[1]))
    hot = max(float(whole.max()), asked.least)
    words = _sentence(asked, whole, method)
    return Explanation(seen.name, asked.label, whole, cells, method, asked.unit, hot, asked.told, words)


def explain(
    predictor: Predictor,
    image: str | Path | bytes | NDArray[Any],
    label: str | None = None,
    *,
    method: str = "auto",
    grid: int = GRID,
    like: NDArray[np.float32] | None = None,
) -> Explanation:
    """Why a Predictor answers as it does for one image; of many images, one Explainer is quicker. See Explainer.explain()."""
    return Explainer(predictor, method=method, grid=grid).explain(image, label, like=like)


def _sentence(asked: Question, whole: NDArray[np.float32], method: Method) -> str:
    """Where half of what speaks for it lies, and what the map means."""
    found = gathered(whole)
    if found is None or float(whole.max()) < 1e-3 * asked.least:
        return f"{asked.told}: no part of the picture speaks for it more than others do"
    share, (x, y) = found
    height, width = whole.shape
    where = (
        f"{_third(y / height, ('top', 'middle', 'bottom'))} {_third(x / width, ('left', 'centre', 'right'))}"
    )
    half = f"{asked.told}: half of what speaks for it lies in {share:.0%} of the picture, around the {where} ({x:.0f}, {y:.0f})"
    if method == "cam":
        return f"{half}; exact: the mean of the map and a constant make the score"
    return f"{half}; hiding the hottest part lowers {asked.unit} by {float(whole.max()):.2g}"


def _third(share: float, names: tuple[str, str, str]) -> str:
    return names[min(2, int(3 * share))]


def _anomaly(answer: AnomalyMap, label: str | None) -> Explanation:
    """How far above what is usual each place is."""
    if label is not None:
        raise InputError(f"class {label!r}: an anomaly map has no classes to choose from. Leave it out.")
    x, y = answer.place
    told = f"{answer.label} {answer.score:.3f}"
    sentence = (
        f"{told}: the score is that of the most unusual place, at ({x:.0f}, {y:.0f}); the map is the answer itself, hot from the "
        f"threshold {answer.threshold:.3f} on"
    )
    hot = max(abs(answer.threshold), 1e-9)
    return Explanation(
        answer.path, answer.label, answer.map, answer.cells, "answer", "score", hot, told, sentence
    )


def _masks(answer: Masks, label: str | None) -> Explanation:
    """The pixels of a class: the most frequent one that is no background."""
    shares = dict(list(answer.shares.items())[int(answer.background) :])
    name = max(shares, key=lambda one: shares[one]) if label is None else label
    place = place_of(answer.classes, name)
    of_class = (classes_of(answer.mask) == place).astype(np.float32)
    told = f"{name} on {of_class.mean():.1%} of the picture"
    sentence = f"{told}: a mask says where by itself; the map is 1 on its pixels"
    return Explanation(answer.path, name, of_class, of_class, "answer", "mask", 1.0, told, sentence)
