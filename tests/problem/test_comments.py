"""What the comments of problem.toml say about data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from objectif.data.dataset import Dataset, Sample
from objectif.problem import Problem, comments


@pytest.fixture
def numbers(tmp_path: Path) -> Dataset:
    """Twelve classes in an array container of 6 x 9 pixels: two images of the first, four of each other."""
    file = tmp_path / "digits.npz"
    labels = [0] * 2 + [k for k in range(1, 12) for _ in range(4)]
    samples = tuple(Sample(f"digits.npz#{i}", file, (k,), item=i) for i, k in enumerate(labels))
    classes = tuple(f"c{k:02}" for k in range(12))
    return Dataset("digits", file, "npz", classes, samples, arrays={file: np.zeros((46, 6, 9), np.uint8)})


def says(dataset: Dataset, **options: object) -> str:
    """The whole file, comments joined to one line."""
    text = comments.text(Problem(dataset.root, **options), Path("/"), dataset)  # type: ignore[arg-type]
    return text.replace("\n# ", " ")


def test_counts_and_sizes(numbers: Dataset) -> None:
    text = says(numbers)
    assert "46 images in 12 classes; smallest c00 with 2, largest c11 with 4." in text
    assert "Size: 9 x 6 pixels." in text
    assert "Found: npz." in text


def test_what_cannot_be_used_is_told(numbers: Dataset) -> None:
    text = says(replace(numbers, problems={"a.jpg": "truncated", "b.jpg": "empty", "c.jpg": "empty"}))
    assert "Left out: a.jpg (truncated), and 2 others." in text


def test_groups_and_given_splits(numbers: Dataset) -> None:
    parted = [
        replace(s, group=f"g{i // 2}", split="test" if i % 2 else "train")
        for i, s in enumerate(numbers.samples)
    ]
    text = says(replace(numbers, samples=tuple(parted)))
    assert "23 groups; the largest has 2 images." in text
    assert "Given: test 23, train 23." in text


def test_notes_stand_under_the_key_that_they_explain(numbers: Dataset) -> None:
    notes = ("layout 'npz': digits.npz", "splits from lists/group: test 3", "groups by 'x': 3 groups")
    blocks = comments.text(Problem("x"), Path("/"), replace(numbers, notes=notes)).split("\n\n")
    for key, word in (("format", "Layout 'npz'"), ("splits", "Splits from"), ("group", "Groups by")):
        assert word in next(b for b in blocks if f"\n{key} = " in b)


def test_uneven_classes_question_accuracy(numbers: Dataset) -> None:
    assert "balanced_accuracy" not in says(numbers)
    uneven = replace(numbers, samples=numbers.samples[1:])
    assert "balanced_accuracy" in says(uneven)


def test_several_labels_an_image(numbers: Dataset) -> None:
    both = tuple(replace(s, labels=(0, 1)) for s in numbers.samples)
    text = says(replace(numbers, samples=both, multilabel=True), metric="average_precision")
    assert "46 images with any number of the 12 classes" in text
    assert "Always answering" not in text


def test_data_that_cannot_be_split_are_told_not_raised(numbers: Dataset) -> None:
    alone = replace(numbers, samples=numbers.samples[:1], classes=("c00",))
    assert "cannot be split" in says(alone)
