"""Images kept apart for promises: whole groups, alike in classes, in no training and no choosing, given ones as given."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from objectif.data.apart import plan_beside
from objectif.data.dataset import Dataset
from objectif.data.identities import plan_identities
from objectif.data.splits import LOCK_FROM, SplitPlan, components, from_json, to_json
from objectif.errors import DataError

Made = Callable[..., Dataset]


def seen(split: SplitPlan) -> set[int]:
    """Rows that anything is learned from or chosen by."""
    rows = [split.development(), split.scored(), *(split.train(k) for k in range(split.folds))]
    return {int(row) for part in rows for row in part}


@given(st.integers(0, 5), st.sampled_from([0.1, 0.3, 0.5]), st.booleans())
@settings(max_examples=40, deadline=None)
def test_a_share_of_whole_groups_is_kept_apart(made: Made, seed: int, share: float, grouped: bool) -> None:
    labels = [0] * 60 + [1] * 40
    groups = [f"g{i % 33}" for i in range(100)] if grouped else [None] * 100
    data = made(labels, groups=groups)
    split = plan_beside(data, share, seed=seed)
    apart = np.flatnonzero(split.calibration)
    assert not seen(split) & set(apart.tolist())
    assert not split.test[apart].any()
    assert abs(len(apart) / 100 - share) < 0.12
    assert abs((data.truth()[apart] == 1).mean() - 0.4) < 0.2
    unit = components(data.groups(), None, 100)
    assert not set(unit[apart]) & set(unit[split.development()])


def test_without_promises_nothing_is_kept_apart(made: Made) -> None:
    split = plan_beside(made([0, 1] * 20), 0.0)
    assert not split.calibration.any()
    assert len(split.development()) == 40


def test_given_calibration_images_are_taken_as_given(made: Made) -> None:
    data = made([0, 1] * 30)
    named = tuple(replace(s, split="calibration" if k < 20 else "train") for k, s in enumerate(data.samples))
    split = plan_beside(replace(data, samples=named), 0.5)
    assert np.flatnonzero(split.calibration).tolist() == list(range(20))
    assert "20 images kept apart" in split.origin


def test_test_images_are_never_among_them(made: Made) -> None:
    data = made([0, 1] * 50)
    named = tuple(replace(s, split="test" if k < 30 else "train") for k, s in enumerate(data.samples))
    split = plan_beside(replace(data, samples=named), 0.3)
    assert split.test[:30].all()
    assert 15 <= split.calibration.sum() <= 28
    assert not (split.test & split.calibration).any()
    locked = plan_beside(made([0, 1] * LOCK_FROM), 0.3)
    assert locked.test.any()
    assert not (locked.test & locked.calibration).any()


def test_they_survive_the_run_folder(made: Made) -> None:
    data = made([0, 1] * 30)
    split = plan_beside(data, 0.3)
    again = from_json(json.loads(json.dumps(to_json(split, data))), data)
    assert again.calibration.tolist() == split.calibration.tolist()
    old: dict[str, Any] = to_json(split, data)
    del old["calibration"]
    assert not from_json(old, data).calibration.any()


def test_identities_are_kept_apart_whole(made: Made) -> None:
    data = made([k // 5 for k in range(200)], classes=40)
    known, split = plan_identities(data, calibration=0.3)
    truth = data.truth()
    apart = set(truth[split.calibration].tolist())
    assert 8 <= len(apart) <= 16
    assert not apart & set(truth[split.development()].tolist())
    assert {s.split for s, yes in zip(known.samples, split.calibration, strict=True) if yes} == {
        "calibration"
    }


def test_too_few_groups_are_refused(made: Made) -> None:
    data = made([0, 1] * 10, groups=[f"p{k % 3}" for k in range(20)])
    with pytest.raises(DataError, match="3 groups of images; expected at least 4"):
        plan_beside(data, 0.3)
