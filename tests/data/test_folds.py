"""folds: dealing is as even as indivisible groups allow, and no class is left in one fold if it can be helped."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from objectif.data.folds import assign


def test_greedy_alone_would_be_uneven() -> None:
    sizes = np.array([8, 7, 6, 5, 4])  # largest first gives 17 and 13; 8 + 7 against 6 + 5 + 4 is even
    for seed in range(4):
        fold = assign(sizes[:, None], sizes, 2, seed)
        assert np.bincount(fold, weights=sizes).tolist() == [15, 15]


@pytest.mark.parametrize(
    "counts",
    [
        [[0, 3, 0, 0], [0, 0, 3, 0], [0, 45, 0, 3], [22, 0, 0, 2], [0, 3, 0, 0], [0, 0, 2, 0], [1, 2, 0, 0]],
        [[14, 0, 1], [22, 0, 0], [1, 10, 18], [0, 3, 0]],
        [[0, 5, 0, 21], [3, 0, 22, 0], [0, 2, 0, 0], [0, 0, 3, 0], [0, 0, 1, 0], [0, 3, 7, 1]],
    ],
)
def test_a_class_of_two_groups_is_in_two_folds(counts: list[list[int]]) -> None:
    table = np.array(counts)
    for seed in range(40):
        fold = assign(table, table.sum(1), 2, seed)
        for label in range(table.shape[1]):
            if (table[:, label] > 0).sum() > 1:
                assert len(set(fold[table[:, label] > 0])) > 1


@given(
    arrays(np.int64, st.tuples(st.integers(2, 30), st.integers(1, 5)), elements=st.integers(0, 9)),
    st.integers(2, 5),
    st.integers(0, 9),
)
@settings(max_examples=100, deadline=None)
def test_every_unit_gets_a_fold_and_no_fold_is_far_too_large(
    counts: np.ndarray, folds: int, seed: int
) -> None:
    counts[:, 0] += 1
    sizes = counts.sum(1)
    fold = assign(counts, sizes, folds, seed)
    assert fold.min() >= 0
    assert fold.max() < folds
    assert np.array_equal(fold, assign(counts, sizes, folds, seed))
    held = np.bincount(fold, weights=sizes, minlength=folds)
    if counts.shape[1] == 1:
        assert held.max() <= sizes.sum() / folds + sizes.max()
