"""Calibration that every classifying Solution tells: errors with intervals that hold them, sets that hold the truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from objectif.promises.calibrated import calibrated, members


def world(n: int, classes: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Truth drawn from the probabilities themselves: perfectly calibrated."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(classes, 0.5), n)
    truth = (p.cumsum(1) > rng.random((n, 1))).argmax(1)
    return truth.astype(np.int64), p.astype(np.float32)


@given(st.integers(0, 50), st.integers(2, 6))
@settings(max_examples=15, deadline=None)
def test_intervals_hold_their_estimate_and_sets_hold_the_truth(seed: int, classes: int) -> None:
    truth, p = world(400, classes, seed)
    found = calibrated(truth, p, None, "test")
    for key in ("ece", "brier"):
        assert found[key]["low"] <= found[key]["estimate"] <= found[key]["high"]
    fresh, q = world(3000, classes, seed + 1000)
    held = [k in members(row, found["sets"]["threshold"]) for k, row in zip(fresh, q, strict=True)]
    assert np.mean(held) > 0.84


def test_few_groups_have_no_interval() -> None:
    truth, p = world(60, 3, 0)
    found = calibrated(truth, p, np.arange(60) // 10, "out-of-fold")
    assert found["ece"]["low"] is None and found["groups"] == 6 and found["of"] == "out-of-fold"


def test_several_labels_have_no_sets() -> None:
    rng = np.random.default_rng(0)
    p = rng.random((50, 3)).astype(np.float32)
    assert calibrated((rng.random((50, 3)) < p).astype(np.int64), p, None, "test")["sets"] is None


@pytest.mark.parametrize(("threshold", "expected"), [(0.9, [1]), (0.25, [1, 2]), (0.0, [1, 2, 0])])
def test_a_set_is_never_empty_and_begins_with_the_likeliest(threshold: float, expected: list[int]) -> None:
    assert members(np.array([0.1, 0.6, 0.3]), threshold).tolist() == expected
