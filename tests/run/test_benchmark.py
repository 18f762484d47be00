"""benchmark(): every figure is there and they fit each other; generated photos are photos."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from objectif.errors import InputError
from objectif.images.photo import read
from objectif.run.benchmark import benchmark, quickest
from objectif.run.generate import photos
from objectif.solution.file import Solution, write

Make = Callable[..., Solution]


def test_each_precision_is_measured_on_each_set(
    colours: Make, paint: Callable[..., Path], tmp_path: Path
) -> None:
    path = write(tmp_path / "a.objectif", colours())
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no image")
    sets = {"small": [str(paint("a.jpg", "red")), str(bad)]}
    speeds = benchmark(path, sets, count=10, seconds=0.05, rounds=2)
    assert [(s.images, s.precision) for s in speeds] == [("small", "fp32"), ("small", "int8")]
    for s in speeds:
        assert s.bare > s.files > 0 < s.encoded
        assert 0 < s.ratio < 1.2
        assert s.cpu_ratio > 0
        assert s.memory_mb > 20
        assert s.latency_ms > 0
        assert "thread" in s.setting


def test_the_bare_network_runs_every_image_that_is_asked_for(colours: Make) -> None:
    seen = []

    class Counting:
        def outputs(self, batch: np.ndarray, names: tuple[str, ...]) -> None:
            seen.append(len(batch))

    from objectif.run import benchmark as module

    for callers in (1, 2, 3):
        for count in (1, 5, 17):
            seen.clear()
            module._bare(Counting(), np.zeros((8, 2, 2, 3), np.uint8), callers, 4)(count)  # type: ignore[arg-type]
            assert sum(seen) == count


def test_the_quickest_ways_are_kept() -> None:
    runners = {
        name: lambda n, pause=pause: time.sleep(pause)
        for name, pause in (("a", 0.02), ("b", 0.001), ("c", 0.008))
    }
    assert list(quickest(runners, seconds=0.05)) == ["b", "c"]


def test_a_set_without_an_image_is_refused(colours: Make, tmp_path: Path) -> None:
    path = write(tmp_path / "a.objectif", colours())
    (tmp_path / "bad.jpg").touch()
    with pytest.raises(InputError, match="none of 1 files"):
        benchmark(path, {"x": [str(tmp_path / "bad.jpg")]})


def test_generated_photos_have_their_size_and_weigh_what_photos_weigh(tmp_path: Path) -> None:
    for size in ((320, 240), (2003, 1501)):
        [name] = photos(tmp_path, size, 1)
        assert read(Path(name)).shape == (size[1], size[0], 3)
        assert 0.8 < 8 * Path(name).stat().st_size / size[0] / size[1] < 4  # bits a pixel
