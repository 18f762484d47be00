"""Large pictures in tiles: nothing lost, doubled or cut on a seam; memory bounded; the next picture not harmed."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from objectif.answers import Boxes
from objectif.run.inputs import Failure
from objectif.run.predictor import Predictor
from objectif.solution.file import Solution, write

Make = Callable[..., Solution]
Draw = Callable[..., tuple[NDArray[np.uint8], NDArray[np.float64]]]


def as_set(boxes: NDArray[Any], labels: Any) -> set[tuple[float, ...]]:
    return {(*map(float, np.round(box)), int(label)) for box, label in zip(boxes[:, :4], labels, strict=True)}


def found(solution: Solution, pixels: NDArray[Any], **options: Any) -> set[tuple[float, ...]]:
    [answer] = Predictor(solution).predict([pixels], **options)
    assert isinstance(answer, Boxes)
    return as_set(answer.boxes, [solution.classes.index(name) for name in answer.labels])


@pytest.mark.parametrize(("cell", "tile"), [(16, 64), (32, 64), (64, 64), (96, 64), (20, 50)])
@pytest.mark.parametrize("size", [(300, 500), (321, 257)])
def test_each_object_is_answered_once_and_whole(
    squares: Make, rectangles: Draw, cell: int, tile: int, size: tuple[int, int]
) -> None:
    """Objects from a quarter of a tile to larger than a tile, at every place relative to the seams."""
    pixels, boxes = rectangles(*size, seed=cell, cell=cell)
    solution = squares(side=tile)
    assert found(solution, pixels, tile=tile) == as_set(boxes, boxes[:, 4])


def test_an_image_much_larger_than_those_it_knows_is_answered_in_tiles(
    squares: Make, rectangles: Draw
) -> None:
    pixels, boxes = rectangles(400, 600, 1)
    seen: list[tuple[str, int, int]] = []
    solution = squares(reference=(64, 64))
    exact = found(solution, pixels, progress=lambda *told: seen.append(told))
    assert exact == as_set(boxes, boxes[:, 4])
    assert seen[-1] == ("image 0", len(seen), len(seen))
    seen.clear()
    for rule in ("off", "auto"):  # four times as small, nothing is exact
        unknown = squares(reference=None) if rule == "auto" else solution
        assert found(unknown, pixels, tile=rule, progress=lambda *told: seen.append(told)) != exact
    assert seen == []


def test_large_and_small_and_bad_images_may_be_mixed(squares: Make, rectangles: Draw, tmp_path: Path) -> None:
    from PIL import Image

    small, few = rectangles(64, 64, 2)
    large, many = rectangles(300, 300, 3)
    files = [tmp_path / "large.tif", tmp_path / "large.png", tmp_path / "cut.png"]
    for file in files:
        Image.fromarray(large).save(file)
    files[2].write_bytes(files[2].read_bytes()[:9000])
    items = [small, files[0], files[2], small, files[1], small]
    for workers, batch in ((1, 1), (2, 4), (3, 2)):
        predictor = Predictor(squares(reference=(64, 64)), workers=workers, batch=batch)
        answers = list(predictor.predict(items))
        counts = [len(a) if isinstance(a, Boxes) else None for a in answers]
        assert counts == [len(few), len(many), None, len(few), len(many), len(few)]
        assert isinstance(answers[2], Failure)
        assert "truncated" in answers[2].reason


def test_more_objects_than_one_tile_may_answer_are_kept(squares: Make, rectangles: Draw) -> None:
    pixels, boxes = rectangles(500, 500, 4, cell=16)
    solution = squares(reference=(64, 64))
    assert len(boxes) > solution.decoding.most
    assert len(found(solution, pixels)) == len(boxes)


def test_a_caller_who_stops_does_not_wait_for_all_tiles(squares: Make, rectangles: Draw) -> None:
    pixels, _ = rectangles(2000, 2000, 5)
    begun = threading.Event()
    answers = Predictor(squares(reference=(64, 64))).predict(
        [np.zeros((64, 64, 3), np.uint8), pixels, pixels], progress=lambda *_: (begun.set(), time.sleep(0.01))
    )
    next(answers)
    assert begun.wait(20)
    start = time.perf_counter()
    answers.close()
    assert time.perf_counter() - start < 5  # all tiles would take 17 s


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_memory_stays_bounded(squares: Make, rectangles: Draw, tmp_path: Path, kind: str) -> None:
    """A 6,000 x 4,500 picture, 81 MB of pixels; benchmarks/detect_tiles.py has the full size."""
    from PIL import Image

    part, boxes = rectangles(900, 1200, 6, cell=60)
    pixels = np.tile(part, (5, 5, 1))
    file = tmp_path / f"large.{kind.lower()}"
    Image.fromarray(pixels).save(file, kind)
    path = write(tmp_path / "a.objectif", squares(side=320, reference=(640, 640)))
    code = (
        "import json, sys; from objectif.run.memory import own_peak; from objectif.run.predictor import load\n"
        "p = load(sys.argv[1]); before = own_peak(); [a] = p.predict([sys.argv[2]])\n"
        "print(json.dumps([len(a), before, own_peak()]))"
    )
    child = subprocess.run(
        [sys.executable, "-c", code, str(path), str(file)],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert child.returncode == 0, child.stderr
    count, before, peak = json.loads(child.stdout)
    assert abs(count - 25 * len(boxes)) <= 0.02 * 25 * len(boxes)
    assert peak - before < 450
