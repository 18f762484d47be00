"""The tests of explanations can be failed: a map that knows passes, one that does not, does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from objectif.run.asked import question
from objectif.run.explain import Explainer
from objectif.run.predictor import Predictor
from objectif.run.sanity import Pointing, curves, estimate, game, likeness, pointing
from objectif.solution.file import Solution


def test_a_true_map_beats_a_false_one_in_deletion_and_insertion(
    colours: Callable[..., Solution], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The class is told by how rough a corner is, which hiding takes away and showing gives back."""
    solution = colours()
    explainer = Explainer(Predictor(solution))
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    seen = replace(explainer.see(pixels), pixels=pixels.repeat(8, 0).repeat(8, 1))

    def rough(batch: NDArray[Any], *_: object) -> NDArray[np.float64]:
        share = batch[:, 8:32, 32:56].astype(np.float64).std(axis=(1, 2, 3)) / 128
        return np.asarray(np.log(share / (1 - share)))[:, None]

    monkeypatch.setattr(explainer, "values", rough)
    asked = question(solution, seen.answer, seen.decoded, "red")
    cells = np.zeros((8, 8), np.float32)
    cells[1:4, 4:7] = 1.0
    found, turned = (curves(explainer, seen, asked, c) for c in (cells, -cells))
    assert found["map"][0] < found["random"][0] < turned["map"][0], "deletion: less is better"
    assert found["map"][1] > found["random"][1] > turned["map"][1], "insertion: more is better"
    assert found["random"] == turned["random"]
    assert found["centre"] == turned["centre"]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 9999), height=st.integers(2, 9), width=st.integers(2, 9))
def test_likeness_is_a_rank_correlation(seed: int, height: int, width: int) -> None:
    cells = np.random.default_rng(seed).normal(size=(height, width)).astype(np.float32)
    assert likeness(cells, np.exp(cells)) == pytest.approx(1.0)
    assert likeness(cells, -cells) == pytest.approx(-1.0)
    assert likeness(cells, np.zeros_like(cells)) == 0.0


def test_ties_share_their_rank() -> None:
    one, other = np.array([[1.0, 1.0, 2.0]], np.float32), np.array([[3.0, 4.0, 5.0]], np.float32)
    assert likeness(one, other) == pytest.approx(np.sqrt(3) / 2)


def test_pointing_counts_the_hottest_pixel_and_the_centre() -> None:
    whole = np.zeros((9, 9), np.float32)
    whole[1, 7] = 1.0
    region = np.zeros((9, 9), np.bool_)
    region[:3, 6:] = True
    assert pointing(whole, region) == Pointing(1.0, 0.0, 9 / 81)
    region[:] = False
    region[4, 4] = True
    assert pointing(whole, region) == Pointing(0.0, 1.0, 1 / 81)
    with pytest.raises(ValueError, match="expected the same"):
        pointing(whole, region[:4])


def test_intervals_are_over_groups_and_need_ten_of_them() -> None:
    hits = [1.0, 0.0] * 30
    alone, paired = estimate(hits), estimate(hits, np.repeat(np.arange(20), 3))
    assert alone is not None
    assert paired is not None
    assert alone.mean == paired.mean == 0.5
    assert alone.low is not None
    assert alone.low < 0.5 < (alone.high or 0)
    few = estimate(hits, np.repeat(np.arange(6), 10))
    assert few is not None
    assert (few.low, few.high, few.n) == (None, None, 60)
    assert estimate([]) is None


def test_none_of_twenty_is_not_none_for_certain() -> None:
    found = game([Pointing(0.0, 1.0, 0.1)] * 20, None)
    hit, centre = found["hit"], found["centre"]
    assert hit is not None
    assert centre is not None
    assert (hit.low, centre.high) == (pytest.approx(0.0), pytest.approx(1.0))
    assert 0.1 < (hit.high or 0) < 0.2
    assert 0.8 < (centre.low or 0) < 0.9


def test_the_game_tells_the_paired_gain() -> None:
    found = game([Pointing(1.0, 0.0, 0.1)] * 15 + [Pointing(1.0, 1.0, 0.3)] * 15, None)
    gain = found["gain"]
    assert gain is not None
    assert gain.mean == 0.5
    assert str(gain).startswith("0.500 [0.")
    chance = found["chance"]
    assert chance is not None
    assert chance.mean == pytest.approx(0.2)
