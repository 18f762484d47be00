"""The rule chooses the cheapest that is not inferior; the correction removes the optimism of choosing."""

from __future__ import annotations

import numpy as np
import pytest

from objectif.metrics.catalog import metric
from objectif.metrics.choose import choose, classes_within, corrected
from objectif.metrics.compare import one_sided, spread_of_pairs
from objectif.metrics.resample import Scorer

VALUES = np.array([0.90, 0.895, 0.88])
COST = np.array([2, 1, 0])


def test_costs_within_ten_percent_are_one_class() -> None:
    assert classes_within([105.0, 100.0, 111.0, 500.0, 109.0]).tolist() == [0, 0, 1, 2, 0]
    assert classes_within([np.inf, 1.0, np.inf]).tolist() == [1, 0, 1]
    assert classes_within([0.0, 0.0, 3.0]).tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("spread", "margin", "expected"),
    [
        (0.001, 0.01, 1),  # .005 short, at most .0066: within the margin, and cheaper
        (0.010, 0.01, 0),  # .005 short, but perhaps .02: the best stays
        (0.001, 0.05, 2),  # a wide margin lets the cheapest win
        (0.001, 0.00, 0),
    ],
)
def test_the_cheapest_that_is_not_inferior(spread: float, margin: float, expected: int) -> None:
    sd = np.full((3, 3), spread) * (1 - np.eye(3))
    assert choose(VALUES, sd, COST, margin, 1.645) == expected


def test_among_equal_costs_the_better_wins() -> None:
    sd = np.full((3, 3), 1e-4) * (1 - np.eye(3))
    assert choose(VALUES, sd, np.zeros(3, np.int64), 0.1, 1.645) == 0


def test_without_a_spread_only_an_equal_can_replace_the_best() -> None:
    assert choose(VALUES, None, COST, 0.5, 0.0) == 0
    assert choose(np.array([0.9, 0.9, 0.8]), None, COST, 0.5, 0.0) == 1


def test_many_draws_at_once_are_the_same_rule() -> None:
    rng = np.random.default_rng(0)
    draws = rng.normal(0.9, 0.01, (50, 3))
    sd = np.full((3, 3), 0.002) * (1 - np.eye(3))
    one_by_one = [int(choose(row, sd, COST, 0.01, 1.7)) for row in draws]
    assert choose(draws, sd, COST, 0.01, 1.7).tolist() == one_by_one


def test_choosing_among_equals_is_corrected_and_covered() -> None:
    """30 candidates of accuracy .8 on 100 images: the best looks like .88, and is worth .8."""
    rng = np.random.default_rng(1)
    naive, fixed, held = [], [], 0
    for seed in range(30):
        right = (rng.random((30, 100)) < 0.8).astype(float)
        scorer = Scorer(
            metric("accuracy"), np.zeros(100, np.int64), list(np.stack([right, 1 - right], 2)[:, None])
        )
        draws = scorer.by_candidate(scorer.bootstrap(300, seed))
        spread, pool, cost = spread_of_pairs(draws, 100), np.arange(30), np.zeros(30, np.int64)
        winner = int(choose(scorer.values, spread, cost, 0.01, one_sided(100)))
        found = corrected(scorer, draws, pool, winner, spread, cost, 0.01, one_sided(100), 300, seed)
        naive.append(scorer.values[winner])
        fixed.append(found[0])
        held += found[1] <= 0.8 <= found[2]
    assert np.mean(naive) > 0.86
    assert np.mean(fixed) == pytest.approx(0.8, abs=0.015)
    assert held >= 27


def test_one_candidate_needs_no_correction() -> None:
    right = (np.random.default_rng(1).random(100) < 0.8).astype(float)
    scorer = Scorer(metric("accuracy"), np.zeros(100, np.int64), [np.stack([right, 1 - right], 1)[None]])
    draws = scorer.bootstrap(200, 0)
    only = np.zeros(1, np.int64)
    found = corrected(scorer, draws, only, 0, np.zeros((1, 1)), only, 0.01, 1.7, 200, 0)
    assert found[0] == pytest.approx(scorer.values[0])
