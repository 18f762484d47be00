"""What trials share: the context, files written whole, features and the rows that heads are fitted on."""

from __future__ import annotations

import os
import pickle
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.learn.export.template import fill, template
from objectif.learn.fit.heads import Head, Rotated, fit_head
from objectif.learn.models import find_model
from objectif.learn.models.base import Model
from objectif.learn.race.candidate import Candidate, Context
from objectif.plugins import load
from objectif.run.network import Network as Runner
from objectif.tasks.classify import Decoding, decode

Tell = Callable[[Any], None]
BATCH = 16


def read_context(path: Path) -> Context:
    """The context as the solving process wrote it (a file of this run, made seconds ago by ourselves)."""
    with open(path, "rb") as file:
        context: Context = pickle.load(file)
    return context


def save(path: Path, array: NDArray[Any]) -> None:
    """Write an array whole or not at all."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    with os.fdopen(handle, "wb") as file:
        np.save(file, array)
    os.replace(temporary, path)


def extractor(context: Context, model: Model, folder: Path) -> bytes:
    """The exported extractor with its own weights, ready to run; kept in the work folder."""
    path = folder / f"{model.features.replace('/', '_').replace(':', '_')}-{context.channels}.onnx"
    if path.exists():
        return path.read_bytes()
    graph = fill(template(model, context.channels, context.floating))
    temporary = path.with_suffix(f".{os.getpid()}.part")
    temporary.write_bytes(graph)
    os.replace(temporary, path)
    return graph


@dataclass
class Material:
    """Rows to fit heads on: rotated once, shared by all losses; `seeds` keeps one inner holdout for each seed."""

    rotated: Rotated
    seeds: dict[int, Rotated] = field(default_factory=dict)

    def of(self, seed: int) -> Rotated:
        """The same rotation with this seed's inner holdout."""
        if seed not in self.seeds:
            self.seeds[seed] = self.rotated.reseeded(seed)
        return self.seeds[seed]


def material(
    context: Context,
    arrays: dict[str, NDArray[np.float32]],
    rows: NDArray[np.int64],
    views: bool,
    columns: tuple[int, int | None],
) -> Material:
    """The training rows of `views` (or of the plain images alone) with all that a head needs to know."""
    chosen = list(arrays) if views else ["plain"]
    features = np.concatenate([np.asarray(arrays[view][rows])[:, slice(*columns)] for view in chosen])
    truth = np.concatenate([context.truth()[rows]] * len(chosen))
    weight = np.tile(context.weight()[rows], len(chosen)) / len(chosen)
    units = np.tile(context.units[rows], len(chosen))
    return Material(Rotated(features, truth, groups=units, weight=weight))


def head_of(context: Context, data: Material, loss: str, seed: int) -> Head:
    """Solve one head; the rotation of the features is shared by all losses and seeds."""
    return fit_head(data.of(seed), load("losses", loss), classes=len(context.dataset.classes))


def out_of_fold(
    known: Context,
    arrays: dict[str, NDArray[np.float32]],
    cache: dict[Any, Material],
    candidate: Candidate,
    seed: int,
) -> NDArray[np.float32]:
    """(n_scored, C) probabilities of each image by the head that has not seen it."""
    columns = find_model(candidate.model).columns
    scores = np.full((len(known.dataset), len(known.dataset.classes)), np.nan, np.float32)
    for fold in range(known.plan.folds):
        key = (fold, candidate.views, columns)
        if key not in cache:
            cache[key] = material(known, arrays, known.plan.train(fold), candidate.views, columns)
        held = known.plan.held(fold)
        head = head_of(known, cache[key], candidate.loss, seed)
        logits = head.logits(np.asarray(arrays["plain"][held])[:, slice(*columns)])
        scores[held] = decode(logits, Decoding(), known.dataset.multilabel)
    return scores[known.plan.scored()]


def logits(runner: Runner, images: NDArray[Any]) -> NDArray[np.float32]:
    return np.concatenate([runner.scores(images[i : i + BATCH]) for i in range(0, len(images), BATCH)])
