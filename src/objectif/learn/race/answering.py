"""What an exported network answers for images of the Dataset, by the task's own decoding; the same for every task."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.data.pixels import placed
from objectif.images.prepare import Placement, Preparation
from objectif.learn.race.candidate import Context
from objectif.run.network import Network

Outputs = dict[str, NDArray[Any]]
CHUNK = 32


def portions(
    known: Context, graph: bytes, rows: NDArray[np.int64], preparation: Preparation, threads: int
) -> Iterator[tuple[Outputs, list[Placement]]]:
    """Outputs of the exported network, and where each picture lay, for some of the rows after the other."""
    network = Network(graph, threads=threads, needs=known.task.outputs)
    if preparation.fit == "keep":  # pictures of several sizes are no batch
        for row in rows:
            images, places = placed(known.dataset, [int(row)], preparation)
            yield network.outputs(images, known.task.outputs), places
        return
    for start in range(0, len(rows), CHUNK):
        images, places = placed(known.dataset, rows[start : start + CHUNK], preparation)
        side, needed = network.side(places), known.task.outputs
        parts = [
            network.outputs(images[i : i + 8], needed, None if side is None else side[i : i + 8])
            for i in range(0, len(images), 8)
        ]
        yield {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}, places


def answer(
    known: Context,
    graph: bytes,
    rows: NDArray[np.int64],
    preparation: Preparation,
    decoding: Any,
    threads: int = 1,
) -> NDArray[Any]:
    """(n, ...) answers of the exported network for these rows under one decoding."""
    multi = known.dataset.multilabel
    parts = [
        known.task.decode(outputs, decoding, multi, places)
        for outputs, places in portions(known, graph, rows, preparation, threads)
    ]
    return known.task.stacked(parts, known.truth())


def crossed(
    known: Context, graph: bytes, rows: NDArray[np.int64], preparation: Preparation, threads: int
) -> tuple[NDArray[Any], Any]:
    """(n, ...) answers for held-out rows, and a decoding fitted on all of them.

    Each half of the rows is decoded as the other half wants it, so that no answer is better for having been looked at.
    """
    if preparation.fit == "keep":  # nothing is fitted where the network gives the picture itself
        plain = known.task.decoding()
        return answer(known, graph, rows, preparation, plain, threads), plain
    found = list(portions(known, graph, rows, preparation, threads))
    outputs = {name: np.concatenate([o[name] for o, _ in found]) for name in known.task.outputs}
    places = [place for _, some in found for place in some]
    truth, multi = known.truth()[rows], known.dataset.multilabel

    def fitted(inside: NDArray[np.bool_]) -> Any:
        if not inside.any():  # a single unit has no other half
            inside = ~inside
        some = {name: value[inside] for name, value in outputs.items()}
        return known.task.fit_decoding(some, truth[inside], multi, _of(places, inside), known.metric)

    first = halves(known.units[rows])
    parts, order = [], []
    for half in (first, ~first):
        if half.any():
            some = {name: value[half] for name, value in outputs.items()}
            part = known.task.decode(some, fitted(~half), multi, _of(places, half))
            parts.append(part)
            order.append(np.flatnonzero(half))
    answers = known.task.stacked(parts, known.truth())
    return answers[np.argsort(np.concatenate(order))], fitted(np.ones(len(rows), np.bool_))


def halves(units: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(n,) one half of the images, no unit on both sides."""
    order = {unit: place for place, unit in enumerate(dict.fromkeys(units.tolist()))}
    return np.array([order[unit] % 2 == 0 for unit in units.tolist()], np.bool_)


def _of(places: Sequence[Placement], inside: NDArray[np.bool_]) -> list[Placement]:
    return [place for place, kept in zip(places, inside, strict=True) if kept]


def write_decoding(path: Path, decoding: Any) -> None:
    """Keep a decoding beside a network of the race."""
    path.write_text(json.dumps(decoding.to_dict()), encoding="utf-8")


def read_decoding(known: Context, path: Path) -> Any:
    """The decoding that was kept there."""
    return known.task.decoding(json.loads(path.read_text(encoding="utf-8")))
