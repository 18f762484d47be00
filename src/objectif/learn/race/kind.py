"""What a Solution knows of its kind of images: the input gate, and the looks and scores that `objectif drift` compares with.

Of heads on fixed features the embedding knows nothing of the images, so each image's distance is taken to the plane of
the others (cross-fitting). A network that was trained has seen its images, and they lie closer than new ones will: there
the distances are those of the first fold's held-out images, in that fold's network, to the plane of its training images.
What is delivered is made in the same way from all images, and a distance is in units of the spread, so it travels; what
drift compares would not, and leaves such embeddings out.

int8 moves embeddings a little (a few hundredths of their distance). Its limit is that of fp32 times the ratio that nine
images in ten stay below.

Test images take no part: they are read once, for the estimate.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from objectif.data.pixels import placed, size
from objectif.images.prepare import Placement, Preparation
from objectif.learn.models import find, find_model
from objectif.learn.models.base import Learner
from objectif.learn.race.answering import answer, halves
from objectif.learn.race.candidate import Candidate
from objectif.learn.race.folds import fold_file
from objectif.run.drift import PLACES, kept, sights, told
from objectif.run.gate import Measures, looks, signature
from objectif.run.gate_fit import LEAST, crossed_distances, fit, fit_space
from objectif.run.network import EMBEDDING, Network
from objectif.solution.file import Precision
from objectif.solution.gate import Floats, Gate, Space

if TYPE_CHECKING:
    from objectif.learn.race.race import Race

MOST, CHUNK, ROUNDED, SCORED = 512, 32, 32, 256
"""Images looked at, at most; at a time; those by which int8 is compared with fp32; and those whose scores are kept for drift."""
TIME = 0.04
"""Share of the time that the race took, which may be spent on looking at images."""


@dataclass(frozen=True)
class _Seen:
    """Images of some rows: looks (n, 6), signatures (n, 60), and embeddings (n, D) by the network that was asked, if any."""

    rows: NDArray[np.int64]
    looks: Floats
    signatures: Floats
    embedding: Floats


@dataclass(frozen=True)
class _Apart:
    """Embeddings (n, D) of some rows that took no part in fitting `space`, nor in training the network."""

    space: Space
    rows: NDArray[np.int64]
    embedding: Floats


@dataclass(frozen=True)
class _Found:
    """The gate; images held out from all of it; embeddings of such images, where there are any; and (n, D) embeddings by
    the fp32 network of the first rows looked at."""

    gate: Gate
    seen: _Seen
    apart: _Apart | None
    own: _Seen


def kind_of(
    race: Race, winner: Candidate, networks: Mapping[Precision, bytes], decoding: Any
) -> dict[str, Any]:
    """The fields gate and known of a Solution, as keywords; none where fewer than LEAST images are there to learn from."""
    rows = np.random.default_rng(race.problem.seed).permutation(race.ground.plan.development())[:MOST]
    if len(rows) < LEAST:
        return {}
    trained = bool(winner.epochs) or isinstance(find(winner.model), Learner)
    look = _Look(race, race.ground.context.preparation(winner.side, winner.preparation))
    found = (_of_trained if trained else _of_heads)(look, winner, networks, rows)
    gate = found.gate
    if "int8" in networks and gate.space is not None:
        gate = _rounded(look, gate, networks["int8"], found.own)
    space = None if found.apart is None else found.apart.space
    arrays = kept(_compared(look, found, networks["fp32"], decoding), space)
    return {"gate": gate.table(), "known": {**gate.arrays(), **arrays}}


@dataclass(frozen=True)
class _Look:
    """How images of a race are looked at."""

    race: Race
    preparation: Preparation

    def network(self, graph: bytes) -> Network:
        """A network asked for embeddings, on all cores."""
        return Network(graph, threads=self.race.executor.cores, needs=(EMBEDDING,))

    def units(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """(n,) the unit of each row, numbered from 0."""
        return np.unique(self.race.ground.context.units[rows], return_inverse=True)[1].astype(np.int64)

    def one_each(self, rows: NDArray[np.int64]) -> list[int]:
        """The first row of each unit, in order."""
        return [int(row) for row in rows[np.sort(np.unique(self.units(rows), return_index=True)[1])]]

    def signed(self, winner: Candidate, seen: _Seen) -> tuple[Floats, NDArray[np.int64]] | None:
        """What fit() takes of signatures: None where pretrained features, which know many more pictures, do better alone."""
        return None if find(winner.model).pretrained else (seen.signatures, self.units(seen.rows))

    def at(self, rows: NDArray[np.int64], network: Network | None, share: float = 1.0) -> _Seen:
        """As many of the rows as there is time for, at least LEAST; share: of the time."""
        seconds, began = share * TIME * self.race.now(), time.monotonic()
        chunk = 1 if self.preparation.fit == "keep" else CHUNK  # pictures of several sizes are no batch
        seen: list[Floats] = []
        signs: list[Floats] = []
        embeddings: list[Floats] = []
        done = 0
        while done < len(rows) and (done < LEAST or time.monotonic() - began < seconds):
            images, places = placed(self.race.ground.dataset, rows[done : done + chunk], self.preparation)
            seen.extend(looks(one, place) for one, place in zip(images, places, strict=True))
            signs.extend(map(signature, images))
            if network is not None:
                embeddings.append(_embedded(network, images, places))
            done += len(images)
        embedding = np.concatenate(embeddings) if embeddings else np.zeros((done, 0), np.float32)
        return _Seen(rows[:done], np.stack(seen), np.stack(signs), embedding)


def _embedded(network: Network, images: NDArray[Any], places: list[Placement]) -> Floats:
    """(n, D) embeddings of prepared images."""
    side = network.side(places)
    parts = [
        network.outputs(images[i : i + 8], (EMBEDDING,), None if side is None else side[i : i + 8])
        for i in range(0, len(images), 8)
    ]
    return np.concatenate([part[EMBEDDING] for part in parts])


def _of_heads(
    look: _Look, winner: Candidate, networks: Mapping[Precision, bytes], rows: NDArray[np.int64]
) -> _Found:
    """Embeddings are the features that heads learn from, computed long ago."""
    race = look.race
    features = np.load(race.need(winner, ("plain",))["plain"], mmap_mode="r")
    seen = look.at(rows, None)
    embedding = np.asarray(features[seen.rows])[:, slice(*find_model(winner.model).columns)]
    units = look.units(seen.rows)
    distances = crossed_distances(embedding, units)
    origin = "images apart from those that it was compared with"
    gate = fit(seen.looks, distances, fit_space(embedding), origin, look.signed(winner, seen))
    first = halves(units)
    apart = None
    if first.sum() >= LEAST and (~first).sum() >= LEAST:
        apart = _Apart(fit_space(embedding[first], PLACES), seen.rows[~first], embedding[~first])
    return _Found(gate, seen, apart, replace(seen, embedding=embedding))


def _of_trained(
    look: _Look, winner: Candidate, networks: Mapping[Precision, bytes], rows: NDArray[np.int64]
) -> _Found:
    """Embeddings are computed here: of the first fold's images in its network, and of all in the delivered one."""
    plan, path = look.race.ground.plan, fold_file(look.race, winner, 0).with_suffix(".onnx")
    held, train = (rows[np.isin(rows, part)] for part in (plan.held(0), plan.train(0)))
    if not path.exists() or min(len(held), len(train)) < LEAST:
        seen = look.at(rows, None)
        gate = fit(
            seen.looks, None, None, "images that it learned from", (seen.signatures, look.units(seen.rows))
        )
        return _Found(gate, seen, None, seen)
    graph = path.read_bytes()
    judged, learned = (look.at(part, look.network(graph), 1 / 3) for part in (held, train))
    plane = fit_space(learned.embedding)
    distances = plane.distances(judged.embedding)
    origin = "held-out images of the first fold"
    if graph == networks["fp32"]:  # it is the first fold's network that is delivered
        apart = _Apart(fit_space(learned.embedding, PLACES), judged.rows, judged.embedding)
        gate = fit(judged.looks, distances, plane, origin, look.signed(winner, judged))
        return _Found(gate, judged, apart, judged)
    everything = look.at(rows, look.network(networks["fp32"]), 1 / 3)
    gate = fit(judged.looks, distances, fit_space(everything.embedding), origin, look.signed(winner, judged))
    return _Found(gate, judged, None, everything)


def _rounded(look: _Look, gate: Gate, graph: bytes, own: _Seen) -> Gate:
    """The gate with a limit for int8."""
    assert gate.space is not None  # the caller has looked
    small = look.at(own.rows[:ROUNDED], look.network(graph), 1 / 3)
    before = gate.space.distances(own.embedding[: len(small.rows)])
    ratio = gate.space.distances(small.embedding) / np.maximum(before, 1e-6)
    most = gate.distance["fp32"] * max(1.0, float(np.quantile(ratio, 0.9)))
    return replace(gate, distance={**gate.distance, "int8": most})


def _compared(look: _Look, found: _Found, network: bytes, decoding: Any) -> list[dict[str, float]]:
    """What drift compares, of one image of each group: looks, and embeddings where apart; scores, see _scores()."""
    apart = found.apart
    embeddings = {} if apart is None else dict(zip(apart.rows.tolist(), apart.embedding, strict=True))
    seen = dict(zip(found.seen.rows.tolist(), found.seen.looks, strict=True))
    space = None if apart is None else apart.space
    rows = [
        sights(Measures(seen[row], embedding=embeddings.get(row)), space)
        for row in look.one_each(found.seen.rows)
    ]
    return [*rows, *_scores(look, network, decoding)]


def _scores(look: _Look, network: bytes, decoding: Any) -> list[dict[str, float]]:
    """Scores of the delivered network for images kept apart for promises; none without such images.

    Scores that other networks gave while an image was held out are a little less sure than those of the delivered one, which
    learned from more images: drift would see that, and call it a change.
    """
    ground = look.race.ground
    rows = np.array(look.one_each(np.flatnonzero(ground.plan.calibration))[:SCORED], np.int64)
    if not len(rows):
        return []
    cores, dataset, task = look.race.executor.cores, ground.dataset, ground.context.task
    answers = answer(ground.context, network, rows, look.preparation, decoding, cores)
    found = task.answers(
        [dataset.samples[row].path for row in rows],
        ("identity",) if task.traits.private else dataset.classes,
        answers,
        decoding,
        dataset.multilabel,
        [Placement(*size(dataset, int(row))) for row in rows],
    )
    return [told(one) for one in found]
