"""Counts: every readable image once, by class and split; what is odd is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from objectif.data.dataset import Dataset
from objectif.data.load import load
from objectif.health.counts import counts
from objectif.health.looks import look

from .conftest import in_memory, scene, write


def test_images_by_class_and_split() -> None:
    splits = ["test", "train", "val", "train", "train", "train"]
    dataset = in_memory([scene(i) for i in range(6)], [0, 0, 1, 1, 1, 1], splits=splits)
    found = counts(dataset, look(dataset))
    assert found.splits == ("train", "val", "test")
    assert found.by_class == {
        "disc": {"test": 1, "train": 1, "val": 0},
        "bars": {"test": 0, "train": 3, "val": 1},
    }
    assert found.totals() == {"disc": 2, "bars": 4}
    assert found.imbalance == 2.0


def test_images_of_several_labels_count_in_each() -> None:
    dataset = in_memory([scene(i) for i in range(3)], [(0, 1), (1,), ()], multilabel=True)
    assert counts(dataset, look(dataset)).totals() == {"disc": 1, "bars": 2}


def test_unreadable_images_are_named_and_not_usable(folder: Callable[..., Path]) -> None:
    root = folder(4)
    (root / "class0" / "0.jpg").write_bytes(b"")
    dataset = load(root)
    found = counts(dataset, look(dataset))
    assert (found.images, found.usable) == (8, 7)
    assert sum(found.totals().values()) == 7


def test_blank_pictures_sizes_and_types_are_told(tmp_path: Path) -> None:
    for i in range(4):
        write(tmp_path / "a" / f"{i}.jpg", scene(i, side=80))
        write(tmp_path / "b" / f"{i}.png", scene(i, side=64 + 16 * i))
    write(tmp_path / "b" / "black.png", np.zeros((64, 64, 3), np.uint8))
    dataset = load(tmp_path)
    found = counts(dataset, look(dataset))
    assert found.blank == ("b/black.png",)
    assert found.types == {"PNG": 5, "JPEG": 4}
    assert (found.sizes.smallest, found.sizes.largest, found.sizes.different) == ((64, 64), (112, 112), 4)


def test_groups_are_counted(clean: Dataset) -> None:
    dataset = in_memory([scene(i) for i in range(4)], [0] * 4, groups=["p", "p", None, "q"])
    assert counts(dataset, look(dataset)).groups == 3
    assert counts(clean, look(clean)).groups is None
