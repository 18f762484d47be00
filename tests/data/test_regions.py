"""Where the objects of a class are: of boxes, of masks, of defects of any kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from objectif.data.dataset import Box, Dataset, Legend, MaskSource, Sample
from objectif.data.regions import region, tells_places


def of(tmp_path: Path, classes: tuple[str, ...], good: int | None = None, **sample: object) -> Dataset:
    file = tmp_path / "a.png"
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(file)
    one = Sample("a.png", file, (1,), **sample)  # type: ignore[arg-type]
    legend = Legend("binary") if "mask" in sample else None
    return Dataset("d", tmp_path, "t", classes, (one,), legend=legend, good=good)


def test_boxes_of_the_class_alone_cut_at_the_edges(tmp_path: Path) -> None:
    boxes = (Box(2, 3, 6, 8, 1), Box(25, 15, 40, 30, 1), Box(10, 10, 12, 12, 0))
    data = of(tmp_path, ("a", "b", "c"), boxes=boxes)
    found = region(data, 0, 1)
    assert tells_places(data)
    assert found is not None
    assert found.shape == (20, 30)
    assert found.sum() == 4 * 5 + 5 * 5
    assert found[3:8, 2:6].all()
    assert region(data, 0, 2) is None, "none of the class is there"


def test_a_mask_of_a_defect_is_of_its_kind_whatever_that_is(tmp_path: Path) -> None:
    mask = np.zeros((20, 30), np.uint8)
    mask[5:9, 4:8] = 255
    Image.fromarray(mask).save(tmp_path / "m.png")
    data = of(tmp_path, ("good", "crack", "hole"), good=0, mask=MaskSource(tmp_path / "m.png"))
    for kind in (1, 2):
        found = region(data, 0, kind)
        assert found is not None
        assert found.sum() == 16
    assert region(data, 0, 0) is None


def test_nothing_says_where_things_are(tmp_path: Path) -> None:
    data = of(tmp_path, ("a", "b"))
    assert not tells_places(data)
    assert region(data, 0, 1) is None
