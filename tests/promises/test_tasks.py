"""Promises of the other tasks: what each promises, and what its threshold becomes."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from objectif.metrics.maps import SIDE, with_row
from objectif.problem.promises import parse
from objectif.promises import Calibration, Outcome, check, fit, work
from objectif.tasks import find


def numbers(n, error=1.0, seed=0, groups=None):
    rng = np.random.default_rng(seed)
    y = 5 * rng.normal(size=n)
    middle = y + error * rng.normal(size=n)
    answers = np.stack([middle - 1, middle, middle + 1], 1).astype(np.float32)
    return Calibration("regress", ("kg",), False, np.stack([y, np.arange(n)], 1), answers, None, groups)


def pictures(n, apart=3.0, seed=0):
    rng = np.random.default_rng(seed)
    kind = (rng.random(n) < 0.3).astype(np.int64)
    maps = np.full((n, SIDE, SIDE), -9, np.float32)
    maps[:, 0, 0] = rng.normal(size=n) + apart * kind
    truth = with_row(np.zeros((n, SIDE, SIDE), np.uint8), kind)
    return Calibration("anomaly", ("good", "dent"), False, truth, with_row(maps, 1.0))


def masks(n, missed=0.02, seed=0):
    rng = np.random.default_rng(seed)
    truth = np.zeros((n, 24, 24), np.uint8)
    for one in truth:
        row, column = rng.integers(0, 16, 2)
        one[row : row + 8, column : column + 8] = 1
    answers = truth.copy()
    answers[(rng.random(truth.shape) < missed) & (truth == 1)] = 0
    return Calibration("segment", ("background", "cell"), False, truth, answers)


def people(count, each=6, noise=0.5, seed=0):
    rng = np.random.default_rng(seed)
    middle = np.repeat(rng.normal(size=(count, 32)), each, 0) + noise * rng.normal(size=(count * each, 32))
    truth = np.zeros((count * each, 1, 2), np.int64)
    truth[:, 0, 0] = np.repeat(np.arange(count), each)
    answers = (middle / np.linalg.norm(middle, axis=1, keepdims=True)).astype(np.float32)
    return Calibration("identify", tuple(f"p{k}" for k in range(count)), False, truth, answers)


def objects(n, apart=2.0, seed=0):
    rng = np.random.default_rng(seed)
    truth, answers = np.zeros((n, 4, 6)), np.zeros((n, 16, 6), np.float32)
    truth[:, :, 4], answers[:, :, 5] = -1, -1
    for row in range(n):
        for k in range(rng.integers(1, 4)):
            x, y = rng.integers(0, 80, 2)
            truth[row, k] = x, y, x + 20, y + 20, 0, 0
            answers[row, k] = x + 1, y, x + 20, y + 20, 1 / (1 + np.exp(-rng.normal() - apart)), 0
        for k in range(5, 5 + rng.integers(0, 8)):
            x, y = rng.integers(100, 180, 2)
            answers[row, k] = x, y, x + 20, y + 20, 1 / (1 + np.exp(-rng.normal() + apart)), 0
    return Calibration("detect", ("RBC", "WBC"), False, truth, answers)


FIND = "recall[RBC] >= 0.9 at 1 false positives per image"
EACH = [
    (numbers, "interval_coverage >= 0.9"),
    (pictures, "false_alarm_rate <= 0.1"),
    (pictures, "recall >= 0.9"),
    (masks, "missed_pixels <= 0.1"),
    (masks, "missed_objects[cell] <= 0.1"),
    (people, "fpir <= 0.1"),
    (objects, FIND),
]


def one(text, data):
    outcome = fit([parse(text)], data)
    return outcome, outcome.records[0]


@pytest.mark.parametrize(("made", "text"), EACH)
def test_good_answers_keep_their_promise_here_and_elsewhere(made, text):
    data = made(200)
    outcome, record = one(text, data)
    assert record.kept, record.sentence
    assert 0 < record.work_low <= record.work_saved <= record.work_high
    assert Outcome.from_dict(json.loads(json.dumps(outcome.to_dict(), allow_nan=False))) == outcome
    judged = outcome.rule.judge(data.answers, data.chosen, data.classes)
    assert len(judged) == len(data)
    assert {j.act for j in judged} == {"answer"}
    order = np.random.default_rng(0).permutation(len(data))
    if made not in (people, masks, objects):  # galleries and neighbours go by the order
        assert fit([parse(text)], data.take(order)) == outcome
    if made is not numbers:
        assert check(outcome.rule, record, made(200, seed=5)).verdict != "no longer kept"


@pytest.mark.parametrize(("made", "text"), EACH)
def test_work_is_a_share_that_weights_can_move(made, text):
    data = made(120)
    found = work([parse(text)], data)
    assert 0 < np.mean(found) <= 1
    assert work([parse(text)], data, weight=np.ones(len(data))) == pytest.approx(np.mean(found))


def test_intervals_are_widened_until_the_bound_holds():
    data, fresh = numbers(400), numbers(2000, seed=1)
    outcome, record = one("interval_coverage >= 0.9", data)
    decoding = outcome.rule.decoding(find("regress").decoding())
    assert decoding.coverage == 0.9
    assert decoding.widen > 0
    wide = np.array([-decoding.widen, 0, decoding.widen], np.float32)
    held = replace(fresh, answers=fresh.answers + wide)
    assert check(outcome.rule, record, held).verdict == "still kept"
    assert check(outcome.rule, record, fresh).verdict == "no longer kept"


def test_stages_too():
    rng = np.random.default_rng(0)
    stage = rng.integers(0, 5, 400)
    p = np.exp(-1.5 * np.abs(np.arange(5) - (stage + rng.normal(size=400) * 0.7)[:, None]))
    p /= p.sum(1, keepdims=True)
    middle = p.argmax(1)
    answers = np.column_stack([middle, middle, middle, p]).astype(np.float32)
    truth = np.stack([stage, np.arange(400)], 1).astype(np.float64)
    outcome, record = one(
        "interval_coverage >= 0.9", Calibration("regress", tuple("abcde"), False, truth, answers)
    )
    assert record.kept, record.sentence
    assert 0 < outcome.rule.decoding(find("regress").decoding()).mass <= 1


def test_an_interval_that_is_the_same_for_all_keeps_no_promise():
    data = numbers(400)
    blind = np.tile(np.float32([-9, 0, 9]), (400, 1))
    outcome, record = one("interval_coverage >= 0.9", replace(data, answers=blind))
    assert not outcome.kept
    assert "no narrower than one that is told without a look" in record.sentence


def test_thresholds_of_anomalies():
    data = pictures(300)
    task = find("anomaly").decoding()
    alone = one("false_alarm_rate <= 0.05", data)[0].rule
    assert alone.decoding(task).threshold == alone.guards[0].limit
    both = fit([parse("false_alarm_rate <= 0.02"), parse("recall >= 0.97")], pictures(900, 2.0)).rule
    judged = both.judge(data.answers, None, data.classes)
    assert {j.act for j in judged} == {"answer", "defer"}
    assert any("neither good nor anomalous for sure" in j.reason for j in judged)


def test_masks_that_claim_all_or_are_always_the_same_keep_nothing():
    data = masks(200)
    every = replace(data, answers=np.ones_like(data.answers))
    assert "leave no part of a picture out" in one("missed_pixels <= 0.1", every)[1].sentence
    middle = np.zeros_like(data.answers)
    middle[:, 2:22, 2:22] = 1
    same = replace(data, truth=np.tile(data.truth[:1], (200, 1, 1)), answers=middle)
    assert "no more than chance" in one("missed_pixels <= 0.2", same)[1].sentence


def test_the_threshold_of_a_detector_keeps_both():
    outcome, record = one(FIND, objects(300))
    decoding = outcome.rule.decoding(find("detect").decoding())
    fresh = objects(500, seed=3)
    kept = fresh.answers[:, :, 4] >= decoding.thresholds[0]
    false = (kept & (fresh.answers[:, :, 5] == 0) & (fresh.answers[:, :, 0] >= 100)).sum() / 500
    assert false <= 1
    assert " false positives per image, and >= " in record.sentence
    assert decoding.thresholds[1] == 0.5
    noisy = fresh.answers.copy()
    noisy[:, 10:] = noisy[:, :1]
    noisy[:, 10:, :4] = 300, 300, 320, 320
    assert check(outcome.rule, record, replace(fresh, answers=noisy)).verdict == "no longer kept"
    same = replace(
        objects(300), **{k: np.tile(getattr(objects(300), k)[:1], (300, 1, 1)) for k in ("truth", "answers")}
    )
    assert "no more than chance" in one(FIND, same)[1].sentence


def test_strangers_are_kept_out_at_the_promised_threshold():
    data = people(200)
    task = find("identify")
    before = task.operate(task.decoding(), data.truth, data.answers, False)
    rule = one("fpir <= 0.1", data)[0].rule
    after = rule.decoding(before)
    assert after.threshold().value == pytest.approx(rule.guards[0].limit)
    assert after.threshold(0.01).value >= after.threshold().value
    assert "fewer than ten groups (5 with images of strangers)" in one("fpir <= 0.1", people(20))[1].sentence
