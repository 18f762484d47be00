"""Doubts: planted wrong labels are counted and named; honest labels, and labels that nothing can tell, are left alone."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from objectif.health.doubts import Doubts, doubts
from objectif.health.heldout import deal, one_hot, out_of_fold, softmax

Ints = NDArray[np.int64]


def blobs(n: int, classes: int, distance: float, seed: int = 0) -> tuple[NDArray[np.float32], Ints]:
    """Features (n, 20) around one centre for each class, and the class."""
    rng = np.random.default_rng(seed)
    truth = np.arange(n) % classes
    centres = np.random.default_rng(99).normal(size=(classes, 20)) * distance
    return (centres[truth] + rng.normal(size=(n, 20))).astype(np.float32), truth


def judge(table: NDArray[np.float32], truth: Ints, classes: int, units: Ints | None = None) -> Doubts:
    units = np.arange(len(table)) if units is None else units
    fold = deal(one_hot(truth, classes), units)
    return doubts(table, truth, tuple("abcdefgh"[:classes]), fold, units, source="made up")


def flipped(truth: Ints, share: float, classes: int, seed: int = 1) -> Ints:
    rng = np.random.default_rng(seed)
    rows = rng.choice(len(truth), round(share * len(truth)), replace=False)
    out = truth.copy()
    out[rows] = (out[rows] + rng.integers(1, classes, len(rows))) % classes
    return out


@pytest.mark.parametrize("share", [0.02, 0.05, 0.15])
@pytest.mark.parametrize("distance", [1.0, 2.0, 8.0])
def test_planted_errors_are_counted_and_named(share: float, distance: float) -> None:
    table, truth = blobs(600, 4, distance)
    noisy = flipped(truth, share, 4)
    found = judge(table, noisy, 4)
    wrong = set(np.flatnonzero(noisy != truth).tolist())
    assert found.worrying
    assert found.wrong == pytest.approx(len(wrong), rel=0.4)
    named = [d for d in found.shown if d.wrong > 0.5]
    assert len(named) >= min(0.7 * len(wrong), 60)
    assert np.mean([d.row in wrong for d in named]) > 0.85
    assert [d.wrong for d in found.shown] == sorted((d.wrong for d in found.shown), reverse=True)


@pytest.mark.parametrize("distance", [0.1, 0.3, 0.6, 1.5, 5.0])
def test_honest_labels_are_no_worry_however_hard_they_are(distance: float) -> None:
    for seed in range(12):
        table, truth = blobs(150, 3, distance, seed)
        assert not judge(table, truth, 3).worrying


def test_shuffled_labels_are_beyond_doubting() -> None:
    for seed in range(5):
        table, truth = blobs(300, 3, 1.0, seed)
        found = judge(table, np.random.default_rng(seed).permutation(truth), 3)
        assert not found.worrying
        assert not found.able


def test_a_class_in_one_group_cannot_be_judged() -> None:
    table, truth = blobs(300, 3, 1.0)
    units = np.where(truth == 2, 0, 1 + np.arange(300))  # all of class c is one unit: never seen in training
    found = judge(table, truth, 3, units)
    assert found.shown
    assert not any(d.given == "c" for d in found.shown)


def test_forgotten_and_superfluous_labels_of_many() -> None:
    rng = np.random.default_rng(0)
    hot = (rng.random((500, 3)) < 0.4).astype(np.int64)
    table = (hot @ rng.normal(size=(3, 20)) * 2 + rng.normal(size=(500, 20))).astype(np.float32)
    noisy = hot.copy()
    rows, columns = rng.choice(500, 30, replace=False), rng.integers(0, 3, 30)
    noisy[rows, columns] = 1 - noisy[rows, columns]
    found = judge(table, noisy, 3)
    assert found.worrying
    planted = {(int(r), "abc"[c]) for r, c in zip(rows, columns, strict=True)}
    named = [(d.row, d.given.removeprefix("not ")) for d in found.shown if d.wrong > 0.5]
    assert len(set(named) & planted) >= 15
    assert np.mean([n in planted for n in named]) > 0.85
    assert all(d.looks == f"not {d.given}" or d.given == f"not {d.looks}" for d in found.shown)
    assert not judge(table, hot, 3).worrying


def test_no_image_is_judged_by_its_own_fold() -> None:
    rng = np.random.default_rng(0)
    table = rng.normal(size=(60, 200)).astype(np.float32)  # wide enough to remember every image
    truth = rng.integers(0, 2, 60)
    hot = one_hot(truth, 2)
    fold = deal(hot, np.arange(60))
    scores = out_of_fold(table, hot, fold)
    assert (scores.argmax(1) == truth).mean() < 0.75


def test_ridge_is_the_solution_of_its_equations() -> None:
    rng = np.random.default_rng(0)
    for wide in (5, 80):
        table = rng.normal(size=(40, wide)).astype(np.float32)
        hot = one_hot(rng.integers(0, 2, 40), 2)
        fold = np.arange(40) % 2
        scores = out_of_fold(table, hot, fold)
        train = fold == 1
        x = (table[train] - table[train].mean(0)) / (table[train].std(0) + 1e-6)
        z = np.clip((table[~train] - table[train].mean(0)) / (table[train].std(0) + 1e-6), -5, 5)
        y = hot[train] - hot[train].mean(0)
        answers = [
            z
            @ np.linalg.lstsq(np.vstack([x, np.sqrt(p) * np.eye(wide)]), np.vstack([y, np.zeros((wide, 2))]))[
                0
            ]
            + hot[train].mean(0)
            for p in (1.0, 10.0, 100.0, 1e3, 1e4)
        ]
        assert any(np.allclose(scores[~train], a, atol=1e-3) for a in answers)


def test_units_share_a_fold_and_classes_are_spread() -> None:
    truth = np.arange(120) % 3
    units = np.arange(120) // 6
    fold = deal(one_hot(truth, 3), units)
    assert all(len(set(fold[units == u].tolist())) == 1 for u in range(20))
    for k in range(5):
        assert (np.bincount(truth[fold == k], minlength=3) == 8).all()


def test_softmax_of_large_logits_is_finite() -> None:
    assert np.allclose(softmax(np.array([[1e4, 0.0], [0.0, 0.0]])), [[1, 0], [0.5, 0.5]])
