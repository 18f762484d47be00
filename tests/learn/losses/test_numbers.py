"""Both ends of an interval are learned as the quantiles that they are meant to be."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from objectif.learn.fit.regress.head import TAILS, solve
from objectif.learn.losses.l2 import LOSS as L2
from objectif.learn.losses.quantile import Quantile


def test_the_quantile_is_the_first_thing_that_can_be_set() -> None:
    assert Quantile(tau=0.05).tau == 0.05


def test_ends_hold_nine_tenths_between_them() -> None:
    rng = np.random.default_rng(0)
    y = rng.uniform(0, 1, 300)
    found = solve(np.zeros((300, 1)), y, np.arange(300.0), np.ones(300), L2, 3)
    assert found.bias[0] == pytest.approx(TAILS[0], abs=0.06)
    assert found.bias[2] == pytest.approx(TAILS[1], abs=0.06)
    assert abs(found.widen) < 0.08
