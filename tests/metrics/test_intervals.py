"""Intervals: their method, their ends, what they cover."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from objectif.metrics.catalog import metric
from objectif.metrics.intervals import interval


def test_all_right_is_wilson(race: Callable) -> None:
    truth, _ = race([1.0], images=50)
    found = interval(metric("accuracy"), truth, np.eye(3)[truth])
    assert (found.method, found.estimate, found.high) == ("wilson", 1.0, 1.0)
    assert found.low == pytest.approx(0.9287, abs=1e-4)
    wrong = interval(metric("accuracy"), truth, np.eye(3)[(truth + 1) % 3])
    assert wrong.low == 0.0
    assert wrong.high == pytest.approx(1 - found.low)


def test_all_right_with_groups_counts_groups(race: Callable) -> None:
    truth, _ = race([1.0], images=120)
    found = interval(metric("accuracy"), truth, np.eye(3)[truth], np.arange(120) // 10)
    assert found.low == pytest.approx(interval(metric("accuracy"), truth[:12], np.eye(3)[truth[:12]]).low)


def test_a_rare_class_makes_balanced_accuracy_less_sure() -> None:
    truth = np.array([0] * 95 + [1] * 5)
    plain, balanced = (
        interval(metric(n), truth, np.eye(2)[truth]) for n in ("accuracy", "balanced_accuracy")
    )
    assert balanced.low < plain.low - 0.1


@pytest.mark.parametrize("groups", [9, 1])
def test_fewer_than_ten_groups_have_no_interval_and_say_so(groups: int, race: Callable) -> None:
    truth, (scores,) = race([1.0], images=90)
    found = interval(metric("accuracy"), truth, scores, np.arange(90) % groups)
    assert found.low is None
    assert found.high is None
    assert found.reason == f"fewer than ten groups ({groups}): no interval"
    assert found.estimate == pytest.approx(metric("accuracy").value(truth, scores[0]))


def test_binary_auroc_is_delong_and_near_the_bootstrap(race: Callable) -> None:
    truth, (scores,) = race([1.0], images=300, classes=2)
    delong = interval(metric("auroc"), truth, scores)
    boot = interval(metric("auroc"), truth, scores, np.repeat(np.arange(150), 2))
    assert (delong.method, boot.method) == ("delong", "bootstrap")
    assert delong.high - delong.low == pytest.approx(boot.high - boot.low, rel=0.25)
    assert delong.low < delong.estimate < delong.high


def test_delong_is_the_published_variance() -> None:
    """Two by two placements, worked by hand: components (1, .5) and (.5, 1), variance 1/8 + 1/8, each over 2."""
    truth = np.array([1, 1, 0, 0] + [1] * 4 + [0] * 4)
    score = np.array([0.9, 0.4, 0.6, 0.1] * 3)[:12]
    scores = np.stack([1 - score, score], axis=1)
    found = interval(metric("auroc"), truth, scores)
    plus, minus = score[truth == 1], score[truth == 0]
    beats = (plus[:, None] > minus) + 0.5 * (plus[:, None] == minus)
    area = beats.mean()
    variance = beats.mean(axis=1).var(ddof=1) / len(plus) + beats.mean(axis=0).var(ddof=1) / len(minus)
    half = 1.959964 * np.sqrt(variance) / (area * (1 - area))
    logit = np.log(area / (1 - area))
    assert found.low == pytest.approx(1 / (1 + np.exp(half - logit)), abs=1e-6)


@pytest.mark.parametrize(
    "name", ["accuracy", "macro_f1", "auroc", "average_precision", "log_loss", "cohen_kappa"]
)
def test_intervals_hold_the_estimate_and_widen_with_the_level(name: str, race: Callable) -> None:
    truth, (scores,) = race([1.0], images=150)
    narrow, wide = (interval(metric(name), truth, scores, level=level) for level in (0.8, 0.99))
    assert wide.low < narrow.low < narrow.estimate < narrow.high < wide.high


def test_groups_that_fail_together_widen_the_interval(race: Callable) -> None:
    groups = np.repeat(np.arange(20), 20)
    truth, (scores,) = race([1.5], images=400, groups=groups)
    alone, together = (interval(metric("accuracy"), truth, scores, g) for g in (None, groups))
    assert together.high - together.low > 1.3 * (alone.high - alone.low)


def test_seeds_are_averaged(race: Callable) -> None:
    truth, (scores,) = race([1.0], seeds=3)
    found = interval(metric("accuracy"), truth, scores)
    assert found.estimate == pytest.approx(np.mean([metric("accuracy").value(truth, s) for s in scores]))


def test_scores_that_are_not_numbers_are_refused(race: Callable) -> None:
    truth, (scores,) = race([1.0])
    scores[0, 3, 1] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        interval(metric("accuracy"), truth, scores)


@pytest.mark.parametrize("size", [1, 6])
def test_95_percent_intervals_cover(size: int) -> None:
    """150 samples of 90 images at accuracy .8, alone or in groups of 6 that share a difficulty."""
    rng = np.random.default_rng(0)
    held = 0
    for seed in range(150):
        groups = np.arange(90) // size
        hard = rng.normal(size=90 // size)[groups] * (size > 1)
        right = (rng.normal(size=90) + hard < 0.8416 * np.sqrt(1 + (size > 1))).astype(float)
        scores = np.stack([right, 1 - right], axis=1)
        found = interval(metric("accuracy"), np.zeros(90, np.int64), scores, groups, draws=500, seed=seed)
        held += found.low <= 0.8 <= found.high
    assert held >= 135  # 142.5 expected, standard deviation 2.7
