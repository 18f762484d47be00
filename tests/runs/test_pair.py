"""Comparing two runs: paired by path, whatever the order of images and classes; clear words; clear errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from objectif.errors import RunError
from objectif.runs.folder import RunFolder
from objectif.runs.pair import compare
from objectif.runs.result import Result

CLASSES = ("a", "b", "c")


def run(
    path: Path,
    skill: float,
    *,
    seed: int,
    n: int = 400,
    order: NDArray[np.int64] | None = None,
    classes: tuple[str, ...] = CLASSES,
    groups: list[str] | None = None,
    kind: str = "out-of-fold",
    relabel: int = 0,
    **changes: Any,
) -> RunFolder:
    """A run over images 0..n-1 in `order` whose winner is right with probability `skill`."""
    truth = np.random.default_rng(1).integers(0, 3, n)  # in the order of CLASSES: the same for every run
    rng = np.random.default_rng(seed)
    answer = np.where(rng.random(n) < skill, truth, (truth + 1) % 3)
    scores = np.full((n, 3), 0.1) + 0.7 * np.eye(3)[answer]
    truth[:relabel] = (truth[:relabel] + 1) % 3
    place = [CLASSES.index(c) for c in classes]
    truth, scores = np.argsort(place)[truth], scores[:, place]
    kept = np.arange(n) if order is None else order
    folder = RunFolder.create(path)
    fields = {"estimate": skill, "low": skill - 0.05, "high": skill + 0.05, "classes": classes, **changes}
    folder.write_result(Result(**{"winner": "w", "metric": "accuracy", "leaderboard": (), **fields}))
    paths = np.array([f"{i}.jpg" for i in kept])
    folder.write_arrays(
        "answers.npz", {"paths": paths, "truth": truth[kept], "scores": scores[kept], "kind": np.array(kind)}
    )
    if groups is not None:
        folder.write_json("splits.json", {"paths": [f"{i}.jpg" for i in range(n)], "groups": groups})
    return folder


def test_pairs_by_path_whatever_the_order_of_images_and_classes(tmp_path: Path) -> None:
    one = run(tmp_path / "1", 0.7, seed=2)
    plain = compare(one, run(tmp_path / "2", 0.9, seed=3))
    shuffled = np.random.default_rng(0).permutation(400)
    mixed = compare(one, run(tmp_path / "3", 0.9, seed=3, order=shuffled, classes=("c", "a", "b")))
    assert (mixed.difference, mixed.low, mixed.high) == (plain.difference, plain.low, plain.high)
    assert plain.shared == 400
    assert plain.better == "second"
    assert plain.low is not None
    assert plain.low > 0
    assert plain.mcnemar is not None
    assert plain.mcnemar < 0.01


def test_swapped_it_says_the_opposite(tmp_path: Path) -> None:
    one, two = run(tmp_path / "1", 0.7, seed=2), run(tmp_path / "2", 0.9, seed=3)
    there, back = compare(one, two), compare(two, one)
    assert there.difference == pytest.approx(-(back.difference or 0))
    assert (there.better, back.better) == ("second", "first")


def test_equal_skill_is_not_told_apart_and_only_shared_images_count(tmp_path: Path) -> None:
    one = run(tmp_path / "1", 0.8, seed=2, order=np.arange(0, 300))
    found = compare(one, run(tmp_path / "2", 0.8, seed=3, order=np.arange(100, 400)))
    assert found.shared == 200
    assert found.better is None
    assert any("do not tell the two apart" in s for s in found.sentences)


def test_lower_is_better_is_turned_round(tmp_path: Path) -> None:
    one = run(tmp_path / "1", 0.6, seed=2, metric="log_loss")
    found = compare(one, run(tmp_path / "2", 0.9, seed=3, metric="log_loss"))
    assert found.difference is not None
    assert found.difference < 0
    assert found.better == "second"
    assert any("lower is better" in s for s in found.sentences)


def test_few_groups_give_no_interval(tmp_path: Path) -> None:
    groups = [f"g{i % 5}" for i in range(400)]
    one = run(tmp_path / "1", 0.6, seed=2, groups=groups)
    found = compare(one, run(tmp_path / "2", 0.9, seed=3))
    assert (found.groups, found.low, found.better, found.mcnemar) == (5, None, None, None)
    assert any("fewer than 10 groups" in s for s in found.sentences)


def test_groups_widen_the_interval(tmp_path: Path) -> None:
    groups = [f"g{i // 10}" for i in range(400)]
    two = run(tmp_path / "2", 0.9, seed=3)
    grouped = compare(run(tmp_path / "1", 0.7, seed=2, groups=groups), two)
    assert grouped.groups == 40
    assert grouped.difference == compare(run(tmp_path / "3", 0.7, seed=2), two).difference


def test_one_run_with_itself(tmp_path: Path) -> None:
    one = run(tmp_path / "1", 0.7, seed=2)
    found = compare(one, one)
    assert (found.difference, found.better) == (0.0, None)


def test_nothing_shared_is_said(tmp_path: Path) -> None:
    one = run(tmp_path / "1", 0.7, seed=2, order=np.arange(0, 200))
    found = compare(one, run(tmp_path / "2", 0.9, seed=3, order=np.arange(200, 400)))
    assert (found.shared, found.difference) == (0, None)
    assert "share no scored image" in found.sentences[-1]


def test_changed_labels_and_data_are_said(tmp_path: Path) -> None:
    one = run(tmp_path / "1", 0.7, seed=2, data_fingerprint="x", kind="test")
    found = compare(one, run(tmp_path / "2", 0.9, seed=3, relabel=7))
    assert found.shared == 393
    words = " ".join(found.sentences)
    assert "7 images have another label" in words
    assert "data changed" in words
    assert "out of fold" in words


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"metric": "macro_f1"}, "--metric accuracy"),
        ({"classes": ("c", "b", "a"), "metric": "accuracy"}, None),
    ],
)
def test_other_metric_is_refused_other_order_is_not(
    tmp_path: Path, changes: dict[str, Any], words: str | None
) -> None:
    one, two = run(tmp_path / "1", 0.7, seed=2), run(tmp_path / "2", 0.7, seed=2, **changes)
    if words is None:
        assert compare(one, two).difference == 0.0
    else:
        with pytest.raises(RunError, match=words):
            compare(one, two)


def test_other_classes_are_named(tmp_path: Path) -> None:
    one, two = run(tmp_path / "1", 0.7, seed=2), run(tmp_path / "2", 0.7, seed=2)
    two.write_result(Result("w", "accuracy", (), classes=("a", "b", "z")))
    with pytest.raises(RunError, match=r"'c'.*'z'"):
        compare(one, two)


def test_other_costs_are_refused(tmp_path: Path) -> None:
    def problem(cost: list[list[int]]) -> dict[str, Any]:
        return {"data": str(tmp_path), "metric": "cost", "cost": cost}

    dear = [[0, 1, 10], [1, 0, 1], [1, 1, 0]]
    cheap = [[0, 1, 1], [1, 0, 1], [1, 1, 0]]
    one = run(tmp_path / "1", 0.7, seed=2, metric="cost", problem=problem(dear))
    with pytest.raises(RunError, match="cost matrices"):
        compare(one, run(tmp_path / "2", 0.7, seed=2, metric="cost", problem=problem(cheap)))
    same = run(tmp_path / "3", 0.9, seed=3, metric="cost", problem=problem(dear))
    assert compare(one, same).better == "second"


# boxes


def boxes(
    path: Path,
    skill: float,
    *,
    seed: int,
    n: int = 60,
    order: NDArray[np.int64] | None = None,
    width: int = 4,
    most: int = 6,
    moved: int = 0,
    **changes: Any,
) -> RunFolder:
    """A detection run: up to four objects an image (truth has `width` rows), each found by `skill`."""
    fixed, rng = np.random.default_rng(1), np.random.default_rng(seed)
    truth, scores = np.zeros((n, width, 6)), np.zeros((n, most, 6))
    truth[:, :, 4] = scores[:, :, 5] = -1
    for i in range(n):
        for k in range(int(fixed.integers(0, 5))):
            x, y = fixed.uniform(0, 100, 2)
            truth[i, k] = x, y, x + 20, y + 20, k % 3, 0
            if rng.random() < skill:
                scores[i, k] = x, y, x + 20, y + 20, rng.uniform(0.3, 1), k % 3
    truth[:moved, 0, :4] += 5
    kept = np.arange(n) if order is None else order
    folder = RunFolder.create(path)
    fields = {"estimate": skill, "low": skill - 0.05, "high": skill + 0.05, "classes": CLASSES, **changes}
    told: dict[str, Any] = {
        "winner": "w",
        "metric": "mAP50",
        "leaderboard": (),
        "problem": {"task": "detect"},
    }
    folder.write_result(Result(**{**told, **fields}))
    stored = {"truth": truth[kept], "scores": scores[kept], "task": np.array("detect")}
    paths = np.array([f"{i}.jpg" for i in kept])
    folder.write_arrays("answers.npz", {"paths": paths, **stored, "kind": np.array("test")})
    return folder


def test_boxes_are_paired_by_path(tmp_path: Path) -> None:
    one, two = boxes(tmp_path / "1", 0.5, seed=2), boxes(tmp_path / "2", 0.95, seed=3)
    plain = compare(one, two)
    assert (plain.shared, plain.better, plain.mcnemar) == (60, "second", None)
    shuffled = np.random.default_rng(0).permutation(60)
    mixed = compare(one, boxes(tmp_path / "3", 0.95, seed=3, order=shuffled))
    assert mixed.difference == pytest.approx(plain.difference)
    assert compare(one, one).difference == 0


def test_boxes_padded_to_other_widths_are_the_same(tmp_path: Path) -> None:
    one, two = boxes(tmp_path / "1", 0.5, seed=2), boxes(tmp_path / "2", 0.95, seed=3)
    wide = boxes(tmp_path / "3", 0.95, seed=3, width=7, most=20)
    plain = compare(one, two)
    for found in (compare(one, wide), compare(wide, one)):
        assert found.shared == 60
        assert abs(found.difference or 0) == pytest.approx(plain.difference)


def test_moved_boxes_are_another_truth(tmp_path: Path) -> None:
    one = boxes(tmp_path / "1", 0.9, seed=2)
    found = compare(one, boxes(tmp_path / "2", 0.9, seed=2, moved=9))
    assert found.shared == 51
    assert any("9 images have another label" in s for s in found.sentences)


def test_an_object_more_is_not_taken_for_padding(tmp_path: Path) -> None:
    one, two = boxes(tmp_path / "1", 0.9, seed=2, n=40), boxes(tmp_path / "2", 0.9, seed=2, n=40, width=5)
    stored = two.read_arrays("answers.npz")
    stored["truth"][0, 4] = 1, 1, 9, 9, 0, 0
    two.write_arrays("answers.npz", stored)
    assert compare(one, two).shared == 39


def test_boxes_whose_classes_are_numbered_otherwise_are_refused(tmp_path: Path) -> None:
    one = boxes(tmp_path / "1", 0.9, seed=2)
    with pytest.raises(RunError, match="order"):
        compare(one, boxes(tmp_path / "2", 0.9, seed=2, classes=("c", "a", "b")))


def test_boxes_and_classes_are_not_compared(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="task"):
        compare(run(tmp_path / "1", 0.7, seed=2), boxes(tmp_path / "2", 0.9, seed=2))
