"""Leakage: pictures and groups on both sides of a given split, told from the side that judges."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from objectif.data.load import load
from objectif.health.leakage import leakage

from .conftest import in_memory, scene

SCENES = [scene(i, i % 3) for i in range(40)]
LABELS = [i % 3 for i in range(40)]


def test_planted_copies_are_found_and_point_from_test_to_train() -> None:
    pictures = [*SCENES, SCENES[0], SCENES[5], SCENES[1]]
    splits = ["train"] * 30 + ["test"] * 10 + ["test", "val", "train"]
    found = leakage(in_memory(pictures, [*LABELS, 0, 2, 1], splits=splits))
    assert found.same == ((40, 0), (41, 5))  # the copy inside train is no leak
    assert found.pairs == found.same
    assert bool(found)
    assert np.flatnonzero(found.leaked()).tolist() == [40, 41]
    assert found.sentence.startswith("2 images of test and val are the same pictures")
    assert "box.npz#40 = box.npz#0" in found.sentence


def test_test_leaks_from_val_too() -> None:
    splits = ["train"] * 20 + ["val"] * 10 + ["test"] * 10 + ["test"]
    found = leakage(in_memory([*SCENES, SCENES[25]], [*LABELS, 1], splits=splits))
    assert found.same == ((40, 25),)


def test_a_pair_across_folds_is_told_once() -> None:
    splits = [f"fold{i % 4}" for i in range(40)] + ["fold3"]
    found = leakage(in_memory([*SCENES, SCENES[0]], [*LABELS, 0], splits=splits))
    assert found.same == ((40, 0),)
    assert found.judges == 41


def test_near_duplicates_are_apart_from_same_pictures() -> None:
    darker = np.clip(SCENES[3].astype(int) - 12, 0, 255).astype(np.uint8)
    splits = ["train"] * 30 + ["test"] * 10 + ["test"]
    found = leakage(in_memory([*SCENES, darker], [*LABELS, 0], splits=splits))
    assert found.same == ()
    assert found.near == ((40, 3),)
    assert not found
    assert found.sentence == ""


def test_divided_groups_are_named() -> None:
    groups = [f"patient{i // 4}" for i in range(40)]
    splits = ["train"] * 30 + ["test"] * 10  # patient 7 has two images on each side
    assert leakage(in_memory(SCENES, LABELS, splits=splits, groups=groups)).groups == ("patient7",)


def test_without_given_splits_nothing_leaks() -> None:
    found = leakage(in_memory([*SCENES, SCENES[0]], [*LABELS, 0]))
    assert (found.same, found.near, found.groups) == ((), (), ())


def test_real_slices_of_testing_that_are_in_training(shared: Callable[..., Path]) -> None:
    dataset = load(shared("brain_mri"))
    found = leakage(dataset)
    assert len(found.same) >= 8
    for row, partner in found.same:
        assert dataset.samples[row].path.startswith("Testing/")
        assert dataset.samples[partner].path.startswith("Training/")
