"""What the data say, and what worries us: every check on one Dataset, from one decoding.

Order matters in one place: near duplicates and proposed groups are found first, because all out-of-fold evidence that
follows must keep relatives in one fold; otherwise memory would pass for evidence.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from objectif.data.dataset import Dataset
from objectif.data.splits import components
from objectif.errors import InputError
from objectif.health import worries as say
from objectif.health.confounds import Confound, Worrying, confounds, worrying
from objectif.health.counts import Counts, counts
from objectif.health.doubts import Doubts, doubts
from objectif.health.duplicates import clusters, members, near_pairs, same_pairs
from objectif.health.facts import facts
from objectif.health.features import Floats, features
from objectif.health.groups import Grouping, Series, propose, series
from objectif.health.heldout import deal, one_hot
from objectif.health.leakage import Leakage, leakage
from objectif.health.looks import Looks, Progress, look
from objectif.health.shift import Shift, shifts
from objectif.health.words import count, percent, shown, some
from objectif.health.worries import Worry

Ints = NDArray[np.int64]
Embed = Callable[[Dataset], NDArray[np.floating]]

HAND_MADE = "hand-made features (edges, colour, texture)"
_FEWEST = 30  # images below which out-of-fold evidence is noise


@dataclass(frozen=True)
class Health:
    """Everything inspect() found. Rows are those of the Dataset that was inspected.

    worries: gravest first, each with its remedy. notes: sentences about what was read and found harmless.
    same, near: (N,) cluster ids. grouping: the --group to use, or None. doubts: None where images are too few.
    unreadable: path -> why.
    """

    name: str
    layout: str
    classes: tuple[str, ...]
    paths: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    worries: tuple[Worry, ...]
    notes: tuple[str, ...]
    counts: Counts
    unreadable: dict[str, str]
    same: Ints
    near: Ints
    leakage: Leakage
    grouping: Grouping | None
    series: tuple[Series, ...]
    confounds: tuple[Confound, ...]
    shifts: tuple[Shift, ...]
    doubts: Doubts | None
    seconds: float

    def __str__(self) -> str:
        head = f"{shown(self.name)}: {count(self.counts.usable, 'image')}, {count(len(self.classes), 'class', 'classes')}"
        lines = [f"{head}, layout {self.layout!r}"]
        lines += [f"{k}. {w.sentence}\n   -> {w.remedy}" for k, w in enumerate(self.worries, 1)] or ["No worries."]
        return "\n".join([*lines, *(f"- {note}" for note in self.notes)])

    def to_dict(self) -> dict[str, object]:
        """JSON-ready: plain numbers, strings, lists and dictionaries; pictures by path."""
        from objectif.health.record import record

        return record(self)


@dataclass
class _Evidence:
    """What the checks of readable images share; rows maps them to rows of the whole Dataset."""

    data: Dataset
    looks: Looks
    rows: Ints
    table: Floats
    units: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    fold: Ints = field(default_factory=lambda: np.empty(0, np.int64))


def inspect(
    dataset: Dataset,
    *,
    embed: Embed | None = None,
    looks: Looks | None = None,
    progress: Progress | None = None,
    source: str = "features of a network",
) -> Health:
    """Run every check. Raises DataError where no image can be read.

    embed: gives better features (N, D) of the Dataset it is called with (the readable images); `source` says what they
    are. Hand-made features are used otherwise. looks: of this Dataset, if decoded already. progress: see look().
    """
    start = time.perf_counter()
    looks = look(dataset, progress=progress) if looks is None else looks
    certain = same_pairs(looks)
    same = clusters(len(dataset), certain)
    near = clusters(len(dataset), [*certain, *near_pairs(looks)])
    leaks = leakage(dataset, looks=looks, same=same, near=near)
    rows = np.flatnonzero(looks.readable).astype(np.int64)
    good = looks.take(rows)
    seen = _Evidence(dataset.take(rows), good, rows, features(good))
    grouping, runs = _relatives(seen)
    seen.units = components(_given_or(seen.data, grouping), near[rows], len(rows))
    better = None if embed is None else _embedded(embed, seen.data)
    doubted, found, told, moved = _out_of_fold(seen, better, source if embed is not None else HAND_MADE)
    unreadable = {**dataset.problems, **looks.failures}
    labels = [tuple(dataset.classes[k] for k in s.labels) for s in dataset.samples]
    paths = [s.path for s in dataset.samples]
    tally = counts(dataset, looks)
    worries = [
        *say.of_leakage(leaks),
        *say.of_duplicates(same, near, labels, paths),
        *say.of_groups(grouping, runs, dataset.name),
        *say.of_confounds(told, len(dataset.classes)),
        *say.of_shift(moved),
        *say.of_unreadable(unreadable),
        *say.of_counts(tally),
        *say.of_doubts(doubted),
    ]
    return Health(
        name=dataset.name,
        layout=dataset.layout,
        classes=dataset.classes,
        paths=tuple(paths),
        labels=tuple(labels),
        worries=tuple(sorted(worries, key=lambda w: -w.weight)),
        notes=(*dataset.notes, *_notes(tally, same, near, doubted)),
        counts=tally,
        unreadable=unreadable,
        same=same,
        near=near,
        leakage=leaks,
        grouping=grouping,
        series=runs,
        confounds=found,
        shifts=moved,
        doubts=doubted,
        seconds=time.perf_counter() - start,
    )


def _relatives(seen: _Evidence) -> tuple[Grouping | None, tuple[Series, ...]]:
    """A grouping that names suggest, in rows of the whole Dataset; otherwise series. Nothing where groups are given."""
    if seen.data.groups() is not None or len(seen.rows) < _FEWEST:
        return None, ()
    grouping = propose(seen.data, seen.table)
    if grouping is not None:
        return grouping, ()
    return None, tuple(series(seen.data, seen.table))


def _given_or(data: Dataset, grouping: Grouping | None) -> Ints | None:
    given = data.groups()
    return given if given is not None or grouping is None else grouping.ids


def _embedded(embed: Embed, data: Dataset) -> Floats:
    """Features from outside, checked."""
    table = np.asarray(embed(data))
    if table.ndim != 2 or len(table) != len(data) or not np.isfinite(table).all():
        raise InputError(f"embed gave an array of shape {table.shape}; expected ({len(data)}, D), all finite.")
    return table.astype(np.float32)


def _out_of_fold(
    seen: _Evidence, better: Floats | None, source: str
) -> tuple[Doubts | None, tuple[Confound, ...], list[Worrying], tuple[Shift, ...]]:
    """Doubts, confounds and shift: what can be told of an image from images that are no relatives of it."""
    data, classes = seen.data, seen.data.classes
    truth = data.truth()
    hot = one_hot(truth, len(classes))
    if len(data) < _FEWEST or (hot.sum(0) > 0).sum() < 2 and not data.multilabel:
        return None, (), [], ()
    fold = deal(hot, seen.units)
    if len(np.unique(fold)) < 2:
        return None, (), [], ()
    table = facts(seen.looks)
    found = confounds(table, hot, classes, seen.units, fold)
    told = worrying(found, table, hot, classes)
    moved = shifts(table, truth, classes, [s.split for s in data.samples], seen.units)
    doubted = doubts(seen.table if better is None else better, truth, classes, fold, seen.units, source=source)
    return _in_rows(doubted, seen.rows), found, told, moved


def _in_rows(found: Doubts, rows: Ints) -> Doubts:
    """Doubts whose rows are those of the whole Dataset."""
    from dataclasses import replace

    return replace(found, shown=tuple(replace(d, row=int(rows[d.row])) for d in found.shown))


def _notes(tally: Counts, same: Ints, near: Ints, doubted: Doubts | None) -> list[str]:
    """What is worth saying and no worry."""
    notes = []
    repeats = len(same) - len(np.unique(same))
    if 0 < repeats < say.REPEATED * len(same):
        notes.append(f"{count(repeats, 'image repeats', 'images repeat')} another picture; repeats always share a fold.")
    alike = [g for g in members(near) if len(np.unique(same[g])) > 1]
    if alike:
        number = count(len(alike), "set")
        notes.append(f"{number} of near duplicates (crops, neighbouring frames); they always share a fold.")
    if tally.blank:
        notes.append(f"{count(len(tally.blank), 'picture is', 'pictures are')} blank: {some(tally.blank)}.")
    if tally.rotated:
        notes.append(f"{count(tally.rotated, 'image is', 'images are')} turned upright as EXIF asks.")
    if tally.animated:
        notes.append(f"{count(tally.animated, 'file has', 'files have')} several frames; the first one counts.")
    if doubted is not None:
        notes.append(
            f"Labels were checked with {doubted.source}, which name {percent(doubted.accuracy)} of the classes rightly "
            f"out of fold (always the commonest answer: {percent(doubted.baseline)})."
        )
    return notes


