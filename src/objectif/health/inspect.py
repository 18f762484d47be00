"""What the data say, and what worries us: every check on one Dataset, from one decoding.

Order matters in one place: near duplicates and proposed groups are found first, because all out-of-fold evidence that
follows must keep relatives in one fold; otherwise memory would pass for evidence.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from objectif.data.dataset import Dataset
from objectif.data.splits import components
from objectif.errors import InputError
from objectif.health import box_worries, mask_worries
from objectif.health import worries as say
from objectif.health.box_worries import of_objects, of_splits
from objectif.health.confounds import Confound, Worrying, confounds, worrying
from objectif.health.counts import Counts, counts
from objectif.health.doubts import Doubts, doubts
from objectif.health.duplicates import clusters, near_pairs, same_pairs
from objectif.health.facts import facts
from objectif.health.features import Floats, features
from objectif.health.groups import Grouping, Series, group_ids, propose, series
from objectif.health.heldout import deal, one_hot
from objectif.health.leakage import Leakage, leakage
from objectif.health.looks import Looks, Progress, look
from objectif.health.mask_turns import Turn, turned
from objectif.health.mask_worries import of_masks
from objectif.health.masks import Masks, masks
from objectif.health.objects import Objects, objects
from objectif.health.shift import Shift, shifts
from objectif.health.words import count, shown
from objectif.health.worries import Worry
from objectif.tasks.kinds import CLASSES, Kinds, kinds

Ints = NDArray[np.int64]
Embed = Callable[[Dataset], NDArray[np.floating]]

HAND_MADE = "hand-made features (edges, colour, texture)"
_ENOUGH = 20_000  # images by which names are judged
_FEWEST = 30  # images below which out-of-fold evidence is noise


@dataclass(frozen=True)
class Health:
    """Everything inspect() found. Rows are those of the Dataset that was inspected.

    worries: gravest first, each with its remedy. notes: sentences about what was read and found harmless.
    same, near: (N,) cluster ids. grouping: the --group to use, or None. doubts: None where images are too few.
    unreadable: path -> why. objects: None where there are no boxes. masks: None
    where there are none, or boxes are what is to be learned. turn: how masks would lie better on their pictures, None
    where they lie well. kinds: what classes are called, None where they are none (tasks/kinds.py).
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
    objects: Objects | None = None
    masks: Masks | None = None
    turn: Turn | None = None
    kinds: Kinds | None = CLASSES

    def __str__(self) -> str:
        facts = [count(self.counts.usable, "image"), *self.named, f"layout {self.layout!r}"]
        lines = [f"{shown(self.name)}: {', '.join(facts)}"]
        lines += [f"{k}. {w.sentence}\n   -> {w.remedy}" for k, w in enumerate(self.worries, 1)] or [
            "No worries."
        ]
        return "\n".join([*lines, *(f"- {note}" for note in self.notes)])

    @property
    def named(self) -> list[str]:
        """['3 classes'], or nothing where names tell no images apart."""
        return [] if self.kinds is None else [count(len(self.classes), *self.kinds)]

    def to_dict(self) -> dict[str, object]:
        """JSON-ready: plain numbers, strings, lists and dictionaries; pictures by path."""
        from objectif.health.record import record

        return record(self)


@dataclass(frozen=True)
class _Seen:
    """What the checks of readable images share; rows maps theirs to rows of the whole Dataset."""

    data: Dataset
    looks: Looks
    rows: Ints
    table: Floats
    grouping: Grouping | None
    series: tuple[Series, ...]
    units: Ints


@dataclass(frozen=True)
class _Judged:
    """What can be told of an image from images that are no relatives of it."""

    doubts: Doubts | None = None
    confounds: tuple[Confound, ...] = ()
    told: tuple[Worrying, ...] = ()
    shifts: tuple[Shift, ...] = ()


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
    seen = _look_closer(dataset, looks, near)
    judged = _judge(seen, embed, source)
    unreadable, tally = {**dataset.problems, **looks.failures}, counts(dataset, looks)
    labels = tuple(tuple(dataset.classes[k] for k in s.labels) for s in dataset.samples)
    boxes, drawn = objects(dataset, looks), masks(dataset, looks)
    turn = turned(seen.data) if drawn is not None else None
    worries = _worries(leaks, same, near, labels, seen, judged, unreadable, tally, boxes, drawn, turn)
    said = say.notes(tally, same, near, leaks, seen.grouping, judged.doubts)
    return Health(
        name=dataset.name,
        layout=dataset.layout,
        classes=dataset.classes,
        kinds=kinds(dataset.task, len(dataset.classes)),
        paths=leaks.paths,
        labels=labels,
        worries=worries,
        notes=(*dataset.notes, *box_worries.notes(boxes), *mask_worries.notes(drawn), *said),
        counts=tally,
        unreadable=unreadable,
        same=same,
        near=near,
        leakage=leaks,
        grouping=seen.grouping,
        series=seen.series,
        confounds=judged.confounds,
        shifts=judged.shifts,
        doubts=judged.doubts,
        seconds=time.perf_counter() - start,
        objects=boxes,
        masks=drawn,
        turn=turn,
    )


def _worries(
    leaks: Leakage,
    same: Ints,
    near: Ints,
    labels: tuple[tuple[str, ...], ...],
    seen: _Seen,
    judged: _Judged,
    unreadable: dict[str, str],
    tally: Counts,
    boxes: Objects | None,
    drawn: Masks | None,
    turn: Turn | None,
) -> tuple[Worry, ...]:
    # of two frames a second apart one may show the bus and the other not: that contradicts nothing
    whole = boxes is None and drawn is None
    alike = near if whole else same
    flaws = {} if drawn is None else drawn.flaws
    found = [
        *say.of_leakage(leaks),
        *say.of_duplicates(same, alike, labels, leaks.paths),
        *of_objects(boxes, leaks.paths),
        *of_masks(drawn, seen.data, leaks.paths, turn),
        *of_splits(seen.data, seen.rows.tolist()),
        *say.of_groups(seen.grouping, seen.series, leaks.splits),
        *say.of_confounds(judged.told, len(seen.data.classes)),
        *say.of_shift(judged.shifts),
        *say.of_unreadable({p: why for p, why in unreadable.items() if p not in flaws}),
        *say.of_counts(tally, boxes=not whole, words=kinds(seen.data.task, len(seen.data.classes))),
        *say.of_doubts(judged.doubts),
    ]
    return tuple(sorted(found, key=lambda w: -w.weight))


def _look_closer(dataset: Dataset, looks: Looks, near: Ints) -> _Seen:
    """The readable images with features, the groups that names suggest, and who counts as one."""
    rows = np.flatnonzero(looks.readable).astype(np.int64)
    data, good = dataset.take(rows), looks.take(rows)
    table = features(good)
    given = data.groups()
    grouping: Grouping | None = None
    runs: tuple[Series, ...] = ()
    if given is None and len(rows) >= _FEWEST:
        part = _part(len(rows))
        found = propose(data.take(part), table[part])
        grouping = None if found is None else _everywhere(found, dataset, rows[part])
        runs = () if grouping is not None else series(data, table)
    groups = given if given is not None or grouping is None else grouping.ids[rows]
    units = components(groups, near[rows], len(rows))
    runs = tuple(_of_whole(s, rows) for s in runs)
    return _Seen(data, good, rows, table, grouping, runs, units)


def _of_whole(found: Series, rows: Ints) -> Series:
    """A series of the images `rows`, with rows of the whole Dataset."""
    examples = tuple((int(rows[a]), int(rows[b])) for a, b in found.examples)
    return replace(
        found, examples=examples, runs=tuple(tuple(rows[list(run)].tolist()) for run in found.runs)
    )


def _part(n: int) -> Ints:
    """Rows enough to judge names by: all, or of many images runs of neighbours in name, so that groups stay whole."""
    if n <= _ENOUGH:
        return np.arange(n)
    starts = np.linspace(0, n - _ENOUGH // 20, 20).astype(np.int64)
    return np.unique(np.concatenate([np.arange(s, s + _ENOUGH // 20) for s in starts]))


def _everywhere(found: Grouping, dataset: Dataset, rows: Ints) -> Grouping:
    """A grouping of the images `rows`, extended to the whole Dataset."""
    ids = group_ids([s.path for s in dataset.samples], found.regex)
    examples = tuple(tuple(int(rows[r]) for r in g) for g in found.examples)
    assert ids is not None, "the pattern grouped some of these images"
    return replace(found, ids=ids, count=len(np.unique(ids)), examples=examples)


def _embedded(embed: Embed, data: Dataset) -> Floats:
    """Features from outside, checked."""
    table = np.asarray(embed(data))
    if table.ndim != 2 or len(table) != len(data) or not np.isfinite(table).all():
        raise InputError(
            f"embed gave an array of shape {table.shape}; expected ({len(data)}, D), all finite."
        )
    return table.astype(np.float32)


def _judge(seen: _Seen, embed: Embed | None, source: str) -> _Judged:
    """Doubts, confounds and shift, out of fold; nothing where images are too few for evidence.

    Where there are boxes or masks, shift alone: what an image shows as a whole says little of what is on it.
    """
    data, classes = seen.data, seen.data.classes
    truth = data.truth()
    hot = one_hot(truth, len(classes))
    one_class = int((hot.sum(0) > 0).sum()) < 2 and not data.multilabel
    if len(data) < _FEWEST or one_class or len(np.unique(seen.units)) < 2:
        return _Judged()
    fold = deal(hot, seen.units)
    known = facts(seen.looks)
    moved = shifts(known, truth, classes, [s.split for s in data.samples], seen.units)
    if data.task != "classify":
        return _Judged(shifts=moved)
    found = confounds(known, hot, classes, seen.units, fold)
    table = seen.table if embed is None else _embedded(embed, data)
    doubted = doubts(table, truth, classes, fold, seen.units, source=HAND_MADE if embed is None else source)
    shown_rows = tuple(replace(d, row=int(seen.rows[d.row])) for d in doubted.shown)
    return _Judged(
        replace(doubted, shown=shown_rows),
        found,
        tuple(worrying(found, known, hot, classes)),
        moved,
    )
