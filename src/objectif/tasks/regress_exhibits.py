"""What a report shows of numbers and stages: answers against the truth, residuals, what intervals hold, by subject."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from objectif.metrics.regression import COVERAGE, KAPPA, MAE, R2, RMSE, WIDTH, WITHIN_1, gap, inside, wide
from objectif.tasks.conformal import claimed, needed, reach, within
from objectif.tasks.exhibits import Case, Cases, Dot, Dots, Exhibit, Sheet

if TYPE_CHECKING:
    from objectif.tasks.regress import Decoding

SHOWN = 12
LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
BOUNDS = 3

Reals = NDArray[np.float64]


def exhibits(
    paths: Sequence[str],
    classes: tuple[str, ...],
    truth: NDArray[Any],
    answers: NDArray[Any],
    decoding: Decoding,
    groups: NDArray[np.int64] | None,
) -> list[Exhibit]:
    """In the order of the page. groups (N,): resampled units, which may join several subjects."""
    names = classes if len(classes) > 1 else ()
    unit = classes[0] if len(classes) == 1 else "stage"
    subjects = truth[:, 1]
    repeated = len(np.unique(subjects)) < len(subjects)
    shown: list[Exhibit] = [
        _figures(truth, answers, staged=bool(names)),
        _against(paths, truth, answers, unit, names),
        _residuals(paths, truth, answers, unit),
        _calibration(truth, answers, decoding, subjects if repeated else None),
    ]
    if repeated:
        shown.append(_by_subject(paths, truth, answers, decoding))
    shown.append(_worst(paths, truth, answers, names, unit))
    return shown


def _figures(truth: NDArray[Any], answers: NDArray[Any], *, staged: bool) -> Sheet:
    chosen = (MAE, RMSE, R2, WITHIN_1, *((KAPPA,) if staged else ()), COVERAGE, WIDTH)
    rows = tuple((one.title, float(one.value(truth, answers))) for one in chosen)
    return Sheet(
        "figures of the answers",
        "Of images that took no part in what answered them. Widths and errors are in the unit of the quantity, or in stages.",
        ("figure", "value"),
        rows,
    )


def _names(names: tuple[str, ...]) -> str:
    return f" Stages: {', '.join(f'{k} is {name}' for k, name in enumerate(names))}." if names else ""


def _against(
    paths: Sequence[str], truth: NDArray[Any], answers: NDArray[Any], unit: str, names: tuple[str, ...]
) -> Dots:
    """Answers over the truth, each with its interval; images of one truth are drawn side by side."""
    y = truth[:, 0].astype(np.float64)
    held = inside(truth, answers) > 0
    dots = tuple(
        Dot(float(x), float(row[1]), float(row[0]), float(row[2]), bool(ok), path)
        for x, row, ok, path in zip(_aside(y), answers, held, paths, strict=True)
    )
    low, high = float(min(y.min(), answers[:, :BOUNDS].min())), float(max(y.max(), answers[:, :BOUNDS].max()))
    return Dots(
        "answered against true, with intervals",
        "On the line an answer is right. An interval that misses the truth is drawn in the other colour; equal truths are "
        f"spread a little to the side.{_names(names)}",
        f"true {unit}",
        f"answered {unit}",
        dots,
        (low, high, low, high),
        diagonal=True,
    )


def _aside(values: Reals) -> Reals:
    """Values, equal ones spread over a small part of the range, in their order."""
    span = max(float(np.ptp(values)), 1e-9)
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    moved = values.copy()
    for k in np.flatnonzero(counts > 1):
        rows = np.flatnonzero(which == k)
        moved[rows] += np.linspace(-0.012, 0.012, len(rows)) * span
    return moved


def _residuals(paths: Sequence[str], truth: NDArray[Any], answers: NDArray[Any], unit: str) -> Dots:
    """Answer less truth over the answer: what a person who sees only the answer should add."""
    error = answers[:, 1].astype(np.float64) - truth[:, 0]
    middle = _aside(answers[:, 1].astype(np.float64))
    most = max(float(np.abs(error).max()), 1e-9)
    dots = tuple(
        Dot(float(x), float(e), float(e), float(e), True, path)
        for x, e, path in zip(middle, error, paths, strict=True)
    )
    return Dots(
        "residuals",
        "Answered less true, over what was answered: a slope or a bend is something that the network could still learn.",
        f"answered {unit}",
        "answered less true",
        dots,
        (float(middle.min()), float(middle.max()), -most, most),
        level=0.0,
    )


def _calibration(
    truth: NDArray[Any], answers: NDArray[Any], decoding: Decoding, subjects: NDArray[Any] | None
) -> Sheet:
    """Stated against met coverage: intervals of other levels are conformal from all other subjects."""
    rows = []
    for level in sorted({*LEVELS, decoding.coverage}):
        met, width = _met(truth, answers, decoding, subjects, level)
        own = abs(level - decoding.coverage) < 1e-9
        rows.append((f"{level:.0%}{' (what is shipped)' if own else ''}", met, width))
    n = len(np.unique(truth[:, 1])) if subjects is not None else len(truth)
    of = "subject" if subjects is not None else "image"
    vouched = (
        f"{n} {of}s can vouch for {claimed(n, decoding.coverage):.0%} for a new one."
        if subjects is not None
        else ""
    )
    return Sheet(
        "calibration of intervals: stated against met coverage",
        f"Shipped intervals as they are. Those of other levels are made for each {of} from the errors of all others, so "
        f"that none is judged by itself. {vouched}".strip(),
        ("stated", "share of truths inside", "mean width"),
        tuple(rows),
    )


def _met(
    truth: NDArray[Any],
    answers: NDArray[Any],
    decoding: Decoding,
    subjects: NDArray[Any] | None,
    level: float,
) -> tuple[float, float]:
    if abs(level - decoding.coverage) < 1e-9:
        return float(inside(truth, answers).mean()), float(wide(truth, answers).mean())
    ids = np.arange(len(truth)) % 20 if subjects is None else subjects
    held, width = np.zeros(len(truth)), np.zeros(len(truth))
    of = _of_stages if answers.shape[1] > BOUNDS else _of_numbers
    for one in np.unique(ids):
        own = ids == one
        if (~own).any():
            held[own], width[own] = of(truth, answers, own, None if subjects is None else ids[~own], level)
    return float(held.mean()), float(width.mean())


def _of_numbers(
    truth: NDArray[Any], answers: NDArray[Any], own: NDArray[np.bool_], others: Any, level: float
) -> tuple[Reals, Reals]:
    """Whether the shipped interval, moved at both ends as the others want it, holds; and its width."""
    y = truth[:, 0].astype(np.float64)
    beyond = np.maximum(answers[:, 0] - y, y - answers[:, 2])
    more = reach(beyond[~own], others, level)
    width = np.maximum(answers[own, 2] - answers[own, 0] + 2 * more, 0.0)
    return (beyond[own] <= more).astype(np.float64), width


def _of_stages(
    truth: NDArray[Any], answers: NDArray[Any], own: NDArray[np.bool_], others: Any, level: float
) -> tuple[Reals, Reals]:
    said, middle, y = answers[:, BOUNDS:], answers[:, 1].astype(np.int64), truth[:, 0].astype(np.int64)
    most = reach(needed(said[~own], middle[~own], y[~own]), others, level)
    low, high = within(said[own], middle[own], most)
    return ((low <= y[own]) & (y[own] <= high)).astype(np.float64), (high - low).astype(np.float64)


def _by_subject(
    paths: Sequence[str], truth: NDArray[Any], answers: NDArray[Any], decoding: Decoding
) -> Sheet:
    """A row for each subject, the least covered first."""
    found = []
    for subject in np.unique(truth[:, 1]):
        own = truth[:, 1] == subject
        first = paths[int(np.flatnonzero(own)[0])]
        values: list[Callable[..., Reals]] = [inside, gap, wide]
        covered, error, width = (float(of(truth[own], answers[own]).mean()) for of in values)
        found.append((covered, error, width, int(own.sum()), first))
    found.sort()
    shares = [row[0] for row in found]
    return Sheet(
        "by subject",
        f"Mean coverage of {len(found)} subjects {np.mean(shares):.0%}, least {min(shares):.0%}, of {decoding.coverage:.0%} "
        "stated.",
        (
            "subject, by its first image",
            "images",
            "mean absolute error",
            "share of truths inside",
            "mean width",
        ),
        tuple((first, float(n), error, covered, width) for covered, error, width, n, first in found[:40]),
    )


def _worst(
    paths: Sequence[str], truth: NDArray[Any], answers: NDArray[Any], names: tuple[str, ...], unit: str
) -> Cases:
    """Pictures whose answers are farthest off."""
    error = gap(truth, answers)
    order = np.argsort(-error, kind="stable")[:SHOWN]

    def say(value: float) -> str:
        return names[round(value)] if names else f"{value:.3g}"

    cases = tuple(
        Case(
            paths[k],
            f"{unit} {say(truth[k, 0])}, answered {say(answers[k, 1])} ({say(answers[k, 0])} to {say(answers[k, 2])})",
            (),
        )
        for k in map(int, order)
        if error[k] > 0
    )
    return Cases("farthest from the truth", "Pictures with the largest errors.", cases)
