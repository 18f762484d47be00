"""Pictures, or groups, that stand on both sides of a given split: the test then measures memory.

Only same pictures make `solve` refuse: their definition (health/duplicates.py) leaves no room for argument. Near
duplicates and divided groups are as harmful, but there a person may know better, so they are worries to read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from objectif.data.dataset import Dataset
from objectif.health.duplicates import clusters, members, near_pairs, same_pairs
from objectif.health.looks import Looks, look
from objectif.health.words import count, shown, some

Ints = NDArray[np.int64]
Pair = tuple[int, int]

_ORDER = {
    "test": 0,
    "calibration": 0,
    "val": 1,
    "train": 3,
}  # an image leaks *from* training *into* the split that judges


@dataclass(frozen=True)
class Leakage:
    """Images that have a partner in another given split.

    same, near: (row, partner) with the row in the split that judges (test before val before folds before train);
    one pair for each such row. near leaves out the rows of same. groups: names of groups that are divided.
    paths: of all images, by row. splits: given split by row, None where none is given.
    """

    same: tuple[Pair, ...]
    near: tuple[Pair, ...]
    groups: tuple[str, ...]
    paths: tuple[str, ...]
    splits: tuple[str | None, ...]

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """The pairs for which `solve` refuses: (row, partner) of same pictures."""
        return self.same

    def __bool__(self) -> bool:
        return bool(self.same)

    def leaked(self) -> NDArray[np.bool_]:
        """(N,) True for the judging images that have the same picture in another split: leave these out."""
        mask = np.zeros(len(self.paths), bool)
        mask[[row for row, _ in self.same]] = True
        return mask

    @property
    def sentence(self) -> str:
        """What was found, in words, with an example; empty where nothing was."""
        if not self.same:
            return ""
        row, partner = self.same[0]
        verb = "are the same pictures as images" if len(self.same) > 1 else "is the same picture as an image"
        example = f"{shown(self.paths[row])} = {shown(self.paths[partner])}"
        return f"{self.judging(self.same)} {verb} of another split, e.g. {example}"

    def judging(self, pairs: tuple[Pair, ...]) -> str:
        """'9 images of test': the judging side of the pairs, in words."""
        return f"{count(len(pairs), 'image')} of {some(sorted({self.splits[r] or '' for r, _ in pairs}))}"

    @property
    def judges(self) -> int:
        """How many images judge: those of test and val, or of all folds."""
        return sum(s is not None and s != "train" for s in self.splits)

    def to_dict(self) -> dict[str, object]:
        """JSON-ready."""

        def named(pairs: tuple[Pair, ...]) -> list[dict[str, str | None]]:
            keys = ("path", "split", "partner", "partner_split")
            rows = [(self.paths[a], self.splits[a], self.paths[b], self.splits[b]) for a, b in pairs]
            return [dict(zip(keys, row, strict=True)) for row in rows]

        return {"same": named(self.same), "near": named(self.near), "groups": list(self.groups)}


def leakage(
    dataset: Dataset, *, looks: Looks | None = None, same: Ints | None = None, near: Ints | None = None
) -> Leakage:
    """Compare the given splits. same, near: cluster ids (N,) where they are known already."""
    splits = tuple(s.split for s in dataset.samples)
    paths = tuple(s.path for s in dataset.samples)
    if len({s for s in splits if s is not None}) < 2:
        return Leakage((), (), (), paths, splits)
    if same is None or near is None:
        looks = look(dataset) if looks is None else looks
        certain = same_pairs(looks)
        same = clusters(len(dataset), certain)
        near = clusters(len(dataset), [*certain, *near_pairs(looks)])
    exact = _across(same, splits)
    known = {row for row, _ in exact}
    similar = tuple(pair for pair in _across(near, splits) if pair[0] not in known)
    return Leakage(exact, similar, _divided_groups(dataset), paths, splits)


def _across(ids: Ints, splits: tuple[str | None, ...]) -> tuple[Pair, ...]:
    """One (row, partner) for each image that has an image of its cluster in a split that trains."""
    pairs = []
    for rows in members(ids):
        placed = [(int(r), splits[int(r)]) for r in rows]
        for row, own in placed:
            others = [
                r for r, s in placed if s is not None and own is not None and s != own and _judges(own, s)
            ]
            if others:
                pairs.append((row, max(others, key=lambda r: _rank(splits[r]))))
    return tuple(sorted(pairs))


def _rank(split: str | None) -> int:
    return _ORDER.get(split or "", 2)


def _judges(own: str, other: str) -> bool:
    """Whether `own` is judged by what was learned on `other`; folds judge one another, once a pair."""
    mine, theirs = _rank(own), _rank(other)
    return mine < theirs or (mine == theirs and own > other)


def _divided_groups(dataset: Dataset) -> tuple[str, ...]:
    """Groups whose images lie in more than one given split."""
    seen: dict[str, set[str]] = {}
    for sample in dataset.samples:
        if sample.group is not None and sample.split is not None:
            seen.setdefault(sample.group, set()).add(sample.split)
    return tuple(sorted(name for name, where in seen.items() if len(where) > 1))
