"""Distances of surfaces in the unit of a spacing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from objectif.metrics.segmentation import DICE, HD95, NSD, in_unit
from objectif.metrics.surfaces import distances

sides = st.sampled_from([0.1, 0.25, 0.5, 1.0, 3.0])


def pair(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(2):
        mask = np.zeros((1, 22, 31), np.uint8)
        top, left = rng.integers(0, 14), rng.integers(0, 20)
        mask[0, top : top + rng.integers(1, 9), left : left + rng.integers(1, 12)] = 1
        found.append(mask)
    return found[0], found[1]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), sides, sides)
def test_distances_are_those_of_all_pairs(seed: int, down: float, across: float) -> None:
    start, target = (mask[0] for mask in pair(seed))
    a, b = (np.argwhere(mask) * (down, across) for mask in (start, target))
    meant = np.sqrt(((a[:, None] - b[None]) ** 2).sum(2)).min(1)
    assert distances(start, target, (down, across)) == pytest.approx(meant, abs=1e-4)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), sides)
def test_square_pixels_scale_hd95_and_leave_nsd(seed: int, side: float) -> None:
    truth, answer = pair(seed)
    far, near = (in_unit(m, (side, side), "um") for m in (HD95, NSD))
    assert far.value(truth, answer) == pytest.approx(side * HD95.value(truth, answer), rel=1e-5)
    assert near.value(truth, answer) == NSD.value(truth, answer)


def test_a_repeated_row_is_half_as_high() -> None:
    truth, answer = pair(3)
    twice = [np.kron(m, np.ones((1, 1, 2), np.uint8)) for m in (truth, answer)]
    even, uneven = in_unit(HD95, (1.0, 1.0), "mm"), in_unit(HD95, (1.0, 0.5), "mm")
    assert uneven.value(*twice) == pytest.approx(even.value(truth, answer), abs=0.5)


def test_titles_say_the_unit_and_other_metrics_stay() -> None:
    assert in_unit(HD95, (0.5, 0.25), "um").title == "95 % Hausdorff distance (um)"
    assert in_unit(NSD, (0.5, 0.25), "um").title == "surface Dice within 1 um"
    assert in_unit(DICE, (0.5, 0.25), "um") is DICE
