"""Metrics of anomalies against slow, plain definitions; their replicates are those of repeated pictures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from objectif.metrics.anomaly import LIMIT, METRICS
from objectif.metrics.catalog import metric
from objectif.metrics.intervals import interval
from objectif.metrics.maps import SIDE, UNKNOWN, cells, conformal, kinds, needed, scores, shrunk, with_row

NAMES = [m.name for m in METRICS]


@pytest.fixture(scope="module")
def told() -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Sixteen pictures, half of them with a defect, one of these without a mask; answers that see something."""
    rng = np.random.default_rng(0)
    maps = np.zeros((16, SIDE, SIDE), np.uint8)
    for row in range(8):
        for _ in range(2):
            y, x = rng.integers(0, SIDE - 20, 2)
            maps[row, y : y + rng.integers(3, 20), x : x + rng.integers(3, 20)] = 1
    maps[7] = UNKNOWN
    found = rng.normal(0, 1, maps.shape).astype(np.float32) + 0.8 * (maps == 1)
    return with_row(maps, np.repeat([1, 0], 8)), with_row(found, 3.6)


def area(bad: NDArray[np.float64], good: NDArray[np.float64]) -> float:
    ordered = np.sort(good)
    below = np.searchsorted(ordered, bad, "left") + np.searchsorted(ordered, bad, "right")
    return float(below.mean() / 2 / len(good))


def test_areas_are_those_of_all_pairs(told: tuple[NDArray[np.uint8], NDArray[np.float32]]) -> None:
    truth, answers = told
    score, bad = scores(answers), kinds(truth) > 0
    assert metric("image_auroc").value(truth, answers) == pytest.approx(area(score[bad], score[~bad]))
    seen, values = cells(truth), cells(answers).astype(np.float64)
    wanted = area(values[seen == 1], values[seen == 0])
    assert metric("pixel_auroc").value(truth, answers) == pytest.approx(wanted, abs=1e-4)


def test_overlap_is_that_of_regions_at_each_threshold(
    told: tuple[NDArray[np.uint8], NDArray[np.float32]],
) -> None:
    truth, answers = told
    seen, values = cells(truth), cells(answers)
    regions = []
    for mask, value in zip(seen == 1, values, strict=True):
        count, number = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
        regions += [np.sort(value[number == k]) for k in range(1, count)]
    good = np.sort(values[seen == 0])
    rates = np.linspace(0, LIMIT, 301)
    at = np.quantile(good, 1 - rates)
    overlap = np.mean([1 - np.searchsorted(r, at) / len(r) for r in regions], axis=0)
    wanted = (
        float(np.trapezoid(overlap, rates) / LIMIT)
        if hasattr(np, "trapezoid")
        else float(np.trapz(overlap, rates) / LIMIT)
    )
    assert metric("aupro").value(truth, answers) == pytest.approx(wanted, abs=3e-3)


def test_alarms_are_counted_at_the_threshold_that_travels_along(
    told: tuple[NDArray[np.uint8], NDArray[np.float32]],
) -> None:
    truth, answers = told
    called, bad = scores(answers) > 3.6, kinds(truth) > 0
    assert metric("detection_rate").value(truth, answers) == called[bad].mean()
    assert metric("false_alarm_rate").value(truth, answers) == called[~bad].mean()
    other = answers.copy()
    other[:, -1] = 1e9
    assert metric("anomaly_f1").value(truth, other) == 0
    assert metric("false_alarm_rate").value(truth, other) == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_weight_is_so_many_copies(name: str, told: tuple[NDArray[np.uint8], NDArray[np.float32]]) -> None:
    truth, answers = told
    counts = np.random.default_rng(1).integers(0, 3, (4, len(truth))).astype(np.float64)
    one = metric(name)
    rows = np.repeat(np.arange(len(truth)), counts[0].astype(int))
    found = one.replicates(truth, answers, counts)
    assert found[0] == pytest.approx(one.value(truth[rows], answers[rows]), abs=2e-3)
    value, influence, parts = one.expand(truth, answers)
    assert abs(influence.sum()) < 1e-6
    assert parts.sum() == pytest.approx(value, abs=1e-6)
    known = interval(one, truth, answers, None, seed=0)
    assert known.estimate == pytest.approx(value)


@pytest.mark.parametrize("name", NAMES)
def test_without_defects_what_is_asked_of_them_is_not_defined(
    name: str, told: tuple[NDArray[np.uint8], NDArray[np.float32]]
) -> None:
    truth, answers = (part[8:] for part in told)
    assert np.isfinite(metric(name).value(truth, answers)) == (name == "false_alarm_rate")


def test_who_sees_nothing_is_no_better_than_chance(
    told: tuple[NDArray[np.uint8], NDArray[np.float32]],
) -> None:
    truth, _ = told
    one = metric("image_auroc")
    assert one.value(truth, one.blind(truth, 2)) == 0.5


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 60), st.sampled_from([0.01, 0.05, 0.1, 0.3]))
def test_the_threshold_keeps_its_rate(n: int, rate: float) -> None:
    threshold, kept = conformal(np.arange(1.0, n + 1), rate)
    assert kept == (n >= needed(rate))
    above = (n - threshold) + 1  # of n + 1 exchangeable pictures, those that may lie above
    assert not kept or above / (n + 1) <= rate + 1e-9
    assert kept or threshold == n


def test_a_thin_defect_is_not_lost() -> None:
    mask = np.zeros((1000, 700), np.bool_)
    mask[500, 300:302] = True
    mask[20:200, 30:300] = True
    found = shrunk(mask)
    assert found[64, 54:56].any()
    assert found.mean() == pytest.approx(mask.mean(), abs=0.01)
    assert shrunk(np.ones((3, 5), np.bool_)).all()
