"""Intervals hold what they promise, stages are chosen by cost, and decodings come back from the file."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectif.errors import SolutionError
from objectif.metrics.catalog import available, metric
from objectif.tasks import find
from objectif.tasks.conformal import claimed, ranges, reach
from objectif.tasks.regress import Decoding, chosen, decode


def test_the_quantile_of_single_images_is_the_usual_one() -> None:
    scores = np.arange(1.0, 100.0)
    assert reach(scores) == 90.0  # ceil(100 * 0.9)
    assert reach(scores[:5]) == 5.0
    assert claimed(4) == pytest.approx(0.8)


def test_new_subjects_are_covered() -> None:
    rng = np.random.default_rng(0)
    held = []
    for _ in range(300):
        offset = rng.standard_normal(20)
        scores = np.abs(offset[:, None] + 0.3 * rng.standard_normal((20, 8)))
        limit = reach(scores[1:].ravel(), np.repeat(np.arange(19), 8))
        held.append((scores[0] <= limit).mean())
    assert np.mean(held) > 0.87


@given(st.integers(0, 10_000))
def test_ranges_grow_by_one_stage_and_hold_all_in_the_end(seed: int) -> None:
    said = np.random.default_rng(seed).dirichlet(np.ones(5), 7)
    low, high, mass = ranges(said, said.argmax(1))
    assert (high - low == np.arange(5)).all()
    np.testing.assert_allclose(mass[:, -1], 1.0)
    assert (np.diff(mass, axis=1) >= -1e-12).all()


def test_the_stage_answered_is_that_of_least_expected_cost() -> None:
    said = np.array([[0.4, 0.0, 0.25, 0.35]])
    assert chosen(said, "zero_one").tolist() == [0]
    assert chosen(said, "absolute").tolist() == [2]


def test_numbers_and_stages_are_decoded_in_order() -> None:
    number = decode(np.array([[1.0, 2.0, 4.0]]), Decoding(widen=0.5))
    assert number.tolist() == [[0.5, 2.0, 4.5]]
    stage = decode(np.array([[0.9, 0.1, 0.7, 0.2]]), Decoding())
    assert stage[0, :3].tolist() == [1.0, 1.0, 2.0]


@pytest.mark.parametrize("values", [{"cost": "cubic"}, {"widen": "x"}, {"mass": -1}, {"cover": 1}])
def test_a_bad_decoding_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(SolutionError):
        find("regress").decoding(values)


def test_a_decoding_comes_back() -> None:
    decoding = Decoding("squared", 0.25, 0.8)
    assert find("regress").decoding(decoding.to_dict()) == decoding


@pytest.mark.parametrize("name", available("regress")[:7])
def test_metrics_are_right_on_right_answers_and_their_slopes_are_slopes(name: str) -> None:
    rng = np.random.default_rng(0)
    truth = np.column_stack([rng.integers(0, 4, 30), np.arange(30)]).astype(float)
    right = np.repeat(truth[:, :1], 3, axis=1)
    one = metric(name)
    assert one.value(truth, right) == pytest.approx(float(one.higher_is_better))
    answers = right + rng.normal(0, 0.7, right.shape)
    answers.sort(axis=1)
    weight = np.ones(30)
    weight[3] += 1e-5
    slope = (one.value(truth, answers, weight) - one.value(truth, answers)) / 1e-5
    assert one.influence(truth, answers)[3] == pytest.approx(slope, abs=1e-4)
