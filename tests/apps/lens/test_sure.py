"""The threshold: on worlds whose truth is known, the promised accuracy holds as often as is said."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from objectif.apps.lens.sure import GRID, bound, calibrate, fewest
from objectif.apps.lens.taxonomy import NOBODY, Tree
from objectif.errors import InputError

LABELS = ("a", "b", "c", "d", "e", "f")
TREE = Tree(LABELS, {"a": "x", "b": "x", "c": "x", "d": "y", "e": "y", "f": "y"})


def world(
    photos: int, seed: int, *, boast: float = 1.0, temper: float = 1.0
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Photos whose labels are drawn from a posterior; the network tells it sharpened by `boast` (1: it is honest)."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2.0 / temper, (photos, 6)) + np.repeat(
        random.normal(0, 2.0, (photos, 2)), 3, axis=1
    )
    posterior = np.exp(logits - logits.max(axis=1, keepdims=True))
    posterior /= posterior.sum(axis=1, keepdims=True)
    truth = (posterior.cumsum(axis=1) < random.random((photos, 1))).sum(axis=1).clip(max=5)
    told = posterior**boast
    return told / told.sum(axis=1, keepdims=True), truth


def accuracy(threshold: float, scores: NDArray[np.float64], truth: NDArray[np.int64]) -> float:
    nodes = TREE.answered(TREE.masses(scores), threshold)
    given = nodes != NOBODY
    return float(TREE.right(nodes, truth)[given].mean()) if given.any() else 1.0


@pytest.mark.parametrize(
    ("photos", "boast", "wanted"), [(200, 1.0, 0.9), (200, 3.0, 0.9), (600, 2.0, 0.95), (80, 1.5, 0.85)]
)
def test_the_promise_holds_in_worlds_of_known_truth(photos: int, boast: float, wanted: float) -> None:
    """Broken in at most 5 % of worlds: of 80, at most 8 (of a binomial with 5 % more come in 2 % of tries)."""
    big = world(12_000, 999, boast=boast)
    true = {t: accuracy(t, *big) for t in GRID.tolist() if t < 1}
    broken = 0
    for seed in range(80):
        found = calibrate(TREE, *world(photos, seed, boast=boast), wanted)
        broken += true.get(found.threshold, 1.0) < found.promised - 0.005  # the big world's own error
    assert broken <= 8


def test_a_sharper_wish_is_a_higher_threshold_and_fewer_answers() -> None:
    scores, truth = world(1000, 1)
    found = [calibrate(TREE, scores, truth, wanted) for wanted in (0.7, 0.8, 0.9, 0.95)]
    assert [f.threshold for f in found] == sorted(f.threshold for f in found)
    assert [f.answered for f in found] == sorted((f.answered for f in found), reverse=True)
    assert all(f.kept for f in found)


def test_what_the_photos_cannot_show_is_not_promised() -> None:
    truth = np.arange(20) % 6
    scores = np.eye(6)[truth] * 0.94 + 0.01
    found = calibrate(TREE, scores, truth, 0.9)
    assert not found.kept
    assert found.answered == found.right == 20
    assert found.promised == pytest.approx(0.05 ** (1 / 20), abs=1e-6)  # 20 right of 20
    assert fewest(0.9) == 29
    assert calibrate(TREE, np.tile(scores, (2, 1)), np.tile(truth, 2), 0.9).kept


def test_photos_of_one_group_count_once() -> None:
    truth = np.repeat(np.arange(12) % 6, 10)
    scores = np.eye(6)[truth] * 0.94 + 0.01
    assert calibrate(TREE, scores, truth, 0.9).photos == 120
    assert calibrate(TREE, scores, truth, 0.9, np.repeat(np.arange(12), 10)).photos == 12


def test_no_photo_no_promise() -> None:
    with pytest.raises(InputError, match="no held-out answer"):
        calibrate(TREE, np.zeros((0, 6)), np.zeros(0, np.int64), 0.9)


def test_where_nothing_is_ever_sure_nothing_is_promised() -> None:
    found = calibrate(Tree(LABELS), np.full((50, 6), 1 / 6), np.arange(50) % 6, 0.9)
    assert (found.threshold, found.answered, found.promised, found.kept) == (0.5, 0, 0.0, False)


def test_the_bound_is_that_of_clopper_and_pearson() -> None:
    assert bound(299, 299) == pytest.approx(0.05 ** (1 / 299), abs=1e-9)
    assert bound(0, 10) == 0
