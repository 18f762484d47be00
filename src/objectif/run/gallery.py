"""A gallery: who is known, as embeddings of one network, with consent, expiry and notes; frozen, numpy alone.

It is a file apart from the Solution, so that to enrol somebody takes a few pictures and no training, and to forget
somebody takes one line. Pictures are not kept, only their names and sums; embeddings of faces are personal data all the
same. It belongs to one network: cosines between embeddings of two networks mean nothing, and look as if they did.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.answers import Candidate, Identity
from objectif.errors import InputError
from objectif.metrics.similarity import cosines, templates, unit
from objectif.solution.file import Solution

TWIN = 0.9995
"""Cosine from which two pictures are one that was stored twice."""
SMALLEST = 0.5
"""Share of the network's side that a picture's longer side must have: below it what is seen is made up by enlarging."""


@dataclass(frozen=True)
class Entry:
    """One that is known.

    embeddings: (n, D) float32 of length 1, n >= 1. images: n names, for people; sums: their sha256. negative: known, and not
    to be named: whoever is nearest to it is nobody. consent: on what ground it is kept, in words. expires: the last day.
    """

    name: str
    embeddings: NDArray[np.float32]
    images: tuple[str, ...]
    sums: tuple[str, ...]
    negative: bool = False
    consent: str = ""
    expires: date | None = None
    note: str = ""

    def active(self, today: date) -> bool:
        """Whether it takes part on that day."""
        return self.expires is None or today <= self.expires


@dataclass(frozen=True)
class Match:
    """A stored picture and how like it a searched one is."""

    name: str
    image: str
    score: float


def network_of(solution: Solution) -> str:
    """What ties a gallery to a Solution: the sum of its network and of its preparation."""
    told = hashlib.sha256(solution.networks["fp32"])
    told.update(repr(sorted(solution.preparation.to_dict().items())).encode())
    return told.hexdigest()


@dataclass(frozen=True)
class Gallery:
    """network: network_of() the Solution that made it. side: pixels of the network's longer side."""

    network: str
    side: int
    entries: tuple[Entry, ...] = ()

    def __len__(self) -> int:
        return len(self.entries)

    @staticmethod
    def new(solution: Solution) -> Gallery:
        """An empty one. InputError where the Solution does not identify."""
        if solution.task != "identify":
            raise InputError(
                f"this Solution has the task {solution.task!r}; a gallery needs one of 'identify'. Solve with --task identify."
            )
        return Gallery(network_of(solution), max(solution.preparation.height, solution.preparation.width))

    @staticmethod
    def load(path: str | Path) -> Gallery:
        """From a file. InputError where it is missing, cut short, altered or from a newer version."""
        from objectif.run.gallery_file import read

        return read(Path(path))

    def save(self, path: str | Path) -> Path:
        """To a file, which is whole or as it was before."""
        from objectif.run.gallery_file import write

        return write(Path(path), self)

    def fits(self, solution: Solution) -> None:
        """InputError where the Solution is not the one that made it."""
        if solution.task != "identify" or network_of(solution) != self.network:
            raise InputError(
                f"the gallery was made with another network ({self.network[:12]}...) than this Solution's "
                f"({network_of(solution)[:12]}...): their embeddings cannot be compared. Use the Solution it was made with, or "
                "enrol the pictures again into a new gallery."
            )

    def entry(self, name: str) -> Entry:
        """The one of that name; InputError with the nearest names where there is none."""
        for one in self.entries:
            if one.name == name:
                return one
        names = [one.name for one in self.entries]
        close = difflib.get_close_matches(name, names, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        shown = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
        raise InputError(f"nobody called {name!r} is in the gallery.{hint} It knows {shown or 'nobody'}.")

    def without(self, name: str) -> Gallery:
        """The same without that entry."""
        gone = self.entry(name)
        return replace(self, entries=tuple(one for one in self.entries if one is not gone))

    def enrolled(self, entry: Entry, *, stranger: float = 0.0, force: bool = False) -> Gallery:
        """The same with these pictures, added to the entry of that name where there is one.

        stranger: cosine that a stranger's picture usually has to the nearest entry; pictures of one entry that are less
        alike are taken for two people. force: enrol them all the same. InputError: nothing to enrol, embeddings that are
        not finite, a picture that another entry has, pictures of two people, a name that is both negative and not.
        """
        _usable(entry, self.entries)
        old = next((one for one in self.entries if one.name == entry.name), None)
        if old is not None and old.negative != entry.negative:
            raise InputError(
                f"{entry.name!r} is enrolled {'as a negative' if old.negative else 'to be named'} already; expected one of the "
                "two. Remove it first, or use another name."
            )
        self._no_twins(entry)
        merged = entry if old is None else _merged(old, entry)
        if not force:
            _one_person(merged, stranger)
        kept = tuple(merged if one is old else one for one in self.entries)
        return replace(self, entries=kept if old is not None else (*self.entries, merged))

    def _no_twins(self, entry: Entry) -> None:
        """InputError where another entry has one of these pictures."""
        for other in self.entries:
            if other.name == entry.name:
                continue
            same = [a for a, s in zip(entry.images, entry.sums, strict=True) if s in other.sums]
            alike = cosines(entry.embeddings, other.embeddings).max(axis=1)
            same += [a for a, c in zip(entry.images, alike.tolist(), strict=True) if c >= TWIN]
            if same:
                raise InputError(
                    f"{same[0]} is enrolled already as {other.name!r}; expected a picture of {entry.name!r} alone. One picture "
                    "cannot be two people: remove the wrong one."
                )

    def active(self, today: date | None = None) -> tuple[Entry, ...]:
        """Entries that take part; those that have expired do not."""
        day = today or date.today()
        return tuple(one for one in self.entries if one.active(day))

    def expired(self, today: date | None = None) -> tuple[str, ...]:
        """Names of those that take no part any more."""
        day = today or date.today()
        return tuple(one.name for one in self.entries if not one.active(day))

    def identify(
        self, asked: Identity, threshold: float, *, most: int = 5, today: date | None = None
    ) -> Identity:
        """The answer with a name, or with why there is none. threshold: what a score must exceed.

        most: candidates that are listed. InputError where nobody takes part, or the embedding is of another length.
        """
        entries = self._searched(asked.embedding, today)
        scores = self._scores(asked.embedding, entries)
        order = np.argsort(-scores, kind="stable")
        nearest = tuple(
            Candidate(entries[k].name, float(scores[k]), entries[k].negative) for k in order[:most].tolist()
        )
        best = nearest[0]
        name, reason = self._decided(asked, best, threshold)
        return replace(
            asked,
            name=name,
            score=best.score,
            threshold=float(threshold),
            candidates=nearest,
            reason=reason,
        )

    def _decided(self, asked: Identity, best: Candidate, threshold: float) -> tuple[str | None, str]:
        """The name and the reason."""
        size = max(asked.height or self.side, asked.width or self.side)
        if size < SMALLEST * self.side:
            return None, (
                f"the picture has {size} pixels, less than half of the {self.side} that the network sees: too small to name "
                "anybody"
            )
        told = f"{best.name!r} is nearest with {best.score:.3f}"
        if not best.score > threshold:
            return None, f"{told}, not above the threshold {threshold:.3f}"
        if best.negative:
            return None, f"{told}, and is enrolled as one that is not meant"
        return best.name, f"{told}, above the threshold {threshold:.3f}"

    def verify(self, asked: Identity, name: str, threshold: float, *, today: date | None = None) -> Identity:
        """Whether it is that one: named, or not, by the score to that entry alone.

        InputError where there is no such entry, or it has expired.
        """
        one = self.entry(name)
        if not one.active(today or date.today()):
            raise InputError(
                f"{name!r} expired on {one.expires}; expected an entry that is valid. Enrol {name!r} again."
            )
        score = float(self._scores(asked.embedding, (one,))[0])
        best = Candidate(name, score, one.negative)
        found, reason = self._decided(asked, best, threshold)
        return replace(
            asked, name=found, score=score, threshold=float(threshold), candidates=(best,), reason=reason
        )

    def nearest(self, embedding: NDArray[Any], most: int = 10, *, today: date | None = None) -> list[Match]:
        """The stored pictures most like an embedding (D,), the nearest first. InputError where nobody takes part."""
        entries = self._searched(embedding, today)
        stored = [(e.name, image) for e in entries for image in e.images]
        scores = cosines(embedding[None], np.concatenate([e.embeddings for e in entries]))[0]
        order = np.argsort(-scores, kind="stable")[:most]
        return [Match(stored[k][0], stored[k][1], float(scores[k])) for k in order.tolist()]

    def ready(self, today: date | None = None) -> tuple[Entry, ...]:
        """The entries that take part; InputError where there are none."""
        entries = self.active(today)
        if not entries:
            gone = self.expired(today)
            why = f"all {len(gone)} entries have expired" if gone else "the gallery is empty"
            raise InputError(f"{why}; expected at least one entry. Add one with `objectif gallery enrol`.")
        return entries

    def _searched(self, embedding: NDArray[Any], today: date | None) -> tuple[Entry, ...]:
        entries = self.ready(today)
        if embedding.shape != entries[0].embeddings.shape[1:]:
            raise InputError(
                f"an embedding has shape {embedding.shape}, those of the gallery {entries[0].embeddings.shape[1:]}: they are "
                "of different networks."
            )
        return entries

    @staticmethod
    def _scores(embedding: NDArray[Any], entries: Sequence[Entry]) -> NDArray[np.float32]:
        """(E,) cosines of an embedding (D,) to the entries' templates."""
        rows = np.concatenate([e.embeddings for e in entries])
        owner = np.repeat(np.arange(len(entries)), [len(e.embeddings) for e in entries])
        found: NDArray[np.float32] = cosines(embedding[None], templates(rows, owner, len(entries)))[0]
        return found


def _usable(entry: Entry, others: Sequence[Entry]) -> None:
    """InputError where an entry is none."""
    if not entry.name.strip():
        raise InputError(f"the name is {entry.name!r}; expected one that people can read.")
    rows = entry.embeddings
    if rows.ndim != 2 or not len(rows) or not len(rows) == len(entry.images) == len(entry.sums):
        raise InputError(f"nothing to enrol for {entry.name!r}: expected at least one picture.")
    if not np.isfinite(rows).all():
        bad = entry.images[int(np.flatnonzero(~np.isfinite(rows).all(axis=1))[0])]
        raise InputError(
            f"the embedding of {bad} is not finite; expected numbers. Run `objectif check` on the Solution, or leave it out."
        )
    if others and rows.shape[1] != others[0].embeddings.shape[1]:
        raise InputError(
            f"embeddings of {entry.name!r} have {rows.shape[1]} numbers, those of the gallery "
            f"{others[0].embeddings.shape[1]}: they are of different networks."
        )


def _merged(old: Entry, new: Entry) -> Entry:
    """Both entries' pictures, each once; what the new one says of consent, expiry and note goes before."""
    fresh = [k for k, s in enumerate(new.sums) if s not in old.sums]
    return replace(
        old,
        embeddings=np.concatenate([old.embeddings, new.embeddings[fresh]]),
        images=(*old.images, *(new.images[k] for k in fresh)),
        sums=(*old.sums, *(new.sums[k] for k in fresh)),
        consent=new.consent or old.consent,
        expires=new.expires or old.expires,
        note=new.note or old.note,
    )


def _one_person(entry: Entry, stranger: float) -> None:
    """InputError where a picture is less like the others of its entry than a stranger usually is like the nearest."""
    rows = unit(entry.embeddings).astype(np.float64)
    if len(rows) < 2:
        return
    rest = rows.sum(axis=0) - rows
    alike = (rows * rest).sum(axis=1) / np.maximum(np.linalg.norm(rest, axis=1), 1e-12)
    worst = int(alike.argmin())
    if alike[worst] < stranger:
        raise InputError(
            f"{entry.images[worst]} does not look like the other pictures of {entry.name!r} (cosine {alike[worst]:.3f}; "
            f"strangers usually have {stranger:.3f}): two people under one name? Leave it out, or --force if you are sure."
        )
