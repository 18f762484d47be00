"""What a report of segmentation shows: classes, confusion, errors, objects, and pictures worth a look.

Images are looked at one by one, so that beside the masks there are only a few numbers for each. Intervals resample images,
or groups of them where there are any; all is the same for the same seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.metrics.base import Reals
from objectif.metrics.distributions import wilson
from objectif.metrics.instances import matched
from objectif.metrics.intervals import bca
from objectif.metrics.masks import VOID, classes_of
from objectif.metrics.regions import confusion
from objectif.metrics.resample import FEWEST_GROUPS, codes, image_counts, total
from objectif.metrics.segmentation import extent
from objectif.tasks.exhibits import Cases, Exhibit, MaskCase, Sheet
from objectif.tasks.segment_errors import BOUNDARY, CLASS, EXTRA, MISSED, NEAR, at_border, kinds

DRAWS = 500
CASES = 6
MOST = 15  # classes in the table of confusion
OVERLAPS = (50, 60, 70, 80, 90)  # percent of IoU
_KINDS = (
    (MISSED, "missed", "of an object, answered as background"),
    (EXTRA, "extra", "background, answered as an object"),
    (CLASS, "wrong class", "of one class, answered as another"),
)

Arrays = NDArray[Any]
Cell = str | float | None


@dataclass(frozen=True)
class Counts:
    """Pixels of N images. right, answered, there (N, C): by class. table (C, C): true by answered class, all images.

    known (N,): whose truth is known. wrong, border (N, 3): errors by kind (missed, extra, class), those at a border too.
    """

    right: Reals
    answered: Reals
    there: Reals
    table: Reals
    known: Reals
    wrong: Reals
    border: Reals

    @property
    def share(self) -> Reals:
        """(N,) of the known pixels that are wrong."""
        return np.asarray(self.wrong.sum(axis=1) / np.maximum(self.known, 1), np.float64)


@dataclass(frozen=True)
class Draws:
    """Resamplings. counts (B, N): how often each image is drawn, None where there are too few. unit (N,): its group."""

    counts: Reals | None
    unit: NDArray[np.int64]


def exhibits(
    paths: Sequence[str],
    classes: tuple[str, ...],
    truth: Arrays,
    answers: Arrays,
    background: bool,
    instances: bool,
    seed: int,
    groups: NDArray[np.int64] | None = None,
) -> list[Exhibit]:
    """All of them, of masks (N, H, W); [] where the truth knows no pixel. background: class 0 is what is no object.

    instances: whether objects are told apart. groups (N,): what is resampled, None for single images.
    """
    told = _counts(len(classes), truth, answers, background)
    if not told.known.sum():
        return []
    draws = Draws(image_counts(len(truth), groups, DRAWS, seed), codes(groups, len(truth)))
    shown: list[Exhibit] = [_classes(classes, told, draws), _confusion(classes, told)]
    if told.wrong.sum():
        shown.append(_errors(told, background))
    found = _objects(truth, answers, len(classes), background) if instances else None
    if found is not None:
        shown.append(_overlaps(*found, draws))
    return [*shown, *_cases(paths, classes, truth, answers, background, told, found)]


def _cut(truth: Arrays, answer: Arrays) -> tuple[Arrays, Arrays]:
    """One image without padding; the answer is VOID where the truth is."""
    high, wide = extent((classes_of(truth) != VOID) | (classes_of(answer) != VOID))
    truth, answer = truth[:high, :wide], answer[:high, :wide]
    return truth, np.where(classes_of(truth) == VOID, answer.dtype.type(VOID), answer)


def _counts(width: int, truth: Arrays, answers: Arrays, background: bool) -> Counts:
    found: list[tuple[Arrays, ...]] = []
    whole = np.zeros((width, width))
    for one, other in zip(truth, answers, strict=True):
        true, told = _cut(one, other)
        table = confusion(true, told, width)[:width, :width].astype(np.float64)
        kind, near = kinds(true, told, background), at_border(true)
        wrong = np.bincount(kind.ravel(), minlength=4)[1:4].astype(np.float64)
        border = np.bincount(kind[near], minlength=4)[1:4].astype(np.float64)
        known = np.array(np.count_nonzero(classes_of(true) != VOID), np.float64)
        whole += table
        found.append((np.diag(table), table.sum(axis=0), table.sum(axis=1), known, wrong, border))
    right, answered, there, seen, errors, near_errors = (np.array(c) for c in zip(*found, strict=True))
    return Counts(right, answered, there, whole, seen, errors, near_errors)


def _classes(classes: tuple[str, ...], told: Counts, draws: Draws) -> Sheet:
    rows: list[tuple[Cell, ...]] = []
    union = told.answered + told.there - told.right
    right, answered, there = (v.sum(axis=0) for v in (told.right, told.answered, told.there))
    for k, name in enumerate(classes):
        head = (name, int(there[k]), int((told.there[:, k] > 0).sum()))
        if not there[k]:
            rows.append((*head, *[None] * 6))
            continue
        dice, precision, recall = (
            _ratio(float(right[k]) * times, float(of))
            for times, of in ((2, answered[k] + there[k]), (1, answered[k]), (1, there[k]))
        )
        rows.append((*head, *_span(told.right[:, k], union[:, k], draws), dice, precision, recall))
    return Sheet(
        "Classes",
        "IoU of each class over the pixels of all images with 95 % intervals over images or their groups; mIoU is the mean "
        f"over classes that the truth shows. No interval where a class is met in fewer than {FEWEST_GROUPS} of them.",
        ("class", "pixels", "images", "IoU", "low", "high", "Dice", "precision", "recall"),
        tuple(rows),
    )


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _span(hits: Reals, union: Reals, draws: Draws) -> tuple[float, float | None, float | None]:
    """sum of hits / sum of union, each (N,), and its interval."""
    value, met = float(hits.sum() / max(union.sum(), 1.0)), len(np.unique(draws.unit[union > 0]))
    if draws.counts is None or met < FEWEST_GROUPS:
        return value, None, None
    if value <= 0.0 or value >= 1.0:
        return value, *wilson(met * value, float(met), 0.95)
    below = draws.counts @ union
    replicates = (draws.counts @ hits)[below > 0] / below[below > 0]
    if float(np.ptp(replicates)) <= 1e-12:
        return value, None, None
    influence = total((hits - value * union) / union.sum(), draws.unit, int(draws.unit.max()) + 1)
    return value, *bca(value, replicates, influence, 0.95)


def _confusion(classes: tuple[str, ...], told: Counts) -> Sheet:
    there = told.table.sum(axis=1)
    kept = np.sort(np.argsort(-there, kind="stable")[:MOST])
    left = len(classes) - len(kept)
    rows: list[tuple[Cell, ...]] = []
    for k in kept:
        shares: list[Cell] = [None] * len(kept)
        if there[k]:
            shares = [float(v) for v in told.table[k, kept] / there[k]]
        rest = [_ratio(float(there[k] - told.table[k, kept].sum()), float(there[k]))] if left else []
        rows.append((classes[k], *shares, *rest))
    more = f" The {len(kept)} classes with the most pixels are shown, {left} are not." if left else ""
    return Sheet(
        "Confusion",
        f"Share of the true pixels of each class (row) that are answered as each class (column).{more}",
        ("true", *(classes[k] for k in kept), *(["others"] if left else [])),
        tuple(rows),
    )


def _errors(told: Counts, background: bool) -> Sheet:
    wrong, border = told.wrong.sum(axis=0), told.border.sum(axis=0)
    total, known = float(wrong.sum()), float(told.known.sum())

    def row(name: str, meaning: str, errors: float, near: float) -> tuple[Cell, ...]:
        return name, meaning, errors / total, near / total, (errors - near) / total

    rows = [
        row(name, meaning, float(wrong[code - 1]), float(border[code - 1]))
        for code, name, meaning in _KINDS
        if background or code == CLASS
    ]
    if len(rows) > 1:
        rows.append(row("all", "wrong pixels", total, float(border.sum())))
    return Sheet(
        "Errors",
        f"{total / known:.1%} of the known pixels are wrong. Shares of these, by kind, and of them those within {NEAR} "
        "pixels of a true border, where people differ too, and those further inside.",
        ("kind", "meaning", "share of errors", "at a border", "inside"),
        tuple(rows),
    )


def _objects(truth: Arrays, answers: Arrays, width: int, background: bool) -> tuple[Reals, Reals]:
    """(N, overlaps) objects found at each of OVERLAPS, and (N, 2) how many are true and answered."""
    wanted = np.arange(int(background), width)
    hits, sizes = [], []
    for one, other in zip(truth, answers, strict=True):
        found = matched(*_cut(one, other), wanted)
        hits.append([int((100 * found.both >= percent * found.either).sum()) for percent in OVERLAPS])
        sizes.append((len(found.true), len(found.found)))
    return np.array(hits, np.float64), np.array(sizes, np.float64)


def _overlaps(hits: Reals, sizes: Reals, draws: Draws) -> Sheet:
    rows: list[tuple[Cell, ...]] = []
    true, told = (int(v) for v in sizes.sum(axis=0))
    for percent, found in zip(OVERLAPS, hits.T, strict=True):
        n = int(found.sum())
        rows.append(
            (f"{percent / 100:.1f}", n, told - n, true - n, *_span(found, sizes.sum(axis=1) - found, draws))
        )
    return Sheet(
        "Objects",
        "Objects that are found (TP), answers that find none (FP) and objects that no answer finds (FN), by the IoU from "
        "which an object counts as found. AP is TP / (TP + FP + FN), with 95 % intervals over images or their groups.",
        ("IoU", "TP", "FP", "FN", "AP", "low", "high"),
        tuple(rows),
    )


def _cases(
    paths: Sequence[str],
    classes: tuple[str, ...],
    truth: Arrays,
    answers: Arrays,
    background: bool,
    told: Counts,
    found: tuple[Reals, Reals] | None,
) -> list[Cases]:
    """The images with the largest share of wrong pixels, and those in the middle of that order."""
    order = np.lexsort((np.arange(len(paths)), -told.share))
    worst, rest = order[:CASES], order[CASES:]
    start = max(0, (len(order) - CASES) // 2 - len(worst))
    shown = []
    for title, caption, rows in (
        ("Worst cases", "The images with the largest share of wrong pixels.", worst),
        (
            "Typical cases",
            "Images from the middle of the same order: half do better, half do worse.",
            rest[start : start + CASES],
        ),
    ):
        cases = []
        for n in map(int, rows):
            true, answer = _cut(truth[n], answers[n])
            error = kinds(true, answer, background)
            error[(error > 0) & at_border(true)] = BOUNDARY
            words = _words(told, found, n, background)
            cases.append(MaskCase(paths[n], words, classes, true.copy(), answer, error, background))
        if cases:
            shown.append(Cases(title, caption, tuple(cases)))
    return shown


def _words(told: Counts, found: tuple[Reals, Reals] | None, n: int, background: bool) -> str:
    """How wrong an image is: in all, by kind where there are several, and its objects."""
    known = max(float(told.known[n]), 1.0)
    words = f"{told.share[n]:.1%} of the pixels wrong"
    if background and told.wrong[n].any():
        parts = [
            f"{told.wrong[n, code - 1] / known:.1%} {name}"
            for code, name, _ in _KINDS
            if told.wrong[n, code - 1]
        ]
        words += f" ({', '.join(parts)})"
    if found is not None:
        hit, (true, answered) = int(found[0][n, 0]), found[1][n].astype(int)
        words += f"; {hit} of {true} objects found, {answered - hit} answered in vain"
    return words
