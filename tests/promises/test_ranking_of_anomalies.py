"""Work saved of anomalies: what one promise calls good or anomalous no other takes back."""

from __future__ import annotations

import numpy as np

from objectif.metrics.maps import SIDE, with_row
from objectif.problem.promises import parse
from objectif.promises import Calibration, work


def calibration(seed: int) -> Calibration:
    """200 pictures, half of them anomalous, with scores that overlap."""
    rng = np.random.default_rng(seed)
    odd = np.arange(200) % 2
    maps = np.zeros((200, SIDE, SIDE), np.float32)
    maps[:, 0, 0] = rng.normal(odd * 1.5, 1.0) + 5
    truth = with_row(np.zeros((200, SIDE, SIDE), np.uint8), odd)
    return Calibration("anomaly", ("good", "bad"), False, truth, with_row(maps, 6.0))


def test_two_promises_save_what_either_saves() -> None:
    data = calibration(0)
    alarms, recall = parse("false_alarm_rate <= 0.1"), parse("recall >= 0.9")
    one, other, both = (work(p, data) for p in ([alarms], [recall], [alarms, recall]))
    assert one.any() and other.any()
    assert (both == np.maximum(one, other)).all()
    assert both.mean() > max(one.mean(), other.mean())
