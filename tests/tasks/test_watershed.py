"""Objects from classes and depths: what touches is parted where it is thin, what is apart stays apart."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from objectif.tasks import watershed
from objectif.tasks.watershed import DEEPEST, depth_of_shape, objects


def discs(centres: list[tuple[int, int]], radius: int = 12) -> NDArray[np.uint8]:
    mask = np.zeros((96, 128), np.uint8)
    for x, y in centres:
        cv2.circle(mask, (x, y), radius, 1, -1)
    return mask


def test_touching_discs_are_two_objects_and_share_all_pixels() -> None:
    mask = discs([(30, 40), (52, 40)])
    found = objects(mask, depth_of_shape(mask), 150, 1)
    assert found.max() == 2
    assert ((found > 0) == (mask > 0)).all()
    assert found[40, 30] != found[40, 52]
    sizes = np.bincount(found.ravel())[1:]
    assert sizes.min() > 0.45 * sizes.sum()


def test_a_high_seed_parts_more_than_a_low_one() -> None:
    mask = discs([(30, 40), (46, 40)])
    depth = depth_of_shape(mask)
    assert objects(mask, depth, 1, 1).max() == 1
    assert objects(mask, depth, 250, 1).max() >= 1


def test_an_island_without_a_seed_is_one_object() -> None:
    mask = discs([(30, 40), (100, 60)])
    depth = depth_of_shape(mask)
    depth[:, 64:] = 3
    assert objects(mask, depth, 100, 1).max() == 2


def test_small_objects_go_and_numbers_have_no_gaps() -> None:
    mask = discs([(30, 40), (100, 60)])
    mask[5:7, 5:7] = 1
    found = objects(mask, depth_of_shape(mask), 100, 10)
    assert sorted(np.unique(found)) == [0, 1, 2]
    assert not found[5:7, 5:7].any()


def test_depth_is_deepest_in_the_middle_and_none_outside() -> None:
    mask = discs([(40, 40)])
    depth = depth_of_shape(mask)
    assert depth[40, 40] == DEEPEST
    assert not depth[mask == 0].any()


def test_objects_of_two_classes_that_touch_are_two() -> None:
    classes = np.zeros((40, 80), np.uint8)
    classes[10:30, 10:40], classes[10:30, 40:70] = 1, 2
    for depth in (None, np.full((40, 80), 200, np.uint8)):
        found = objects(classes, depth, 100, 1)
        assert found.max() == 2
        assert len(np.unique(found[classes == 1])) == len(np.unique(found[classes == 2])) == 1


@given(st.integers(0, 10_000), st.integers(1, 254), st.booleans())
@settings(max_examples=25, deadline=None)
def test_a_large_picture_is_flooded_as_a_small_one(seed: int, deep: int, told: bool) -> None:
    rng = np.random.default_rng(seed)
    mask = discs([(int(x), int(y)) for x, y in rng.integers(8, 88, (9, 2))], 9)
    depth = depth_of_shape(mask)
    with pytest.MonkeyPatch.context() as patch:
        given = depth if told else None
        whole = objects(mask, given, deep, 1)
        patch.setattr(watershed, "_WHOLE", 1)
        parts = objects(mask, given, deep, 1)
    assert whole.max() == parts.max()
    assert ((whole > 0) == (parts > 0)).all()
    same = np.unique(np.stack([whole.ravel(), parts.ravel()]), axis=1)
    assert same.shape[1] <= whole.max() + 1 + 4  # a pixel on a border may fall to either side
