"""Decoding: probabilities are probabilities, and answers follow thresholds and costs."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectif.errors import SolutionError
from objectif.tasks.classify import Decoding, answers, choose, decode

LOGITS = st.lists(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3), min_size=1, max_size=5)
TEMPERATURE = st.floats(0.01, 100)


@given(LOGITS, TEMPERATURE)
def test_softmax_sums_to_one_and_keeps_the_order(logits: list[list[float]], temperature: float) -> None:
    raw = np.array(logits)
    found = decode(raw, Decoding(temperature), False)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-5)
    best = raw.argmax(1)
    assert (found[np.arange(len(raw)), best] >= found.max(1)).all()


@given(LOGITS, TEMPERATURE)
def test_each_class_of_a_multilabel_problem_stands_alone(
    logits: list[list[float]], temperature: float
) -> None:
    raw = np.array(logits)
    found = decode(raw, Decoding(temperature), True)
    assert ((found >= 0) & (found <= 1)).all()
    np.testing.assert_array_equal(found[:, :1], decode(raw[:, :1], Decoding(temperature), True))
    np.testing.assert_allclose(found + decode(-raw, Decoding(temperature), True), 1, atol=1e-6)


def test_known_values() -> None:
    raw = np.log([[1.0, 3.0]])
    np.testing.assert_allclose(decode(raw, Decoding(), False), [[0.25, 0.75]], rtol=1e-6)
    np.testing.assert_allclose(decode(raw, Decoding(0.5), False), [[0.1, 0.9]], rtol=1e-6)
    np.testing.assert_allclose(decode(raw, Decoding(), True), [[0.5, 0.75]], rtol=1e-6)


@given(st.floats(0.05, 0.95), st.floats(0, 1))
def test_two_thresholds_that_sum_to_one_cut_there(threshold: float, p: float) -> None:
    if math.isclose(p, threshold, abs_tol=1e-9):
        return
    chosen = choose(np.array([[1 - p, p]]), Decoding(thresholds=(1 - threshold, threshold)), False)
    assert chosen[0, 1] == (p > threshold)


def test_a_dear_miss_is_answered_early() -> None:
    dear = Decoding(costs=((0, 1), (10, 0)))  # a missed second class costs 10
    p = np.array([[0.95, 0.05], [0.88, 0.12]])
    assert choose(p, dear, False).tolist() == [[True, False], [False, True]]
    assert choose(p, Decoding(), False)[:, 0].all()


def test_multilabel_answers_any_number() -> None:
    p = np.array([[0.6, 0.5, 0.4], [0.1, 0.2, 0.3]], np.float32)
    found = answers(["a", "b"], ("x", "y", "z"), p, Decoding(), True)
    assert [a.labels for a in found] == [("x", "y"), ()]
    found = answers(["a", "b"], ("x", "y", "z"), p, Decoding(thresholds=(0.7, 0.5, 0.3)), True)
    assert [a.labels for a in found] == [("y", "z"), ("z",)]


@given(LOGITS)
def test_exactly_one_class_is_answered_unless_multilabel(logits: list[list[float]]) -> None:
    p = decode(np.array(logits), Decoding(), False)
    costs = ((0.0, 1.0, 2.0), (1.0, 0.0, 1.0), (2.0, 1.0, 0.0))
    for decoding in (Decoding(), Decoding(thresholds=(0.1, 0.5, 0.9)), Decoding(costs=costs)):
        assert (choose(p, decoding, False).sum(1) == 1).all()


@pytest.mark.parametrize(
    "decoding", [Decoding(), Decoding(2.5, (0.1, 0.9)), Decoding(costs=((0.0, 1.0), (5.0, 0.0)))]
)
def test_it_survives_json(decoding: Decoding) -> None:
    assert Decoding.from_dict(json.loads(json.dumps(decoding.to_dict()))) == decoding


@pytest.mark.parametrize(
    "values",
    [
        {"temperature": 0},
        {"temperature": math.nan},
        {"temperature": None},
        {"thresholds": [0.0, 1.0]},
        {"thresholds": [0.5, 1.5]},
        {"thresholds": 3},
        {"costs": [[0, 1]]},
        {"costs": [[0, 1], [1, 0]], "thresholds": [0.5, 0.5]},
        {"unknown": 1},
    ],
)
def test_impossible_values_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(SolutionError):
        Decoding.from_dict(values)


def test_tables_must_fit_the_classes() -> None:
    with pytest.raises(SolutionError, match="expected 3"):
        Decoding(thresholds=(0.5, 0.5)).check(3, False)
    with pytest.raises(SolutionError, match="multi-label"):
        Decoding(costs=((0, 1), (1, 0))).check(2, True)
