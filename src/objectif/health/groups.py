"""Images that look like one group (patient, track, plant): file names whose shared part goes with shared looks.

Names are read by a handful of patterns, each a regular expression that `--group` takes as it stands. A pattern is
believed where, among images of one class, the most similar image comes from the same group far more often than
chance: the share of hits is compared with that of random mates, and needs a wide margin of the binomial error. Measured
within classes, because two tulips look alike whatever their names. A number that begins anew in every class folder
(track 00003 of class 02 is not track 00003 of class 05) is found by the same test across classes: there the shared
name must go with shared looks too, or the folder becomes part of the group.

Where no pattern fits, neighbouring numbers may still look alike (slices of a scan, frames of a film): no pattern can cut
such a series, so it is reported by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from objectif.data.dataset import Dataset
from objectif.health.features import Floats, blocks, directions

Ints = NDArray[np.int64]

_MARGIN = 6.0  # standard errors of the hit rate above chance
_LEAST_HITS = 0.25  # share of images whose nearest comes from their group
_LEAST_COVER = 0.2  # share of all images that have a mate
_COARSEST = 0.5  # groups where a random mate is this often one's own are sources or classes, not groups


@dataclass(frozen=True)
class Evidence:
    """Of n images that have a mate, the share whose most similar one is a mate, and that of random choice."""

    n: int
    hits: float
    chance: float

    @property
    def errors(self) -> float:
        """How many standard errors hits lie above chance; twice the binomial variance, as nearness is mutual."""
        return (self.hits - self.chance) / float(
            np.sqrt(2 * self.chance * (1 - self.chance) / max(1, self.n)) + 1e-9
        )


@dataclass(frozen=True)
class Grouping:
    """A pattern for --group. ids: (N,) group of each image. count: how many groups there are.

    folder: whether the folder is part of the group because numbers begin anew in each. examples: rows of some groups.
    """

    regex: str
    ids: Ints
    count: int
    evidence: Evidence
    folder: bool
    examples: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Series:
    """Numbered names in `folder` whose neighbours look alike; examples: the (row, next row) that look most alike.

    runs: rows in order of their numbers, for each way in which names begin and end.
    """

    folder: str
    evidence: Evidence
    examples: tuple[tuple[int, int], ...]
    runs: tuple[tuple[int, ...], ...] = ()


def propose(dataset: Dataset, table: Floats) -> Grouping | None:
    """The best pattern, or None. table: (N, D) hand-made features. Groups that are given are not looked at."""
    paths = [s.path for s in dataset.samples]
    labels = _labels(dataset)
    rows = directions(table)
    inside = nearest(rows, labels, same=True)
    best: tuple[float, int, str, Ints, Evidence] | None = None
    for rank, regex in enumerate(_patterns(paths)):
        ids = group_ids(paths, regex)
        found = evidence(ids, labels, inside, same=True) if ids is not None else None
        if ids is None or found is None or not _believed(found, len(paths)):
            continue
        gain = (found.hits - found.chance) * found.n
        if best is None or gain > 1.02 * best[0]:  # of equals, the earlier and simpler pattern
            best = (gain, rank, regex, ids, found)
    if best is None:
        return None
    _, _, regex, ids, found = best
    wider, folder = _with_folder(regex, ids, paths, labels, rows)
    ids = group_ids(paths, wider) if folder else ids
    if ids is None:
        return None
    return Grouping(wider, ids, len(np.unique(ids)), found, folder, _examples(ids, inside))


def _believed(found: Evidence, n: int) -> bool:
    return (
        found.errors > _MARGIN
        and found.hits > _LEAST_HITS
        and found.chance < _COARSEST
        and found.n >= max(10, _LEAST_COVER * n)
    )


def _labels(dataset: Dataset) -> Ints:
    """(N,) class; of several labels, each combination is a class of its own."""
    order: dict[tuple[int, ...], int] = {}
    return np.array([order.setdefault(s.labels, len(order)) for s in dataset.samples], np.int64)


# --- patterns -----------------------------------------------------------------------------------------------------


# Patterns that match in every file name: with the folder before them they need no tail to hold them there.
_ANCHORED = (r"([0-9]+)[^/]*$", r"([^/_]+)[^/]*$", r"([^/-]+)[^/]*$", r"([^/ ]+)[^/]*$")


def _patterns(paths: list[str]) -> Iterator[str]:
    """Regular expressions, the simplest first; searched in the path, the first capture is the group."""
    stems = [p.rsplit("/", 1)[-1] for p in paths]
    if all(s[:1].isdigit() for s in stems):
        yield _ANCHORED[0]
    for mark in "_- ":
        if sum(mark in s for s in stems) > 0.2 * len(stems):
            yield rf"([^/{mark}]+)[^/]*$"  # among _ANCHORED
            yield rf"([^/{mark}]+{mark}[^/{mark}]+)[^/]*$"
            yield rf"([^/]+){mark}[^/{mark}]*$"
    yield r"([^/0-9]*[0-9]+)[^/]*$"
    yield r"([^/]*?)[^/0-9]*[0-9]+[^/0-9]*$"
    yield r"([0-9]+)[^/0-9]*$"
    for level in range(min(p.count("/") for p in paths)):
        yield rf"^(?:[^/]+/){{{level}}}([^/]+)/" if level else r"^([^/]+)/"


def group_ids(paths: list[str], regex: str) -> Ints | None:
    """(N,) group number as --group would give it (no match: a group of its own); None where nothing is grouped."""
    search = re.compile(regex).search
    order: dict[str, int] = {}
    names = [m[1] if (m := search(p)) and m[1] else f"\0{row}" for row, p in enumerate(paths)]
    ids = np.array([order.setdefault(name, len(order)) for name in names], np.int64)
    return ids if 1 < len(order) < len(paths) else None


def _with_folder(regex: str, ids: Ints, paths: list[str], labels: Ints, rows: Floats) -> tuple[str, bool]:
    """The pattern with the folder in its group, where names repeat between classes without looking alike."""
    if regex.startswith("^") or not all("/" in p for p in paths):
        return regex, False
    wider = regex.replace("(", "^(.*/", 1)
    if regex in _ANCHORED:
        wider = wider.removesuffix("[^/]*$")
    spread = group_ids(paths, wider)
    if spread is None or len(np.unique(spread)) == len(np.unique(ids)):
        return regex, False
    across = evidence(ids, labels, nearest(rows, labels, same=False), same=False)
    # A patient who is in two classes looks like himself there too; a counter that begins anew does not.
    alike = across is not None and across.errors > _MARGIN and across.hits > 3 * across.chance
    return (regex, False) if alike else (wider, True)


# --- evidence -----------------------------------------------------------------------------------------------------


def nearest(rows: Floats, labels: Ints, *, same: bool) -> Ints:
    """(N,) the most similar image of the same class (or of any other class); -1 where there is none."""
    out = np.full(len(rows), -1, np.int64)
    for block in blocks(len(rows)):
        alike = rows[block] @ rows.T
        allowed = (labels[block, None] == labels[None]) == same
        allowed[np.arange(len(alike)), np.arange(block.start, block.stop)] = False
        alike[~allowed] = -np.inf
        best = alike.argmax(1)
        out[block] = np.where(allowed.any(1), best, -1)
    return out


def evidence(ids: Ints, labels: Ints, neighbour: Ints, *, same: bool) -> Evidence | None:
    """How often the neighbour is a group mate, and how often a random one of the same (other) classes would be."""
    n = len(ids)
    in_group = np.bincount(ids)[ids]
    in_class = np.bincount(labels)[labels]
    both = np.unique(np.column_stack([ids, labels]), axis=0, return_inverse=True, return_counts=True)
    in_both = both[2][both[1].ravel()]
    mates, others = (in_both - 1, in_class - 1) if same else (in_group - in_both, n - in_class)
    counted = (mates > 0) & (neighbour >= 0) & (mates < others)
    if counted.sum() < 10:
        return None
    hits = ids[neighbour[counted]] == ids[counted]
    return Evidence(int(counted.sum()), float(hits.mean()), float((mates[counted] / others[counted]).mean()))


def _examples(ids: Ints, neighbour: Ints) -> tuple[tuple[int, ...], ...]:
    """Rows of the three groups that show it best: all alike, and of a handful of images."""
    hit = (neighbour >= 0) & (ids[np.maximum(neighbour, 0)] == ids)
    size = np.bincount(ids)
    share = np.bincount(ids, weights=hit.astype(np.float64)) / size
    best = np.argsort(-share * np.minimum(size, 6), kind="stable")[:3]
    return tuple(tuple(int(r) for r in np.flatnonzero(ids == g)[:5]) for g in best)


# --- series -------------------------------------------------------------------------------------------------------


def series(dataset: Dataset, table: Floats) -> tuple[Series, ...]:
    """Folders in which the most similar image is so often the next number that the numbers are a film or a scan."""
    rows = directions(table)
    families: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for row, sample in enumerate(dataset.samples):
        match = re.fullmatch(r"(.*?)([0-9]+)([^/0-9]*)", sample.path)
        if match and "/" not in match[2]:
            families.setdefault((match[1], match[3]), []).append((int(match[2]), row))
    by_folder: dict[str, list[list[tuple[int, int]]]] = {}
    for (head, _), numbered in families.items():
        if len(numbered) >= 12:
            by_folder.setdefault(head.rpartition("/")[0], []).append(sorted(numbered))
    found = [_next_number(folder, runs, rows) for folder, runs in sorted(by_folder.items())]
    return tuple(s for s in found if s is not None)


def _next_number(folder: str, runs: list[list[tuple[int, int]]], rows: Floats) -> Series | None:
    """Whether neighbours in number are neighbours in looks, over all runs of numbered names in a folder."""
    hits, chance, n = 0, 0.0, 0
    pairs: list[tuple[float, int, int]] = []
    for run in runs:
        order = np.array([row for _, row in run])[:5000]  # a longer film tells no more
        alike = rows[order] @ rows[order].T
        np.fill_diagonal(alike, -np.inf)
        best = alike.argmax(1)
        step = np.flatnonzero(np.abs(best - np.arange(len(order))) == 1)
        hits, n, chance = hits + len(step), n + len(order), chance + 2.0
        pairs += [(float(-alike[k, best[k]]), int(order[k]), int(order[best[k]])) for k in step.tolist()]
    found = Evidence(n, hits / n, chance / n)
    if found.errors < _MARGIN or found.hits < max(0.2, 4 * found.chance):
        return None
    likest = dict.fromkeys((min(a, b), max(a, b)) for _, a, b in sorted(pairs))
    return Series(
        folder, found, tuple(likest)[:4], tuple(tuple(row for _, row in run) for run in sorted(runs))
    )
