"""Segmentation in races: intervals, comparisons, and how often equal candidates are told apart."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from objectif.metrics.catalog import available, metric
from objectif.metrics.compare import all_pairs, gain_over
from objectif.metrics.distributions import clopper_pearson
from objectif.metrics.intervals import interval
from objectif.metrics.resample import Scorer
from objectif.metrics.segmentation import MaskMetric

ALL = [m for name in available("segment") if isinstance(m := metric(name), MaskMetric)]
by_name = pytest.mark.parametrize("chosen", ALL, ids=lambda m: m.name)


@by_name
def test_intervals_hold_the_estimate_and_seeds_are_averaged(chosen: MaskMetric, painters: Callable) -> None:
    truth, found = painters([0.0, 0.5])
    stack = np.concatenate(found)
    one = interval(chosen, truth, stack, draws=300)
    assert one.estimate == pytest.approx(np.mean([chosen.value(truth, answers[0]) for answers in found]))
    assert one.low < one.estimate < one.high
    assert one == interval(chosen, truth, stack, draws=300)
    groups = interval(chosen, truth, stack[0], np.arange(40) // 4, draws=300)
    assert (groups.groups, groups.method) == (10, "bootstrap")


@by_name
def test_the_better_painter_wins_and_twins_tie(chosen: MaskMetric, painters: Callable) -> None:
    truth, (good, bad) = painters([1.0, -0.5], images=80)
    scorer = Scorer(chosen, truth, [good, bad, good.copy()])
    pairs = all_pairs(scorer)
    assert pairs.beaten.tolist() == [False, True, False]
    assert not pairs.testable[0, 2]
    assert gain_over(scorer, np.array([0]), 1)[0] > 0


@by_name
def test_influence_tells_the_spread_of_the_bootstrap(chosen: MaskMetric, painters: Callable) -> None:
    truth, (answers,) = painters([0.0], images=100)
    scorer = Scorer(chosen, truth, [answers])
    told = np.sqrt((scorer.influence**2).sum())
    assert told == pytest.approx(scorer.bootstrap(800, 0).std(), rel=0.1)


def test_all_right_is_wilson_over_the_images_that_show_a_class(painters: Callable) -> None:
    truth, _ = painters([0.0], images=40)
    truth[4:][truth[4:] == 2] = 0  # class 2 is rare
    plain, rare = (interval(metric(name), truth, truth) for name in ("pixel_accuracy", "dice"))
    assert (plain.method, rare.method) == ("wilson", "wilson")
    assert rare.low < plain.low - 0.1


def test_null_races_call_nobody_beaten_too_often(painters: Callable) -> None:
    false, races = 0, 60
    for seed in range(races):
        shared, luck = (0.0, 1.0, 2.0)[seed % 3], (0.0, 0.5)[seed % 2]
        truth, found = painters([0.0] * 3, shared=shared, luck=luck, seed=seed, images=30)
        scorer = Scorer(metric(("mIoU", "dice")[seed // 2 % 2]), truth, found)
        false += bool(all_pairs(scorer, draws=500, seed=seed).beaten.any())
    assert clopper_pearson(false, races, 0.90)[0] <= 0.05
