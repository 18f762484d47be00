"""The inner holdout: whole groups, the wanted share of every class, never the last unit of one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")

from objectif.learn.fit.holdout import SHARE, inner_holdout


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 120), st.integers(1, 8), st.integers(1, 30), st.integers(0, 10**6), st.booleans())
def test_groups_stay_whole_and_no_class_is_lost(
    rows: int, classes: int, units: int, seed: int, several: bool
) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, rows)
    if several:
        truth = (rng.random((rows, classes)) < 0.3).astype(np.int64)
    groups = rng.integers(0, units, rows) * 7
    held = inner_holdout(truth, classes, groups=groups, seed=seed)
    for group in np.unique(groups):
        assert len(set(held[groups == group])) == 1
    hot = truth if several else np.eye(classes, dtype=int)[truth]
    assert ((hot[~held].sum(0) > 0) == (hot.sum(0) > 0)).all()
    assert not held.all()


def test_every_class_gives_its_share() -> None:
    truth = np.repeat([0, 1, 2], [400, 40, 8])
    held = inner_holdout(truth, 3, seed=1)
    assert np.bincount(truth[held]).tolist() == [int(SHARE * n) for n in (400, 40, 8)]


def test_weights_count() -> None:
    truth, weight = np.zeros(100, np.int64), np.ones(100)
    weight[:20] = 8.0
    held = inner_holdout(truth, 1, weight=weight, seed=0)
    assert weight[held].sum() / weight.sum() == pytest.approx(SHARE, abs=0.03)


def test_seeds_differ_and_repeat() -> None:
    truth = np.arange(60) % 3
    one, again, other = (inner_holdout(truth, 3, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_it_is_independent_of_labels_made_wrong_by_the_same_seed() -> None:
    """A plain default_rng(seed) here and in whoever altered the labels would hold out exactly the altered ones."""
    altered = np.zeros(400, bool)
    altered[np.random.default_rng(0).permutation(400)[:100]] = True
    held = inner_holdout(np.zeros(400, np.int64), 1, seed=0)
    assert 0.1 < altered[held].mean() < 0.4
