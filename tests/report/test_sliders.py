"""Before and after in the page: three pictures without a script, within the budget."""

from __future__ import annotations

import numpy as np
import pytest

from objectif.report import sliders
from objectif.tasks.exhibits import BeforeAfter


def case(height: int, width: int, channels: int = 1) -> BeforeAfter:
    pixels = np.random.default_rng(0).integers(0, 256, (3, height, width, channels)).astype(np.uint8)
    return BeforeAfter("<a>.png", "why", *pixels)


def test_three_pictures_stand_side_by_side() -> None:
    drawn, cost = sliders.draw(case(600, 400, 3), 10**6)
    assert drawn.count("<img") == 3
    assert drawn.count("data:image/jpeg") == 3
    assert 0 < cost < len(drawn)
    assert "a part of 288 × 288 pixels" in drawn
    assert "<a>.png" not in drawn
    assert "a part of" not in sliders.draw(case(10, 12), 10**6)[0]


def test_what_has_no_room_is_refused() -> None:
    with pytest.raises(ValueError, match="as many pictures as it can hold"):
        sliders.draw(case(60, 40), 100)
