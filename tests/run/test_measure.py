"""Latency and memory: figures of the right order, from a process of its own where memory is meant."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from objectif.errors import RunError
from objectif.run import memory
from objectif.run.measure import measure
from objectif.run.network import Network
from objectif.solution.file import Solution, write

Make = Callable[..., Solution]


def test_latency_is_the_median_of_single_images(colours: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    network, calls = Network(colours().networks["fp32"]), []

    def slow(batch: np.ndarray) -> dict[str, np.ndarray]:
        calls.append(batch.shape)
        time.sleep(0.05 if len(calls) == 6 else 0.002)
        return {}

    monkeypatch.setattr(network, "outputs", slow)
    assert 2 <= measure(network, (8, 8, 3), runs=9) < 20
    assert set(calls) == {(1, 8, 8, 3)}
    assert len(calls) == 9 + 3


def test_a_slow_network_is_measured_three_times_at_least(
    colours: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, calls = Network(colours().networks["fp32"]), []
    monkeypatch.setattr(network, "outputs", lambda batch: calls.append(time.sleep(0.01)))
    assert measure(network, (8, 8, 3), seconds=0.0) >= 10
    assert len(calls) == 3 + 3


def test_memory_is_that_of_a_child(colours: Make, paint: Callable[..., Path], tmp_path: Path) -> None:
    ballast = np.ones(60_000_000)  # 480 MB in this process must not count
    path = write(tmp_path / "a.objectif", colours())
    for peak in (
        memory.of_network(colours().networks["fp32"], (8, 8, 3), threads=1),
        memory.of_solution(path, [str(paint("a.png", "red"))]),
    ):
        assert 20 < peak < 400
    assert memory.own_peak() > 480 < ballast.nbytes


def test_a_child_that_fails_says_why() -> None:
    with pytest.raises(RunError, match="cannot be opened"):
        memory.of_network(b"no network", (8, 8, 3))
