"""Detection: values are those of the reference evaluation, replicates those of the images drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from objectif.metrics.boxes import packed
from objectif.metrics.catalog import available, metric
from objectif.metrics.compare import all_pairs, gain_over
from objectif.metrics.detection import DetectionMetric
from objectif.metrics.distributions import clopper_pearson
from objectif.metrics.intervals import interval
from objectif.metrics.resample import Scorer

COCO = ("mAP50_95", "mAP50", "mAP75", "AP_small", "AP_medium", "AP_large")
ALL = [m for name in available("detect") if isinstance(m := metric(name), DetectionMetric)]
by_name = pytest.mark.parametrize("chosen", ALL, ids=lambda m: m.name)
fixture_is_a_function = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def reference(truth: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """The six figures of COCO by faster-coco-eval; -1 where there is nothing to find."""
    coco = pytest.importorskip("faster_coco_eval")
    classes = 1 + int(max(truth[:, :, 4].max(), answers[:, :, 5].max(), 0))
    objects: list[dict[str, Any]] = []
    for n, row in ((n, row) for n, table in enumerate(truth) for row in table if row[4] >= 0):
        wide, high = row[2] - row[0], row[3] - row[1]
        objects.append({
            "id": len(objects) + 1, "image_id": n + 1, "category_id": int(row[4]) + 1, "area": wide * high,
            "bbox": [row[0], row[1], wide, high], "iscrowd": int(row[5]),
        })  # fmt: skip
    found = [
        {
            "image_id": n + 1, "category_id": int(row[5]) + 1, "score": float(row[4]),
            "bbox": [row[0], row[1], row[2] - row[0], row[3] - row[1]],
        }
        for n, table in enumerate(answers.astype(np.float64)) for row in table if row[5] >= 0
    ]  # fmt: skip
    data = coco.COCO({
        "images": [{"id": n + 1, "width": 999, "height": 999} for n in range(len(truth))],
        "annotations": objects,
        "categories": [{"id": c + 1, "name": str(c)} for c in range(classes)],
    })  # fmt: skip
    run = coco.COCOeval_faster(data, data.loadRes(found), "bbox")
    run.evaluate()
    run.accumulate()
    run.summarize()
    return np.asarray(run.stats[:6])


@fixture_is_a_function
@given(
    seed=st.integers(0, 10_000),
    images=st.integers(5, 25),
    classes=st.integers(1, 4),
    crowd=st.sampled_from([0.0, 0.15, 0.4]),
    ties=st.booleans(),
)
def test_values_are_the_reference_evaluations(scene: Callable, seed: int, **how: Any) -> None:
    truth, answers = scene(seed, **how)
    if not (truth[:, :, 4] >= 0).any() or not (answers[:, :, 5] >= 0).any():
        return
    values = np.array([metric(name).value(truth, answers) for name in COCO])
    assert np.where(np.isnan(values), -1.0, values) == pytest.approx(reference(truth, answers), abs=1e-6)


def test_more_answers_than_a_hundred_all_count(scene: Callable) -> None:
    truth, answers = scene(3, images=4, objects=200, most=400)
    assert (answers[:, :, 5] >= 0).sum(axis=1).max() > 100
    alone = metric("mAP50").value(truth, answers)
    assert alone == metric("mAP50").value(
        truth, np.concatenate([answers, np.zeros_like(answers) - 1], axis=1)
    )


@by_name
def test_a_replicate_is_the_value_of_the_images_drawn(chosen: DetectionMetric, scene: Callable) -> None:
    truth, answers = scene(1, images=30, ties=False)
    rng = np.random.default_rng(1)
    counts = rng.multinomial(30, np.full(30, 1 / 30), 4)
    drawn = [np.repeat(np.arange(30), row) for row in counts]
    expected = [chosen.value(truth[rows], answers[rows]) for rows in drawn]
    assert chosen.replicates(truth, answers, counts.astype(float)) == pytest.approx(expected, abs=1e-12)


def whole_area(right: np.ndarray, wrong: np.ndarray, objects: np.ndarray, images: np.ndarray) -> np.ndarray:
    """(B,) average precision over all recalls."""
    precision = right / np.maximum(right + wrong, 1e-300)
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    return (envelope * np.diff(right, axis=1, prepend=0)).sum(axis=1) / objects


@pytest.mark.parametrize("name", COCO)
def test_slopes_are_the_derivative_of_the_whole_area(name: str, scene: Callable) -> None:
    truth, answers = scene(2, images=25, objects=12)
    smooth = replace(metric(name), measure=whole_area)
    sweeps = smooth.prepared(truth, answers).sweeps
    influence = np.mean([np.mean([smooth.slope(one) for one in of], axis=0) for of in sweeps], axis=0)
    step, value = 1e-6, smooth.value(truth, answers)
    for i in range(25):
        weight = np.ones((2, 25))
        weight[:, i] += [step, -step]
        up, down = smooth.replicates(truth, answers, weight)
        # where two runs have the same precision the envelope, a maximum, has a kink: the slope lies between its sides
        assert (value - down) / step - 1e-6 <= influence[i] <= (up - value) / step + 1e-6


@by_name
def test_influence_sums_to_nothing_and_parts_to_the_value(chosen: DetectionMetric, scene: Callable) -> None:
    truth, answers = scene(2, images=25)
    value, influence, parts = chosen.expand(truth, answers)
    assert influence.sum() == pytest.approx(0.0, abs=1e-12)
    assert parts.sum() == pytest.approx(value)
    assert value == pytest.approx(chosen.value(truth, answers))
    assert influence == pytest.approx(chosen.influence(truth, answers))
    assert parts == pytest.approx(chosen.parts(truth, answers))


@pytest.mark.parametrize("name", ["mAP50", "mAP50_95", "froc", "recall_at_1fp"])
def test_influence_tells_the_spread_of_the_bootstrap(name: str, detectors: Callable) -> None:
    """Leaving out one image at a time, where values are read at steps, would tell up to seven times as much."""
    ratios = []
    for seed in range(5):
        truth, (answers,) = detectors([0.0], images=150, seed=seed)
        scorer = Scorer(metric(name), truth, [answers])
        ratios.append(np.sqrt((scorer.influence**2).sum()) / scorer.bootstrap(400, 0).std())
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.1)


@by_name
def test_blocks_of_draws_images_and_runs_change_nothing(
    chosen: DetectionMetric, scene: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth, answers = scene(4, images=20)
    counts = np.random.default_rng(1).integers(0, 3, (7, 20)).astype(float)
    whole, expanded = chosen.replicates(truth, answers, counts), chosen.expand(truth, answers)
    for room in ("matching", "sweep", "detection"):
        monkeypatch.setattr(f"objectif.metrics.{room}._CELLS", 50)
    assert chosen.replicates(truth, answers, counts) == pytest.approx(whole, abs=1e-12)
    for one, two in zip(chosen.expand(truth, answers), expanded, strict=True):
        assert one == pytest.approx(two, abs=1e-12)


@by_name
def test_the_truth_is_the_best_answer(chosen: DetectionMetric, scene: Callable) -> None:
    truth, answers = scene(5, images=40, crowd=0.0)
    perfect = truth.astype(np.float32)
    perfect[:, :, 4], perfect[:, :, 5] = np.where(truth[:, :, 4] >= 0, 0.9, 0.0), truth[:, :, 4]
    assert chosen.value(truth, perfect) == 1.0
    assert chosen.value(truth, answers) < 1.0
    blind = chosen.blind(truth, chosen.classes(truth))
    assert blind.shape[2] == 6
    assert chosen.value(truth, blind) < chosen.value(truth, answers)
    assert chosen.value(truth, packed([np.zeros((0, 6))] * 40, 5)) == 0.0


def test_known_values() -> None:
    truth = packed([np.array([[0, 0, 10, 10, 0, 0], [20, 0, 30, 10, 0, 0]])], 4)
    rows = [[0, 0, 10, 10, 0.9, 0], [50, 50, 60, 60, 0.8, 0], [20, 0, 30, 10, 0.7, 0]]
    answers = packed([np.array(rows)], 5)
    # precision 1 up to recall .5 (51 of 101 points), then 2/3
    assert metric("mAP50").value(truth, answers) == pytest.approx((51 + 50 * 2 / 3) / 101)
    assert metric("recall_at_1fp").value(truth, answers) == 1.0
    assert metric("froc").value(truth, answers) == pytest.approx((3 * 0.5 + 4 * 1.0) / 7)
    assert np.isnan(metric("AP_large").value(truth, answers))


def test_an_ignored_object_is_neither_missed_nor_wrong_to_find() -> None:
    one = np.array([0, 0, 10, 10, 0, 0])
    truth = packed([np.array([one, [50, 50, 90, 90, 0, 1]])], 4)
    found = np.array([[0, 0, 10, 10, 0.5, 0], [55, 55, 65, 65, 0.9, 0], [52, 50, 62, 60, 0.8, 0]])
    assert metric("mAP50").value(truth, packed([found[:1]], 5)) == 1.0
    assert metric("mAP50").value(truth, packed([found], 5)) == 1.0


def test_what_is_not_boxes_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(N, G, 6\)"):
        metric("mAP50").value(np.zeros(5, np.int64), np.zeros((5, 3)))
    with pytest.raises(ValueError, match=r"\(N, M, 6\)"):
        metric("mAP50").value(np.zeros((5, 1, 6)), np.zeros((4, 2, 6)))


def test_nothing_to_find_is_no_value_and_no_interval() -> None:
    truth, answers = packed([np.zeros((0, 6))] * 12, 4), packed([np.zeros((0, 6))] * 12, 5, 3, np.float32)
    found = interval(metric("mAP50"), truth, answers, draws=50)
    assert np.isnan(found.estimate)
    assert found.low is None
    assert "not defined" in found.reason


def test_intervals_hold_the_estimate_and_seeds_are_averaged(detectors: Callable) -> None:
    truth, found = detectors([0.0, 0.5])
    stack = np.concatenate(found)
    one = interval(metric("mAP50"), truth, stack, draws=300)
    alone = [metric("mAP50").value(truth, answers[0]) for answers in found]
    assert one.estimate == pytest.approx(np.mean(alone))
    assert one.low < one.estimate < one.high
    assert one == interval(metric("mAP50"), truth, stack, draws=300)
    groups = interval(metric("mAP50"), truth, stack[0], np.arange(60) // 4, draws=300)
    assert (groups.groups, groups.method) == (15, "bootstrap")


def test_an_object_in_a_single_image_leaves_draws_undefined(scene: Callable) -> None:
    truth, answers = scene(6, images=12, crowd=0.0)
    truth[1:, :, 4] = -1
    found = interval(metric("mAP50"), truth, answers, draws=200)
    assert np.isfinite([found.low, found.high]).all()


def test_all_found_is_wilson_over_images(scene: Callable) -> None:
    truth, _ = scene(5, images=40, crowd=0.0)
    perfect = truth.astype(np.float32)
    perfect[:, :, 4], perfect[:, :, 5] = np.where(truth[:, :, 4] >= 0, 0.9, 0.0), truth[:, :, 4]
    found = interval(metric("mAP50"), truth, perfect)
    assert (found.method, found.high) == ("wilson", pytest.approx(1.0))
    assert found.low == pytest.approx(0.9124, abs=1e-3)


def test_the_linear_expansion_spreads_as_the_bootstrap(
    detectors: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth, found = detectors([0.0, 1.0], images=120)
    exact = Scorer(metric("mAP50"), truth, found)
    monkeypatch.setattr("objectif.metrics.resample._SWEPT", 0)
    linear = Scorer(metric("mAP50"), truth, found)
    assert (exact.linear, linear.linear) == (False, True)
    spreads = [s.bootstrap(600, 0).std(axis=0) for s in (exact, linear)]
    assert spreads[1] == pytest.approx(spreads[0], rel=0.15)


def test_the_better_detector_wins_and_twins_tie(detectors: Callable) -> None:
    truth, (good, bad) = detectors([1.0, -0.5], images=150)
    scorer = Scorer(metric("mAP50"), truth, [good, bad, good.copy()])
    pairs = all_pairs(scorer)
    assert pairs.beaten.tolist() == [False, True, False]
    assert not pairs.testable[0, 2]
    assert gain_over(scorer, np.array([0]), 1)[0] > 0


def test_null_races_call_nobody_beaten_too_often(detectors: Callable) -> None:
    false = 0
    for seed in range(200):
        shared, luck, rivals = (0.0, 1.0, 2.0)[seed % 3], (0.0, 0.5)[seed % 2], (3, 5, 10)[seed // 2 % 3]
        truth, found = detectors([0.0] * rivals, shared=shared, luck=luck, seed=seed)
        scorer = Scorer(metric("mAP50"), truth, found)
        false += bool(all_pairs(scorer, draws=500, seed=seed).beaten.any())
    assert clopper_pearson(false, 200, 0.90)[0] <= 0.05
