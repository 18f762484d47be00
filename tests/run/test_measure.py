"""Latency and memory: figures of the right order, from a process of its own where memory is meant."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from objectif.errors import RunError
from objectif.run import measure as module
from objectif.run import memory
from objectif.run.measure import measure
from objectif.run.network import Network
from objectif.solution.file import Solution, write

Make = Callable[..., Solution]


class Clock:
    """A network and a clock in one: running an image takes as long as `durations` says, and nothing else takes time."""

    def __init__(self, durations: list[float]) -> None:
        self.now, self.durations, self.shapes = 0.0, iter(durations), []

    def outputs(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        self.shapes.append(batch.shape)
        self.now += next(self.durations)
        return {}


def timed(
    colours: Make, monkeypatch: pytest.MonkeyPatch, durations: list[float], **options: float
) -> tuple[float, list[tuple[int, ...]]]:
    clock, network = Clock(durations), Network(colours().networks["fp32"])
    monkeypatch.setattr(network, "outputs", clock.outputs)
    monkeypatch.setattr(module.time, "perf_counter", lambda: clock.now)
    return measure(network, (8, 8, 3), **options), clock.shapes  # type: ignore[arg-type]


def test_latency_is_the_median_of_single_images_after_warming_up(
    colours: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, shapes = timed(colours, monkeypatch, [9, 9, 9, 0.002, 0.003, 0.5, 0.001, 0.003], runs=5, seconds=9)
    assert taken == pytest.approx(3)
    assert shapes == [(1, 8, 8, 3)] * 8


def test_a_slow_network_is_measured_three_times_and_no_more(
    colours: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, shapes = timed(colours, monkeypatch, [1.0] * 99, seconds=2.0)
    assert taken == pytest.approx(1000)
    assert len(shapes) == 3 + 3


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
