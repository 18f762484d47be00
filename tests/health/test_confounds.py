"""Confounds and shift: what gives a class or a split away is found, with an interval that keeps its word."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from objectif.data.load import load
from objectif.health.confounds import area, confounds, naive_bayes, worrying
from objectif.health.facts import Fact, facts
from objectif.health.heldout import deal, one_hot
from objectif.health.looks import look
from objectif.health.shift import shifts

from .conftest import in_memory, scene, write

Reals = NDArray[np.float64]


def told(table: list[Fact], truth: NDArray[np.int64], classes: int) -> list[str]:
    """Classes that are a worry."""
    hot, names = one_hot(truth, classes), tuple("abcdef"[:classes])
    units = np.arange(len(truth))
    found = confounds(table, hot, names, units, deal(hot, units))
    return [w.label for w in worrying(found, table, hot, names)]


def test_a_class_of_another_size_is_told() -> None:
    rng = np.random.default_rng(0)
    truth = np.arange(150) % 3
    width = np.where(truth == 1, rng.choice([200.0, 210.0, 230.0], 150), 256.0)
    noise = Fact("height", "file", rng.choice([240.0, 256.0], 150))
    assert told([Fact("width", "file", width), noise], truth, 3)[0] == "b"


@pytest.mark.parametrize("kind", ["file", "border"])
def test_chance_is_no_worry(kind: str) -> None:
    truth = np.arange(120) % 4
    for seed in range(10):
        rng = np.random.default_rng(seed)
        table = [Fact(f"fact {k}", kind, rng.normal(size=120)) for k in range(6)]  # type: ignore[arg-type]
        assert told(table, truth, 4) == []


def test_tone_alone_is_no_worry_as_it_may_be_content() -> None:
    truth = np.arange(100) % 2
    assert (
        told([Fact("brightness", "tone", truth + np.random.default_rng(0).normal(size=100) * 0.01)], truth, 2)
        == []
    )


def test_tiny_classes_are_left_out() -> None:
    truth = np.array([0] * 90 + [1] * 5)
    assert told([Fact("width", "file", truth.astype(float))], truth, 2) == []


def brute(positive: NDArray[np.bool_], score: Reals) -> float:
    plus, minus = score[positive], score[~positive]
    return float(((plus[:, None] > minus[None]) + 0.5 * (plus[:, None] == minus[None])).mean())


def test_area_is_the_share_of_pairs_in_order() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        positive = rng.random(40) < 0.4
        score = rng.integers(0, 6, 40).astype(float)
        assert area(positive, score, np.arange(40)).estimate == pytest.approx(brute(positive, score))


def test_interval_covers_and_groups_widen_it() -> None:
    rng = np.random.default_rng(0)
    covered, widths = 0, []
    for _ in range(200):
        positive = np.arange(80) % 4 == 0
        score = rng.normal(size=80) + 1.0 * positive  # the true area is 0.760
        found = area(positive, score, np.arange(80))
        covered += found.low <= 0.760 <= found.high
        units = np.arange(80) // 4
        repeated = rng.normal(size=20).repeat(4) + np.where(np.arange(80) < 40, 1.0, 0.0)
        half = np.arange(80) < 40
        alone, together = (area(half, repeated, u) for u in (np.arange(80), units))
        widths.append((together.high - together.low) / (alone.high - alone.low))
    assert 182 <= covered <= 199  # 95 % of 200 is 190; three standard errors are 9
    assert np.median(widths) > 1.5


def test_perfect_separation_of_few_is_not_certain() -> None:
    positive = np.arange(30) < 12
    found = area(positive, positive.astype(float), np.arange(30))
    assert (found.estimate, found.high) == (1.0, 1.0)
    assert 0.6 < found.low < 0.9


def test_bayes_never_sees_the_held_out_image() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 200)
    scores = naive_bayes([rng.normal(size=200)], one_hot(truth, 2), np.arange(200) % 5)
    assert 0.35 < brute(truth == 1, scores[:, 1]) < 0.65


def test_facts_of_files_are_read(tmp_path: Path) -> None:
    for i in range(10):
        write(tmp_path / "a" / f"{i}.jpg", scene(i), quality=60)
        write(tmp_path / "b" / f"{i}.png", cv2.cvtColor(cv2.cvtColor(scene(50 + i), 6), 8))
    dataset = load(tmp_path)
    found = {f.name: f for f in facts(look(dataset))}
    first, second = np.arange(10), np.arange(10, 20)
    assert found["file type"].range_of(first) == "JPEG (100 %)"
    assert found["file type"].range_of(second) == "PNG (100 %)"
    assert found["JPEG quality"].values[0] == pytest.approx(60, abs=2)
    assert "width" not in found  # the same for all, so it tells nothing
    assert "camera" not in found


def test_facts_refuse_unreadable_images(folder: Callable[..., Path]) -> None:
    root = folder(3)
    (root / "class0" / "0.jpg").write_bytes(b"")
    with pytest.raises(ValueError, match="1 unreadable"):
        facts(look(load(root)))


def test_a_shifted_test_split_is_told_and_a_random_one_is_not() -> None:
    rng = np.random.default_rng(0)
    truth = np.arange(240) % 2
    splits: list[str | None] = ["test" if i % 4 == 0 or i % 4 == 1 else "train" for i in range(240)]
    is_test = np.array([s == "test" for s in splits])
    value = rng.normal(size=240)
    (fair,) = shifts([Fact("x", "file", value)], truth, ("a", "b"), splits, np.arange(240))
    (moved,) = shifts([Fact("x", "file", value + 3 * is_test)], truth, ("a", "b"), splits, np.arange(240))
    assert not fair.worrying
    assert moved.worrying
    assert set(moved.by) == {"a", "b"}


def test_another_mix_of_classes_is_no_shift() -> None:
    rng = np.random.default_rng(0)
    truth = (rng.random(400) < 0.5).astype(np.int64)
    splits: list[str | None] = ["test" if rng.random() < (0.6 if y else 0.2) else "train" for y in truth]
    value = 5.0 * truth + rng.normal(size=400)  # tells the class, and through the mix the split
    (found,) = shifts([Fact("x", "tone", value)], truth, ("a", "b"), splits, np.arange(400))
    assert not found.worrying


def test_unsplit_data_have_no_shift() -> None:
    assert (
        shifts(
            [Fact("x", "file", np.arange(50.0))], np.zeros(50, np.int64), ("a",), [None] * 50, np.arange(50)
        )
        == ()
    )


def test_borders_are_seen() -> None:
    pictures = [scene(i, 0) for i in range(80)]
    for i in range(0, 80, 2):
        pictures[i] = pictures[i].copy()
        pictures[i][:4] = pictures[i][-4:] = pictures[i][:, :4] = pictures[i][:, -4:] = 0
    table = list(facts(look(in_memory(pictures, [i % 2 for i in range(80)]))))
    assert set(told(table, np.arange(80) % 2, 2)) == {"a", "b"}
