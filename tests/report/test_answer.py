"""The headline's words for a candidate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from objectif.report.answer import describe
from objectif.runs.entry import NO_LOSS

from .conftest import leaderboard


@pytest.mark.parametrize(("loss", "told"), [("focal", True), (NO_LOSS, False), ("", False)])
def test_a_loss_is_told_where_there_is_one(loss: str, told: bool) -> None:
    line = replace(leaderboard(np.random.default_rng(0))[0], model="hog", loss=loss)
    words = str(describe(line))
    assert "hog" in words
    assert (" with " in words) == told
