"""The user's own labelled photos, nearest first: an index of embeddings with thumbnails, beside the lens.

It is built once, when the lens is made, so that answering reads a few megabytes and compares numbers. Likeness is the
cosine of the network's embeddings: what the network takes for alike, which is what explains its answer. Thumbnails are
re-encoded pixels, so that no EXIF (place, person, camera) comes along; they stay out of the Solution, which may be given
to people who are not to see them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from objectif.apps.lens.arrays import AGAIN, read_arrays, write_arrays
from objectif.data import pixels as data_pixels
from objectif.data.dataset import Dataset
from objectif.errors import ImageError, InputError
from objectif.health.looks import eight_bit_rgb
from objectif.images.prepare import Preparation
from objectif.metrics.similarity import cosines, unit
from objectif.run.gallery import network_of
from objectif.run.predictor import Predictor
from objectif.runs.storage import write_whole
from objectif.solution.file import Solution

FILE, FOLDER = "examples.npz", "examples"
SIDE = 320
"""Pixels of a thumbnail's longer side."""
MOST = 200
"""Photos of one label that are kept, evenly taken: more of them show nothing new and cost disk."""
_BATCH = 16
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Example:
    """A labelled photo. path: in the user's data, for people. thumbnail: a file. likeness: cosine to what was asked."""

    label: str
    path: str
    thumbnail: Path
    likeness: float


@dataclass(frozen=True)
class Examples:
    """embeddings: (n, D) float32 of length 1. labels, paths, thumbnails: n, of each photo."""

    embeddings: NDArray[np.float32] = field(repr=False)
    labels: tuple[str, ...]
    paths: tuple[str, ...]
    thumbnails: tuple[Path, ...] = field(repr=False)

    def __len__(self) -> int:
        return len(self.labels)

    def nearest(self, embedding: NDArray[Any], label: str | None = None, most: int = 3) -> list[Example]:
        """Those most like an embedding (D,), the nearest first; label: of that one alone."""
        rows = [k for k, name in enumerate(self.labels) if label in {None, name}]
        if not rows:
            return []
        alike = cosines(embedding[None], self.embeddings[rows])[0]
        best = np.argsort(-alike, kind="stable")[:most].tolist()
        return [
            Example(self.labels[k], self.paths[k], self.thumbnails[k], float(alike[j]))
            for j, k in ((j, rows[j]) for j in best)
        ]


def build(
    dataset: Dataset, solution: Solution, folder: Path, progress: Progress = lambda *_: None
) -> Examples:
    """The index of a Dataset with one label an image, written into `folder`; photos that cannot be read are left out."""
    rows = _evenly(dataset.truth(), MOST)
    predictor = Predictor(solution)
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    found: list[NDArray[np.float32]] = []
    kept: list[int] = []
    for start in range(0, len(rows), _BATCH):
        read = [
            (row, both)
            for row in rows[start : start + _BATCH]
            if (both := _both(dataset, row, solution.preparation))
        ]
        if read:
            found.append(embedded(predictor, np.stack([pixels for _, (pixels, _) in read])))
        for row, (_, thumbnail) in read:
            write_whole(_thumbnail(folder, len(kept)), thumbnail)
            kept.append(row)
        progress(min(len(rows), start + _BATCH), len(rows))
    if not kept:
        raise InputError(f"{dataset.root}: none of its {len(rows)} photos can be read; expected images.")
    samples = [dataset.samples[row] for row in kept]
    labels, paths = [dataset.classes[s.labels[0]] for s in samples], [s.path for s in samples]
    rows_of = unit(np.concatenate(found))
    write_arrays(folder / FILE, embeddings=rows_of, labels=labels, paths=paths, network=network_of(solution))
    return load(folder, solution)


def load(folder: Path, solution: Solution) -> Examples:
    """The index that was built for this Solution. InputError where it is missing, damaged or of another network."""
    path = folder / FILE
    stored = read_arrays(path, "embeddings", "labels", "paths", "network")
    rows, labels, paths = stored["embeddings"], stored["labels"].tolist(), stored["paths"].tolist()
    if str(stored["network"]) != network_of(solution):
        raise InputError(f"{path} was built with another Solution than the one beside it; {AGAIN}")
    if not len(rows) == len(labels) == len(paths):
        raise InputError(f"{path}: {len(rows)} embeddings for {len(labels)} labels; {AGAIN}")
    files = tuple(_thumbnail(folder, k) for k in range(len(rows)))
    return Examples(np.asarray(rows, np.float32), tuple(labels), tuple(paths), files)


def _thumbnail(folder: Path, row: int) -> Path:
    """The thumbnail's file of a row."""
    return folder / FOLDER / f"{row:05d}.jpg"


def embedded(predictor: Predictor, batch: NDArray[Any]) -> NDArray[np.float32]:
    """(N, D) embeddings of prepared pixels. InputError where the network gives none."""
    outputs = predictor.outputs(batch)
    if "embedding" not in outputs:
        raise InputError(
            "the Solution's network has no output 'embedding'; expected one that objectif exported."
        )
    return outputs["embedding"].reshape(len(batch), -1)


def thumbnail(pixels: NDArray[Any], side: int = SIDE) -> bytes:
    """Pixels (H, W, C) as a JPEG of at most `side` pixels."""
    rgb = eight_bit_rgb(pixels)
    scale = side / max(rgb.shape[:2])
    if scale < 1:
        size = max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale))
        rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    code = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 85])[1]
    return code.tobytes()


def _both(dataset: Dataset, row: int, preparation: Preparation) -> tuple[NDArray[Any], bytes] | None:
    """A photo prepared for the network, and its thumbnail; None where it cannot be read."""
    try:
        pixels = data_pixels.prepared(dataset, [row], preparation, workers=1)[0]
        return pixels, thumbnail(data_pixels.read(dataset, row, min_side=SIDE))
    except ImageError:
        return None


def _evenly(truth: NDArray[np.int64], most: int) -> list[int]:
    """Rows, at most so many of each label, spread over its photos."""
    rows: list[int] = []
    for label in np.unique(truth):
        own = np.flatnonzero(truth == label)
        rows += own[np.unique(np.linspace(0, len(own) - 1, min(most, len(own))).round().astype(int))].tolist()
    return sorted(rows)
