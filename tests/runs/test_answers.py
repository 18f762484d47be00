"""Answers of any task are read back as they were written; what does not fit together is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from objectif.errors import RunError
from objectif.runs.answers import read
from objectif.runs.folder import RunFolder

PATHS = np.array(["a.jpg", "b.jpg", "c.jpg"])
BOXES = {"truth": np.zeros((3, 2, 6)), "scores": np.zeros((3, 100, 6), np.float32)}


def folder(path: Path, **arrays: Any) -> RunFolder:
    run = RunFolder.create(path / "run")
    run.write_arrays("answers.npz", {"paths": PATHS, **{k: np.asarray(v) for k, v in arrays.items()}})
    return run


def test_what_says_no_task_is_of_classes(tmp_path: Path) -> None:
    found = read(folder(tmp_path, truth=[0, 1, 1], scores=np.eye(3)[:, :2]))
    assert (found.task, found.kind, found.decoding) == ("classify", "out-of-fold", None)
    assert found.labelled
    assert not found.multilabel


def test_several_labels(tmp_path: Path) -> None:
    found = read(folder(tmp_path, truth=np.eye(3, dtype=int), scores=np.full((3, 3), 0.5)))
    assert found.labelled
    assert found.multilabel


def test_boxes_keep_their_shape_and_decoding(tmp_path: Path) -> None:
    found = read(folder(tmp_path, **BOXES, task="detect", decoding='{"nms": 0.6}', kind="test"))
    assert (found.truth.shape, found.scores.shape) == ((3, 2, 6), (3, 100, 6))
    assert (found.task, found.kind, found.decoding) == ("detect", "test", {"nms": 0.6})
    assert found.truth.dtype == np.float64
    assert not found.labelled
    assert not found.multilabel
    assert len(found) == 3


def test_numbers_to_be_told_and_maps_of_classes_are_no_labels(tmp_path: Path) -> None:
    assert not read(folder(tmp_path, truth=np.zeros(3), scores=np.zeros((3, 1)), task="regress")).labelled
    maps = {"truth": np.zeros((3, 4, 5), int), "scores": np.zeros((3, 2, 4, 5))}
    assert not read(folder(tmp_path / "maps", **maps, task="segment")).labelled


@pytest.mark.parametrize(
    "arrays",
    [
        {"truth": [0, 1], "scores": np.zeros((3, 2))},
        {"truth": [0, 1, 1], "scores": np.zeros(3)},
        {"truth": np.zeros((3, 4), int), "scores": np.zeros((3, 2))},
        {"truth": np.zeros((2, 2, 6)), "scores": np.zeros((3, 9, 6))},
        {"truth": 1, "scores": np.zeros((3, 2))},
        {"truth": ["x", "y", "z"], "scores": np.zeros((3, 2))},
        {"truth": [0, 1, 1]},
        {**BOXES, "decoding": "{"},
        {**BOXES, "decoding": "[1]"},
    ],
)
def test_what_does_not_fit_is_refused_with_the_file_and_a_remedy(
    tmp_path: Path, arrays: dict[str, Any]
) -> None:
    with pytest.raises(RunError, match=r"answers\.npz.*solve"):
        read(folder(tmp_path, **arrays))
