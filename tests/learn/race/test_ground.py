"""What is said before a race begins, of the data that it is to be run on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")

from objectif.learn.race.ground import survey
from objectif.problem import Problem


def test_masks_that_lie_turned_are_told_and_nothing_is_turned_without_being_asked(tmp_path: Path) -> None:
    root = tmp_path / "field"
    for part in ("images", "masks"):
        (root / part).mkdir(parents=True)
    for k in range(10):
        mask = np.zeros((64, 80), np.uint8)
        mask[4:24, 4 + k : 28] = 1
        picture = np.random.default_rng(k).integers(0, 60, (64, 80, 3)) + 150 * mask[:, :, None]
        Image.fromarray(picture.astype(np.uint8)).save(root / f"images/{k}.png")
        Image.fromarray(np.rot90(mask, 2).copy()).save(root / f"masks/{k}.png")
    (root / "classes.txt").write_text("0 background\n1 crop\n")
    ground = survey(Problem(root), tmp_path)
    assert ground.dataset.turned == 0
    assert any("Masks do not lie" in note and "`--turn-masks 180`" in note for note in ground.notes)
    mended = survey(Problem(root, turn_masks=180), tmp_path)
    assert mended.dataset.turned == 180 and not any("Masks do not lie" in note for note in mended.notes)
