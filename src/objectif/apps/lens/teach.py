"""Teach a lens from three to five photos, without training: "it is not that, it is this", or a kind that is new.

The photos become an entry of a gallery, as the identify engine enrols a person (run/gallery.py): a name and embeddings.
A new photo looks like what was taught where its cosine to the entry's mean is above a threshold. The threshold comes from
the user's own examples of all other labels: at most one in a hundred of them may pass. Beside it stands how many of the
taught photos would themselves be recognised by the others. Both are evidence to accept on or not.

What is taught waits in a gallery of its own and changes no answer until somebody accepts it: anybody with the page open
can teach, and a class from four photos has been measured on four photos. After that it is named as taught, never with the
promised accuracy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.apps.lens.nearest import Examples, embedded
from objectif.errors import InputError
from objectif.images.prepare import load as prepared
from objectif.metrics.similarity import cosines, unit
from objectif.problem.readers import close_to
from objectif.run.gallery import Entry, Gallery, network_of
from objectif.run.predictor import Predictor
from objectif.runs.storage import write_whole
from objectif.solution.file import Solution

WAITING, ACCEPTED = "waiting.gallery", "accepted.gallery"
PICTURES = "taught"
FEWEST, MOST = 3, 50
PASS = 0.01
"""Share of examples of other labels that may be taken for what was taught."""


@dataclass(frozen=True)
class Lesson:
    """What was taught under one name, and how well it can be told.

    photos: taught. threshold: cosine from which a photo looks like it. known: of the taught photos, those recognised by the
    others. others: examples of other labels; passed: how many of them look like it.
    """

    name: str
    photos: int
    threshold: float
    known: int
    others: int
    passed: int


def opened(folder: Path, name: str, solution: Solution) -> Gallery:
    """A lens's gallery, empty where there is none. InputError where it is damaged or of another network."""
    side = max(solution.preparation.height, solution.preparation.width)
    if not (folder / name).exists():
        return Gallery(network_of(solution), side)
    found = Gallery.load(folder / name)
    if found.network != network_of(solution):
        raise InputError(
            f"{folder / name} was taught to another Solution; move it away and teach the photos again."
        )
    return found


def teach(
    folder: Path, waiting: Gallery, name: str, taught: Sequence[tuple[bytes, NDArray[Any], bytes]]
) -> Gallery:
    """The waiting gallery with an entry of that name, or with more photos of it; written beside the lens.

    taught: of each photo its encoded bytes, embedding (D,) and the picture to keep of it, encoded too. InputError: no name, too few or too many
    photos, one that another name has.
    """
    name = " ".join(name.split())
    if not name or len(name) > 80 or not name.isprintable():
        raise InputError(f"the name is {name[:80]!r}; expected 1 to 80 letters that people can read.")
    sums = [hashlib.sha256(content).hexdigest() for content, _, _ in taught]
    had = {s for entry in waiting.entries if entry.name == name for s in entry.sums}
    if not FEWEST <= len(had | set(sums)) <= MOST:
        raise InputError(
            f"{name!r} has {len(had | set(sums))} different photos; expected {FEWEST} to {MOST}, of different light and "
            "sides. Three to five do."
        )
    _of_one_kind(waiting, name, sums)
    rows = unit(np.stack([embedding for _, embedding, _ in taught]))
    images = tuple(f"{s[:16]}.jpg" for s in sums)
    found = waiting.enrolled(
        Entry(name, rows, images, tuple(sums)), force=True
    )  # lesson() tells how alike they are
    for image, (_, _, picture) in zip(images, taught, strict=True):
        write_whole(folder / PICTURES / image, picture)
    found.save(folder / WAITING)
    return found


def again(folder: Path, predictor: Predictor) -> None:
    """Teach everything again, from the pictures that were kept, where the lens has another Solution than before."""
    network, known = network_of(predictor.solution), predictor.solution.preparation
    for file in (WAITING, ACCEPTED):
        if not (folder / file).exists() or (old := Gallery.load(folder / file)).network == network:
            continue
        entries = []
        for entry in old.entries:
            batch = np.stack(
                [prepared(folder / PICTURES / Path(image).name, known) for image in entry.images]
            )
            entries.append(replace(entry, embeddings=unit(embedded(predictor, batch))))
        Gallery(network, max(known.height, known.width), tuple(entries)).save(folder / file)


def _of_one_kind(gallery: Gallery, name: str, sums: Sequence[str]) -> None:
    """InputError where one of the photos was taught under another name."""
    for entry in gallery.entries:
        if entry.name != name and set(entry.sums) & set(sums):
            raise InputError(
                f"one of the photos was taught as {entry.name!r} already; expected photos of {name!r} alone. Forget "
                f"{entry.name!r} first where that was wrong."
            )


def _entry(gallery: Gallery, name: str) -> Entry:
    """What was taught under that name; InputError where nothing was."""
    names = [entry.name for entry in gallery.entries]
    if name not in names:
        near = close_to(name, names) or f"; there is {', '.join(names) or 'nothing yet'}."
        raise InputError(f"nothing waits or was accepted here as {name!r}{near}")
    return gallery.entry(name)


def accept(folder: Path, waiting: Gallery, accepted: Gallery, name: str) -> tuple[Gallery, Gallery]:
    """Waiting and accepted, that name moved from one to the other. InputError where nothing of that name waits."""
    entry = _entry(waiting, name)
    more, left = accepted.enrolled(entry, force=True), waiting.without(name)
    more.save(folder / ACCEPTED)
    left.save(folder / WAITING)
    return left, more


def forget(folder: Path, gallery: Gallery, file: str, name: str) -> Gallery:
    """A gallery without that name, its thumbnails removed. InputError where it has none."""
    for image in _entry(gallery, name).images:
        (folder / PICTURES / Path(image).name).unlink(missing_ok=True)
    left = gallery.without(name)
    left.save(folder / file)
    return left


def lesson(entry: Entry, examples: Examples) -> Lesson:
    """How well an entry can be told from the examples of all other labels."""
    rows = unit(entry.embeddings)
    strangers = [k for k, label in enumerate(examples.labels) if label != entry.name]
    alike = (
        cosines(_mean(rows)[None], examples.embeddings[strangers])[0]
        if strangers
        else np.zeros(0, np.float32)
    )
    threshold = _threshold(alike)
    left_out = [
        float(cosines(row[None], _mean(np.delete(rows, k, axis=0))[None])[0, 0]) for k, row in enumerate(rows)
    ]
    known = sum(value > threshold for value in left_out) if len(rows) > 1 else 0
    return Lesson(entry.name, len(rows), threshold, known, len(strangers), int((alike > threshold).sum()))


def looks_like(gallery: Gallery, examples: Examples, embedding: NDArray[Any]) -> tuple[Lesson, float] | None:
    """The entry that a photo looks like most and its cosine; None where it is above no entry's threshold."""
    found = [
        (lesson(entry, examples), float(cosines(embedding[None], _mean(unit(entry.embeddings))[None])[0, 0]))
        for entry in gallery.active()
    ]
    above = [(one, alike) for one, alike in found if alike > one.threshold]
    return max(above, key=lambda pair: pair[1] - pair[0].threshold, default=None)


def with_lessons(examples: Examples, accepted: Gallery, folder: Path) -> Examples:
    """The examples with the photos of accepted lessons, so that they are shown as the others are."""
    if not accepted.entries:
        return examples
    rows = np.concatenate([examples.embeddings, *(unit(entry.embeddings) for entry in accepted.entries)])
    labels = [entry.name for entry in accepted.entries for _ in entry.images]
    images = [image for entry in accepted.entries for image in entry.images]
    return replace(
        examples,
        embeddings=rows,
        labels=(*examples.labels, *labels),
        paths=(*examples.paths, *(f"{PICTURES}/{image}" for image in images)),
        thumbnails=(*examples.thumbnails, *(folder / PICTURES / image for image in images)),
    )


def _mean(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = unit(rows.mean(axis=0, keepdims=True))[0]
    return found


def _threshold(alike: NDArray[np.float32]) -> float:
    """The cosine that at most the share PASS of strangers exceeds; 0.5 where nobody is known to compare with."""
    if not len(alike):
        return 0.5
    order = np.sort(alike)[::-1]
    return float(order[min(len(order) - 1, int(PASS * len(order)))])
