"""What the charts compute: the Pareto front, confusion, the choice of errors, thumbnails."""

from __future__ import annotations

import base64
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectif.report.confusion import confusion
from objectif.report.gallery import pick
from objectif.report.material import Material
from objectif.report.pareto import NOISE, Point, front
from objectif.report.pictures import thumbnail
from objectif.runs.answers import Answers
from objectif.runs.folder import RunFolder
from objectif.runs.result import Result, Standing

POINTS = st.lists(st.tuples(st.floats(0.1, 100), st.floats(0, 1)), min_size=1, max_size=40)


@given(POINTS, st.booleans())
def test_front_is_better_at_each_step_and_nothing_beats_it(
    pairs: list[tuple[float, float]], higher: bool
) -> None:
    points = [Point(c, v, Standing(str(k))) for k, (c, v) in enumerate(pairs)]
    edge = front(points, higher_is_better=higher)
    sign = 1 if higher else -1
    assert sign * edge[-1].value == max(sign * p.value for p in points)
    for a, b in pairwise(edge):
        assert a.cost * NOISE < b.cost * (1 + 1e-9)
        assert sign * a.value <= sign * b.value
    for p in points:
        assert any(sign * e.value >= sign * p.value and e.cost <= p.cost * NOISE * (1 + 1e-9) for e in edge)


def test_two_timings_of_one_network_are_one_point() -> None:
    points = [Point(10.0 + k / 20, 0.8 + k / 100, Standing(str(k))) for k in range(10)]
    assert [p.value for p in front(points, higher_is_better=True)] == [pytest.approx(0.89)]


def test_confusion_counts_rows_as_truth() -> None:
    counts = confusion(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0]), 3)
    np.testing.assert_array_equal(counts, [[1, 1, 0], [0, 1, 0], [1, 0, 0]])


def material(tmp_path: Path, truth: np.ndarray, scores: np.ndarray, **changes: object) -> Material:
    answers = Answers(tuple(f"{k}.jpg" for k in range(len(truth))), truth, scores, "test")
    fields = {"winner": "w", "metric": "accuracy", "leaderboard": (), "classes": ("a", "b", "c"), **changes}
    return Material(RunFolder(tmp_path), Result(**fields), answers)  # type: ignore[arg-type]


def test_errors_are_the_confident_ones_and_not_all_of_one_kind(tmp_path: Path) -> None:
    truth = np.zeros(30, np.int64)
    scores = np.tile([0.1, 0.8, 0.1], (30, 1))
    scores[20:25] = [0.2, 0.1, 0.7]
    scores[25:] = [0.9, 0.05, 0.05]
    found = pick(material(tmp_path, truth, scores), same=3)
    assert [e.answered for e in found] == [1, 1, 1, 2, 2, 2]
    assert all(e.probability > e.of_truth for e in found)


def test_under_costs_the_answer_is_the_cheapest(tmp_path: Path) -> None:
    cost = [[0, 1, 1], [1, 0, 1], [50, 1, 0]]  # a missed 'c' answered as 'a' is dear
    problem = {"data": str(tmp_path), "cost": cost}
    scores = np.array([[0.6, 0.3, 0.1]])
    truth = np.array([2])
    assert material(tmp_path, truth, scores).answered[0] == 0
    assert material(tmp_path, truth, scores, metric="cost", problem=problem).answered[0] == 1


@pytest.mark.parametrize(
    "shape", [(40, 60, 3), (300, 900, 3), (5000, 3, 1), (80, 90), (90, 90, 7), (1, 1, 3)]
)
@pytest.mark.parametrize("kind", ["u1", "u2", "f4"])
def test_thumbnails_of_any_picture(shape: tuple[int, ...], kind: str) -> None:
    pixels = (np.random.default_rng(0).random(shape) * (200 if kind == "u1" else 4000)).astype(kind)
    source, tiny = thumbnail(pixels)
    content = np.frombuffer(base64.b64decode(source.split(",")[1]), np.uint8)
    decoded = cv2.imdecode(content, cv2.IMREAD_UNCHANGED)
    assert decoded is not None
    assert max(decoded.shape[:2]) <= 160
    assert tiny == (max(shape[:2]) <= 64)
    assert len(source) < 60_000


def test_thumbnails_keep_colours_in_order() -> None:
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 255
    content = np.frombuffer(base64.b64decode(thumbnail(red)[0].split(",")[1]), np.uint8)
    decoded = cv2.imdecode(content, cv2.IMREAD_COLOR)
    assert decoded is not None
    np.testing.assert_array_equal(decoded[0, 0], [0, 0, 255])  # OpenCV decodes as BGR
