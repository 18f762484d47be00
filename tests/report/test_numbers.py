"""Numbers as people read them; axes that keep their promises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectif.report.numbers import Axis, capital, count, duration, figure, interval, latency, signed

REAL = st.floats(-1e4, 1e4).filter(lambda x: x == 0 or abs(x) > 1e-6)


@given(REAL, st.floats(1e-3, 1e4), st.integers(1, 10))
def test_ticks_lie_on_the_axis_and_are_not_many(low: float, width: float, wanted: int) -> None:
    axis = Axis(low, low + width)
    ticks = axis.ticks(wanted)
    assert len(ticks) <= wanted + 1
    assert all(low - 1e-6 * width <= t <= low + width * (1 + 1e-6) for t in ticks)
    assert ticks == sorted(set(ticks))


@given(st.floats(1e-3, 1e6), st.floats(1.5, 1e6))
def test_logarithmic_ticks_too(low: float, factor: float) -> None:
    axis = Axis(low, low * factor, log=True)
    assert all(low <= t <= low * factor for t in axis.ticks(4))
    assert axis.at(low) == pytest.approx(0)
    assert axis.at(low * factor) == pytest.approx(100)
    assert axis.at(low * factor**0.5) == pytest.approx(50)


@given(st.floats(0, 1), st.floats(0, 1))
def test_an_axis_keeps_order_and_never_leaves_itself(a: float, b: float) -> None:
    axis = Axis(0.3, 0.6, 10, 90)
    assert 10 <= axis.at(a) <= 90
    assert (axis.at(a) <= axis.at(b)) or a > b


def test_an_axis_of_one_point_has_a_middle() -> None:
    assert Axis(0.5, 0.5).at(0.5) == 50


def test_words() -> None:
    assert (figure(0.8814), figure(12.345), figure(None), figure(-0.1)) == ("0.881", "12.3", "–", "−0.100")
    assert (signed(0.01), signed(-0.01), signed(None)) == ("+0.010", "−0.010", "–")
    assert (interval(0.1, 0.2), interval(None, 0.2)) == ("[0.100, 0.200]", "")
    assert (count(1, "image"), count(3670, "image"), count(2, "class", "classes")) == (
        "1 image", "3,670 images", "2 classes",
    )  # fmt: skip
    assert (duration(48.2), duration(252), duration(7500)) == ("48 s", "4 min 12 s", "2 h 5 min")
    assert (latency(0.42), latency(12.4), latency(None)) == ("0.42 ms", "12 ms", "")


@pytest.mark.parametrize(
    ("words", "shown"),
    [("accuracy", "Accuracy"), ("AUROC", "AUROC"), ("mAP50", "mAP50"), ("", ""), ("f", "F")],
)
def test_names_of_metrics_keep_their_letters(words: str, shown: str) -> None:
    assert capital(words) == shown
