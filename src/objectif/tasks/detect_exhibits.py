"""What a report of detection shows: precision and recall, classes, errors, FROC, and pictures worth a look.

All bands and intervals resample images, or groups of them where there are any; all is the same for the same seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.metrics.base import Reals
from objectif.metrics.boxes import ANSWER_CLASS, IGNORE, SCORE, TRUTH_CLASS
from objectif.metrics.detection import MAP50, MAP50_95, Detected
from objectif.metrics.intervals import from_replicates
from objectif.metrics.resample import codes, image_counts, total
from objectif.metrics.sweep import RECALLS, precisions, sensitivities
from objectif.tasks.detect_errors import KINDS, MEANING, Bools, Errors, errors, mended
from objectif.tasks.exhibits import Case, Cases, Curve, Curves, Exhibit, Kind, Mark, Sheet

DRAWS = 500
SHOWN = 8  # classes that get a curve
CASES = 6
RATES = tuple(float(r) for r in np.linspace(0.0, 8.0, 65))  # false positives an image

Arrays = NDArray[Any]


def exhibits(
    paths: Sequence[str],
    classes: tuple[str, ...],
    truth: Arrays,
    answers: Arrays,
    chosen: Bools,
    seed: int,
    groups: NDArray[np.int64] | None = None,
) -> list[Exhibit]:
    """All of them; chosen (N, M): the answers at or above the threshold of their class; groups (N,): what is resampled,
    None for single images. [] without objects."""
    if not len(truth) or not ((truth[:, :, TRUTH_CLASS] >= 0) & (truth[:, :, IGNORE] <= 0)).any():
        return []
    counts = image_counts(len(truth), groups, DRAWS, seed)
    unit = codes(groups, len(truth))
    tight = MAP50.prepared(truth, answers)
    told = errors(truth, answers, chosen)
    return [
        _precision(classes, tight, counts),
        _classes(classes, tight, MAP50_95.prepared(truth, answers), counts, unit),
        _errors(truth, answers, told, tight),
        _froc(classes, tight, counts),
        *_cases(paths, classes, truth, answers, told),
    ]


def _band(values: Reals) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """95 % limits at each point of replicates (B, points)."""
    low, high = np.nanquantile(values, [0.025, 0.975], axis=0)
    return tuple(map(float, low)), tuple(map(float, high))


def _precision(classes: tuple[str, ...], tight: Detected, counts: Reals | None) -> Curves:
    by_size = sorted(tight.by_class(), key=lambda pair: -pair[1].sweeps[0][0].total)
    curves = []
    for label, one in by_size[:SHOWN]:
        line = one.sweeps[0][0]
        low = high = None
        if counts is not None:
            low, high = _band(precisions(*line.under(counts), counts @ line.objects))
        y = precisions(*line.under(np.ones((1, line.images))), np.array([line.total]))[0]
        curves.append(Curve(classes[label], tuple(map(float, RECALLS)), tuple(map(float, y)), low, high))
    left = len(by_size) - len(curves)
    more = f" The {len(curves)} classes with the most objects are shown, {left} are not." if left else ""
    return Curves(
        "Precision and recall",
        "Of the answers above a threshold, how many are right (IoU of .5 or more), against how many of the objects "
        f"they find. {_banded(counts)}{more}",
        "recall",
        "precision",
        tuple(curves),
    )


def _banded(counts: Reals | None) -> str:
    if counts is None:
        return "Fewer than ten images or groups: no bands."
    return f"Bands hold 95 % of {len(counts)} resamplings of the images, whole groups at once."


def _classes(
    classes: tuple[str, ...],
    tight: Detected,
    strict: Detected,
    counts: Reals | None,
    unit: NDArray[np.int64],
) -> Sheet:
    loose, close = dict(tight.by_class()), dict(strict.by_class())
    rows: list[tuple[str | float | None, ...]] = []
    for label, name in enumerate(classes):
        if label not in loose:
            rows.append((name, 0, 0, *[None] * 6))
            continue
        objects = loose[label].sweeps[0][0].objects
        spans = [_span(one[label], counts, unit) for one in (loose, close)]
        rows.append((name, int(objects.sum()), int((objects > 0).sum()), *spans[0], *spans[1]))
    head = ("class", "objects", "images", "AP50", "low", "high", "AP50:95", "low", "high")
    return Sheet(
        "Classes",
        "Average precision of each class with 95 % intervals over images or their groups; mAP is the mean over classes that have "
        "objects.",
        head,
        tuple(rows),
    )


def _span(
    one: Detected, counts: Reals | None, unit: NDArray[np.int64]
) -> tuple[float, float | None, float | None]:
    """Value and interval of one class."""
    value, influence, _ = one.expand()
    replicates = None if counts is None else one.replicates(counts)
    units = int(unit.max()) + 1
    found = from_replicates(one.metric, one.truth, value, replicates, total(influence, unit, units), units)
    return value, found.low, found.high


def _errors(truth: Arrays, answers: Arrays, told: Errors, tight: Detected) -> Sheet:
    value = float(tight.values.mean())
    worth = mended(truth, answers, told)
    rows = [
        (kind, meaning, count, then, then - value)
        for kind, meaning, count, then in zip(KINDS, MEANING, told.counts(), worth, strict=True)
    ]
    right, objects = int(told.right.sum()), int(sum(line[0].total for line in tight.sweeps))
    return Sheet(
        "Errors",
        f"At the thresholds of the Solution {right} of {objects} objects are found. mAP50 is {value:.3f}; what it "
        "would be with all errors of one kind mended tells which kind is worth the most.",
        ("kind", "meaning", "errors", "mAP50 if mended", "gain"),
        tuple(rows),
    )


def _froc(classes: tuple[str, ...], tight: Detected, counts: Reals | None) -> Curves:
    def mean(weights: Reals) -> Reals:
        images = weights.sum(axis=1)
        lines = [line[0] for line in tight.sweeps]
        each = [sensitivities(*s.under(weights), weights @ s.objects, images, RATES) for s in lines]
        stack = np.stack(each)
        defined = np.isfinite(stack)
        whole = np.where(defined, stack, 0.0).sum(axis=0) / np.maximum(defined.sum(axis=0), 1)
        return np.asarray(whole, np.float64)

    low, high = (None, None) if counts is None else _band(mean(counts))
    y = tuple(map(float, mean(np.ones((1, len(tight.truth))))[0]))
    name = "mean over classes" if len(tight.sweeps) > 1 else classes[tight.labels[0]]
    return Curves(
        "FROC",
        "Share of the objects found (IoU of .5 or more) against how many wrong answers of that class are put up "
        f"with in an image. {_banded(counts)}",
        "false positives an image",
        "sensitivity",
        (Curve(name, RATES, y, low, high),),
        (0.0, RATES[-1], 0.0, 1.0),
    )


def _cases(
    paths: Sequence[str], classes: tuple[str, ...], truth: Arrays, answers: Arrays, told: Errors
) -> list[Cases]:
    """The images with the most errors, and those in the middle of that order."""
    right, wrong = told.right.sum(axis=1), (told.kind >= 0).sum(axis=1)
    missed = told.missed.sum(axis=1)
    share = (wrong + missed) / np.maximum(2 * right + wrong + missed, 1)
    order = np.lexsort((np.arange(len(paths)), -share, -(wrong + missed)))
    worst, rest = order[:CASES], order[CASES:]
    start = max(0, (len(order) - CASES) // 2 - len(worst))
    typical = rest[start : start + CASES]
    found = []
    for title, caption, rows in (
        ("Worst cases", "The images with the most errors: objects missed and wrong answers.", worst),
        (
            "Typical cases",
            "Images from the middle of the same order: half do better, half do worse.",
            typical,
        ),
    ):
        cases = [_case(paths[n], classes, truth[n], answers[n], told, n) for n in map(int, rows)]
        if cases:
            found.append(Cases(title, caption, tuple(cases)))
    return found


def _case(path: str, classes: tuple[str, ...], truth: Arrays, answers: Arrays, told: Errors, n: int) -> Case:
    """One image; objects first, so that answers are drawn over them."""
    marks = []
    for g in np.flatnonzero(truth[:, TRUTH_CLASS] >= 0):
        name = classes[int(truth[g, TRUTH_CLASS])]
        kind: Kind = "missed" if told.missed[n, g] else "truth"
        words = f"{name}, ignored" if truth[g, IGNORE] > 0 else name
        marks.append(Mark(_place(truth[g]), kind, words))
    for m in np.flatnonzero(told.right[n] | (told.kind[n] >= 0)):
        words = f"{classes[int(answers[m, ANSWER_CLASS])]} {answers[m, SCORE]:.2f}"
        if told.right[n, m]:
            marks.append(Mark(_place(answers[m]), "right", words))
        else:
            marks.append(Mark(_place(answers[m]), "wrong", f"{words} ({KINDS[told.kind[n, m]]})"))
    counts = (int(told.right[n].sum()), int(told.missed[n].sum()), int((told.kind[n] >= 0).sum()))
    return Case(path, "{} found, {} missed, {} wrong".format(*counts), tuple(marks))


def _place(row: Arrays) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = (float(v) for v in row[:4])
    return x1, y1, x2, y2
