"""What a Solution knows of its kind of images: the input gate, and the looks and scores that `objectif drift` compares with.

Of heads on fixed features the embedding knows nothing of the images, so each image's distance is taken to the plane of
the others (cross-fitting). A network that was trained has seen its images, and they lie closer than new ones will: there
the distances are those of the first fold's held-out images, in that fold's network, to the plane of its training images;
what is delivered is made in the same way from all images. A distance is in units of the spread, so it travels.

Test images take no part: they are read once, for the estimate.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from objectif.data.pixels import placed, size
from objectif.images.prepare import Placement, Preparation
from objectif.learn.models import find, find_model
from objectif.learn.models.base import Learner
from objectif.learn.race.answering import halves
from objectif.learn.race.candidate import Candidate
from objectif.learn.race.folds import fold_file
from objectif.run.drift import KEPT, PLACES, kept, looked, told
from objectif.run.gate import Measures, looks
from objectif.run.gate_fit import LEAST, crossed_distances, fit, fit_space
from objectif.run.network import Network
from objectif.solution.gate import Floats, Gate, Space

if TYPE_CHECKING:
    from objectif.learn.race.race import Race

MOST, CHUNK = 512, 32
"""Images looked at, at most, and at a time."""
TIME = 0.04
"""Share of the budget that may be spent on it."""


@dataclass
class _Seen:
    """Images of some rows: their looks (n, 6), and embeddings (n, D) by each network asked."""

    rows: NDArray[np.int64]
    looks: Floats
    embeddings: list[Floats]


def kind_of(race: Race, winner: Candidate, networks: Mapping[str, bytes], decoding: Any) -> dict[str, Any]:
    """The fields gate and known of a Solution, as keywords."""
    known, rng = race.ground.context, np.random.default_rng(race.problem.seed)
    preparation = known.preparation(winner.side, winner.preparation)
    rows = rng.permutation(race.ground.plan.development())[:MOST]
    if len(rows) < LEAST:
        return {}
    seconds = TIME * race.problem.budget
    trained = bool(winner.epochs) or isinstance(find(winner.model), Learner)
    of = _of_trained if trained else _of_heads
    gate, seen, far = of(race, winner, networks, rows, preparation, seconds)
    arrays = kept(_numbers(race, winner, seen, far, decoding), None if far is None else far.space)
    return {"gate": gate.table(), "known": {**gate.arrays(), **arrays}}


def _of_heads(
    race: Race,
    winner: Candidate,
    networks: Mapping[str, bytes],
    rows: NDArray[np.int64],
    preparation: Preparation,
    seconds: float,
) -> tuple[Gate, _Seen, _Far | None]:
    """Embeddings are the features that the heads learned from, already computed."""
    features = np.load(race.need(winner, ("plain",))["plain"], mmap_mode="r")
    seen = _seen(race, rows, preparation, [], seconds)
    rows = seen.rows
    embedding = np.asarray(features[rows])[:, slice(*find_model(winner.model).columns)]
    units = _units(race, rows)
    gate = fit(seen.looks, crossed_distances(embedding, units), fit_space(embedding), "cross-fitted images")
    return gate, seen, _apart(rows, embedding, units)


def _of_trained(
    race: Race,
    winner: Candidate,
    networks: Mapping[str, bytes],
    rows: NDArray[np.int64],
    preparation: Preparation,
    seconds: float,
) -> tuple[Gate, _Seen, _Far | None]:
    """Embeddings are computed here: of the first fold's images in its network, and of all in the delivered one."""
    plan, path = race.ground.plan, fold_file(race, winner, 0).with_suffix(".onnx")
    network = Network(networks["fp32"], threads=race.executor.cores, needs=("embedding",))
    if not path.exists():
        return (
            fit((seen := _seen(race, rows, preparation, [], seconds)).looks, None, None, "images"),
            seen,
            None,
        )
    first = Network(path.read_bytes(), threads=race.executor.cores, needs=("embedding",))
    held, train = (np.intersect1d(rows, part) for part in (plan.held(0), plan.train(0)))
    if min(len(held), len(train)) < LEAST:
        held, train = plan.held(0)[:MOST], plan.train(0)[:MOST]
    judged = _seen(race, held, preparation, [first], seconds / 3)
    learned = _seen(race, train, preparation, [first], seconds / 3)
    everything = _seen(race, rows, preparation, [network], seconds / 3)
    distances = fit_space(learned.embeddings[0]).distances(judged.embeddings[0])
    gate = fit(
        judged.looks, distances, fit_space(everything.embeddings[0]), "held-out images of the first fold"
    )
    return gate, judged, None


@dataclass(frozen=True)
class _Far:
    """The plane of one half of the images, and which rows are of the other half, with their embeddings."""

    space: Space
    rows: NDArray[np.int64]
    embedding: Floats


def _apart(rows: NDArray[np.int64], embedding: Floats, units: NDArray[np.int64]) -> _Far | None:
    """One half's plane tells of the other half as it will of new images."""
    first = halves(units)
    if min(first.sum(), (~first).sum()) < 2:
        return None
    return _Far(fit_space(embedding[first], PLACES), rows[~first], embedding[~first])


def _numbers(
    race: Race, winner: Candidate, seen: _Seen, far: _Far | None, decoding: Any
) -> list[dict[str, float]]:
    """Of one image of each group what drift compares: looks, where far from the plane, and held-out scores."""
    plan, task, dataset = race.ground.plan, race.ground.context.task, race.ground.dataset
    looked_at = dict(zip(seen.rows.tolist(), seen.looks, strict=True))
    places = {} if far is None else dict(zip(far.rows.tolist(), far.embedding, strict=True))
    scored = {int(row): k for k, row in enumerate(plan.scored())}
    answers = race.board.one(winner)
    chosen = [row for row in (places or looked_at) if row in scored and row in looked_at]
    units = race.ground.context.units
    first: dict[int, int] = {}
    for row in chosen:
        first.setdefault(int(units[row]), row)
    numbers = []
    for row in list(first.values())[:KEPT]:
        measures = Measures(looked_at[row], 0.0, places.get(row))
        place = Placement(*size(dataset, row))
        found = task.answers(
            [dataset.samples[row].path],
            dataset.classes,
            answers[scored[row]][None],
            decoding,
            dataset.multilabel,
            [place],
        )
        numbers.append({**looked(measures, None if far is None else far.space), **told(found[0])})
    return numbers


def _units(race: Race, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.unique(race.ground.context.units[rows], return_inverse=True)[1].astype(np.int64)


def _seen(
    race: Race,
    rows: NDArray[np.int64],
    preparation: Preparation,
    networks: list[Network],
    seconds: float,
) -> _Seen:
    """As many of the rows as can be looked at in the time, at least LEAST and a chunk."""
    began, chunk = time.monotonic(), 1 if preparation.fit == "keep" else CHUNK
    parts: list[Floats] = []
    embeddings: list[list[Floats]] = [[] for _ in networks]
    done = 0
    while done < len(rows) and (done < LEAST or time.monotonic() - began < seconds):
        images, places = placed(race.ground.dataset, rows[done : done + chunk], preparation)
        parts.append(np.stack([looks(one, place) for one, place in zip(images, places, strict=True)]))
        for network, found in zip(networks, embeddings, strict=True):
            found.append(embedded(network, images, places))
        done += len(images)
    return _Seen(rows[:done], np.concatenate(parts), [np.concatenate(found) for found in embeddings])


def embedded(network: Network, images: NDArray[Any], places: list[Placement]) -> Floats:
    """(n, D) embeddings of prepared images."""
    side = network.side(places)
    parts = [
        network.outputs(images[i : i + 8], ("embedding",), None if side is None else side[i : i + 8])
        for i in range(0, len(images), 8)
    ]
    return np.concatenate([part["embedding"] for part in parts])
