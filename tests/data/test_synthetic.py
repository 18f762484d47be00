"""Made-up defects: where they are and where they are not, together with their source, the same by seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from objectif.data.dataset import Dataset
from objectif.data.load import load
from objectif.data.masks import read_mask
from objectif.data.pixels import read
from objectif.data.synthetic import KIND, lacks_defects, with_defects


@pytest.fixture
def good(tmp_path: Path) -> Dataset:
    (tmp_path / "data").mkdir()
    for k in range(6):
        pixels = np.random.default_rng(k).integers(100, 130, (40 + 7 * k, 60, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "data" / f"{k}.png")
    return load(tmp_path / "data", task="anomaly")


def test_each_good_picture_has_a_copy_in_its_group(good: Dataset, tmp_path: Path) -> None:
    assert lacks_defects(good)
    both = with_defects(good, tmp_path / "synthetic")
    assert not lacks_defects(both)
    assert both.classes == ("good", KIND)
    assert [s.group for s in both.samples[:6]] == [s.group for s in both.samples[6:]]
    assert any("made up" in note for note in both.notes)
    for row in range(6):
        mask, before, after = read_mask(both, row + 6) > 0, read(both, row), read(both, row + 6)
        assert before.shape == after.shape
        changed = (before != after).any(axis=2)
        assert 0 < mask.mean() < 0.3
        assert changed[mask].mean() > 0.5
        assert changed[~mask].mean() < 0.3


def test_the_same_by_seed(good: Dataset, tmp_path: Path) -> None:
    one, other, third = (
        with_defects(good, tmp_path / name, seed) for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    for row in range(6, 12):
        assert np.array_equal(read(one, row), read(other, row))
    assert any(not np.array_equal(read(one, row), read(third, row)) for row in range(6, 12))


def test_constant_and_tiny_pictures_get_one_too(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for k in range(6):
        Image.fromarray(np.full((4 + k, 5, 3), 0, np.uint8)).save(tmp_path / "data" / f"{k}.png")
    both = with_defects(load(tmp_path / "data", task="anomaly"), tmp_path / "synthetic")
    assert len(both) == 12
    assert all((read_mask(both, row) > 0).any() for row in range(6, 12))
