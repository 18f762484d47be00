"""Errors are of the kind they were made to be; exhibits are whole, repeatable and quick."""

from __future__ import annotations

import time

import numpy as np
import pytest

from objectif.metrics.boxes import packed
from objectif.metrics.catalog import metric
from objectif.tasks.detect import TASK, Decoding
from objectif.tasks.detect_errors import KINDS, errors, mended
from objectif.tasks.exhibits import Cases, Curves, Sheet

TRUTH = [[0, 0, 20, 20, 0, 0], [40, 0, 60, 20, 0, 0], [80, 0, 100, 20, 1, 0], [0, 60, 20, 80, 0, 1]]
MADE = {
    "right": [0, 0, 20, 20, 0.95, 0],
    "duplicate": [0, 1, 20, 21, 0.9, 0],
    "localisation": [40, 10, 60, 30, 0.85, 0],
    "classification": [80, 0, 100, 20, 0.8, 0],
    "both": [0, 13, 20, 33, 0.75, 1],
    "background": [150, 150, 170, 170, 0.7, 0],
    "ignored": [0, 60, 20, 80, 0.65, 0],
}


def made(*names: str) -> np.ndarray:
    return packed([np.array([MADE[n] for n in names])], 5, dtype=np.float32)


def flock(images: int, objects: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Many images: most objects found, some badly, some not."""
    rng = np.random.default_rng(seed)
    truth, answers = [], []
    for _ in range(images):
        n = int(rng.poisson(objects))
        corner = rng.uniform(0, 600, (n, 2))
        table = np.column_stack(
            [corner, corner + rng.uniform(20, 80, (n, 2)), rng.integers(0, 3, n), np.zeros(n)]
        )
        hit = rng.random(n) < 0.8
        good = np.column_stack(
            [table[hit, :4] + 4 * rng.normal(size=(hit.sum(), 4)), rng.beta(4, 2, hit.sum()), table[hit, 4]]
        )
        corner = rng.uniform(0, 600, (10, 2))
        bad = np.column_stack([corner, corner + 40, rng.beta(2, 5, 10), rng.integers(0, 3, 10)])
        both = np.concatenate([good, bad])
        truth.append(table)
        answers.append(both[np.argsort(-both[:, 4], kind="stable")])
    return packed(truth, 4), packed(answers, 5, 100, np.float32)


@pytest.mark.parametrize("kind", KINDS[:-1])
def test_each_kind_is_told(kind: str) -> None:
    truth, answers = packed([np.array(TRUTH)], 4), made("right", kind, "ignored")
    told = errors(truth, answers, answers[:, :, 5] >= 0)
    assert dict(zip(KINDS, told.counts(), strict=True)) == {
        **dict.fromkeys(KINDS, 0), kind: 1, "missed": 1 if kind in ("localisation", "classification") else 2
    }  # fmt: skip
    assert told.right.tolist() == [[True, False, False]]
    assert told.missed.sum() == 2


def test_answers_below_the_threshold_make_no_errors() -> None:
    truth, answers = packed([np.array(TRUTH)], 4), made(*MADE)
    told = errors(truth, answers, np.zeros((1, len(MADE)), np.bool_))
    assert told.counts() == (0, 0, 0, 0, 0, 3)


def test_mending_helps_and_mending_all_is_perfect() -> None:
    truth, answers = packed([np.array(TRUTH)], 4), made(*MADE)
    value = metric("mAP50").value(truth, answers)
    told = errors(truth, answers, answers[:, :, 5] >= 0)
    assert all(then >= value for then in mended(truth, answers, told))
    only = made("right", "localisation", "classification")
    told = errors(truth, only, only[:, :, 5] >= 0)
    worth = dict(zip(KINDS, mended(truth, only, told), strict=True))
    assert worth["classification"] == pytest.approx(
        (1.0 + metric("mAP50").value(truth[:, :2], made("right"))) / 2
    )
    assert worth["missed"] == metric("mAP50").value(truth, only)


def test_a_mended_answer_does_not_find_twice() -> None:
    truth = packed([np.array(TRUTH[:1])], 4)
    answers = packed([np.array([[0, 0, 20, 20, 0.9, 0], [0, 12, 20, 32, 0.95, 0]])], 5, dtype=np.float32)
    told = errors(truth, answers, answers[:, :, 5] >= 0)
    assert told.counts()[1] == 1
    assert mended(truth, answers, told)[1] == 1.0


def test_exhibits_are_whole_repeatable_and_quick() -> None:
    truth, answers = flock(364, 14)
    decoding = TASK.operate(Decoding(), truth, answers, True)
    paths, classes = [f"{n}.jpg" for n in range(364)], ("a", "b", "c")
    start = time.perf_counter()
    shown = TASK.exhibits(paths, classes, truth, answers, decoding.to_dict(), 3)
    assert time.perf_counter() - start < 10
    assert [e.title for e in shown] == [
        "Precision and recall", "Classes", "Errors", "FROC", "Worst cases", "Typical cases"
    ]  # fmt: skip
    assert shown == TASK.exhibits(paths, classes, truth, answers, decoding.to_dict(), 3)
    for curves in (e for e in shown if isinstance(e, Curves)):
        for one in curves.curves:
            low, y, high = (np.array(v) for v in (one.low, one.y, one.high))
            assert len(one.x) == len(y)
            assert (low <= high).all()
            assert ((low <= y + 0.1) & (y <= high + 0.1)).all()
            x0, x1, y0, y1 = curves.limits
            assert ((x0 <= np.array(one.x)) & (np.array(one.x) <= x1) & (y0 <= low) & (high <= y1)).all()
    sheet = shown[1]
    assert isinstance(sheet, Sheet)
    assert all(len(row) == len(e.head) for e in shown if isinstance(e, Sheet) for row in e.rows)
    assert np.mean([row[3] for row in sheet.rows]) == pytest.approx(metric("mAP50").value(truth, answers))
    assert all(row[4] <= row[3] <= row[5] for row in sheet.rows)
    worst, typical = shown[4:]
    assert isinstance(worst, Cases) and isinstance(typical, Cases)
    assert (len(worst.cases), len(typical.cases)) == (6, 6)
    assert not {c.path for c in worst.cases} & {c.path for c in typical.cases}
    wrong = [sum(m.kind in ("wrong", "missed") for m in c.marks) for c in (*worst.cases, *typical.cases)]
    assert min(wrong[:6]) >= max(wrong[6:])


@pytest.mark.parametrize("images", [1, 4, 7, 12])
def test_few_images_are_enough(images: int) -> None:
    truth, answers = flock(images, 5)
    shown = TASK.exhibits([str(n) for n in range(images)], ("a", "b", "c", "none"), truth, answers)
    curves = shown[0]
    assert isinstance(curves, Curves)
    assert (curves.curves[0].low is None) == (images < 10)
    paths = [c.path for e in shown if isinstance(e, Cases) for c in e.cases]
    assert len(paths) == len(set(paths)) == images
    assert shown[1].rows[-1][:4] == ("none", 0, 0, None)


def test_nothing_to_find_shows_nothing_and_no_answers_show_misses() -> None:
    truth, answers = flock(12, 5)
    assert TASK.exhibits([""] * 12, ("a", "b", "c"), np.where(truth == truth, -1.0, truth), answers) == []
    shown = TASK.exhibits([str(n) for n in range(12)], ("a", "b", "c"), truth, TASK.empty(12, 3))
    marks = [m.kind for e in shown if isinstance(e, Cases) for c in e.cases for m in c.marks]
    assert set(marks) == {"missed"}


def test_groups_of_alike_images_make_bands_wider() -> None:
    from objectif.metrics.resample import image_counts

    groups = np.repeat(np.arange(20), 5)
    counts = image_counts(100, groups, 50, 0)
    assert counts is not None
    assert counts.shape == (50, 100)
    assert (counts == counts[:, np.arange(100) // 5 * 5]).all()
    assert (counts.sum(axis=1) == 100).all()
    assert image_counts(100, np.repeat(np.arange(5), 20), 50, 0) is None
