"""What a Solution knows of its kind of images, by itself: how rows are looked at, and the limit for int8."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")

from objectif.data.load import load
from objectif.learn.race.kind import _Look, _rounded
from objectif.run.gate_fit import crossed_distances, fit, fit_space
from objectif.solution.file import Solution
from objectif.solution.gate import LOOKS

N = 40


@pytest.fixture
def look(colours: Callable[..., Solution], tmp_path: Path) -> Any:
    """A way to look at 40 noisy pictures; the race is as much of one as looking needs."""
    rng = np.random.default_rng(0)
    for k in range(N):
        name = ("red", "green")[k % 2]
        (tmp_path / name).mkdir(exist_ok=True)
        pixels = rng.integers(0, 120, (20, 24, 3), dtype=np.uint8)
        pixels[..., k % 2] += 80
        Image.fromarray(pixels).save(tmp_path / name / f"{k}.png")
    ground = SimpleNamespace(dataset=load(tmp_path), context=SimpleNamespace(units=np.arange(N) // 2))
    race: Any = SimpleNamespace(ground=ground, now=lambda: 1000.0, executor=SimpleNamespace(cores=1))
    return _Look(race, colours().preparation)


def test_rows_are_looked_at_in_their_order(look: Any, colours: Callable[..., Solution]) -> None:
    rows = np.random.default_rng(1).permutation(N)
    network = look.network(colours().networks["fp32"])
    seen, again = look.at(rows, network), look.at(np.sort(rows), network)
    np.testing.assert_array_equal(seen.rows, rows)
    np.testing.assert_array_equal(seen.looks, again.looks[rows])
    np.testing.assert_allclose(seen.embedding, again.embedding[rows], rtol=1e-6)
    assert seen.looks.shape == (N, len(LOOKS))
    assert seen.signatures.shape == (N, 60)


def test_time_is_kept_but_for_the_fewest(look: Any) -> None:
    look.race.now = lambda: 0.0
    assert 10 <= len(look.at(np.arange(N), None).rows) <= 32


def test_int8_is_given_the_room_that_it_needs(look: Any, colours: Callable[..., Solution]) -> None:
    network = colours().networks["fp32"]
    own = look.at(np.arange(N), look.network(network))
    distances = crossed_distances(own.embedding, look.units(own.rows))
    gate = fit(own.looks, distances, fit_space(own.embedding), "tests")
    same = _rounded(look, gate, network, own)
    assert same.distance["int8"] == pytest.approx(same.distance["fp32"], rel=1e-3)
    assert gate.space is not None
    moved = replace(own, embedding=np.abs(own.embedding + np.array([0.0, 0.05, 0.2], np.float32)))
    wider = _rounded(look, replace(gate, space=fit_space(moved.embedding)), network, moved)
    assert wider.distance["int8"] > 1.2 * wider.distance["fp32"]
