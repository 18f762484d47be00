"""Tiles cover a picture, overlap by a quarter, and each place of the picture is one tile's to answer for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from objectif.errors import InputError
from objectif.images.prepare import FITS, Fit, Preparation, placement
from objectif.images.tiles import cut_off, grid, owned, tile_size

SIDE = st.integers(1, 400)


@given(SIDE, SIDE, st.integers(8, 120), st.integers(8, 120))
@settings(max_examples=150, deadline=None)
def test_cores_are_disjoint_and_cover_the_picture(height: int, width: int, high: int, wide: int) -> None:
    seen = np.zeros((height, width), np.int64)
    tiles = grid(height, width, (high, wide))
    for tile in tiles:
        part = tile.cut(seen)
        assert part.shape == (min(high, height), min(wide, width))
        assert 0 <= tile.left < tile.right <= width
        assert 0 <= tile.top < tile.bottom <= height
        x1, y1, x2, y2 = tile.core
        assert tile.left <= x1 < x2 <= tile.right
        assert tile.top <= y1 < y2 <= tile.bottom
        rows, columns = np.arange(height) + 0.25, np.arange(width) + 0.25
        seen[np.ix_((rows > y1) & (rows < y2), (columns > x1) & (columns < x2))] += 1
    assert (seen == 1).all()


@given(st.integers(100, 400), st.integers(20, 90))
@settings(max_examples=60, deadline=None)
def test_an_object_up_to_a_quarter_of_a_tile_stands_whole_in_the_tile_that_owns_it(
    length: int, size: int
) -> None:
    tiles, object_side = grid(size, length, (size, size)), size // 4 - 1
    for x in range(length - object_side):
        box = np.array([[x, 0, x + object_side, size]], float)
        holders = [t for t in tiles if owned(box, t)[0]]
        assert holders
        assert all(t.left <= x and x + object_side <= t.right for t in holders)


def test_the_grid_is_fixed_but_for_the_last_tile() -> None:
    lefts = [tile.left for tile in grid(100, 1000, (100, 100))]
    assert lefts == [*range(0, 900, 75), 900]
    assert [tile.left for tile in grid(100, 1037, (100, 100))][:12] == lefts[:12]


@given(SIDE, st.integers(32, 400), st.integers(1, 200))
@settings(max_examples=100, deadline=None)
def test_tiles_begin_at_whole_cells_and_overlap_no_less(length: int, size: int, unit: int) -> None:
    tiles = grid(length, length, (size, size), unit=(unit, unit))
    plain = grid(length, length, (size, size))
    lefts = [tile.left for tile in tiles if tile.top == 0]
    assert len(tiles) >= len(plain)
    assert (tiles[-1].right, tiles[-1].bottom) == (length, length)
    if unit <= round(min(size, length) * 0.75):
        assert all(left % unit == 0 for left in lefts[:-1])


@pytest.mark.parametrize("fit", FITS)
def test_a_tile_knows_where_the_whole_picture_lies(fit: Fit) -> None:
    preparation = Preparation(64, 96, fit=fit)
    for tile in grid(500, 700, (200, 240)):
        whole = tile.placement(500, 700, preparation)
        part = placement(200, 240, preparation)
        corners = np.array([[tile.left, tile.top, tile.right, tile.bottom]], float)
        np.testing.assert_allclose(whole.forth(corners), part.forth(np.array([[0, 0, 240, 200]])))
        np.testing.assert_allclose(whole.back(whole.forth(corners)), corners)


def test_what_is_cut_by_a_tile_is_known_but_not_at_the_edge_of_the_picture() -> None:
    first, second = grid(50, 80, (50, 50))
    boxes = np.array([[0, 0, 20, 50], [35, 5, 50, 9], [30, 5, 49, 9], [35, 5, 44, 9]], float)
    assert cut_off(boxes, first, 50, 80, near=1.5).tolist() == [False, True, True, False]
    assert cut_off(boxes + np.array([30, 0, 30, 0]), second, 50, 80, near=1.5).tolist() == [
        True,
        False,
        False,
        False,
    ]


def test_only_pictures_larger_on_both_sides_are_cut_and_those_that_somebody_asked_for() -> None:
    preparation, reference = Preparation(320, 320), (480, 640)
    assert tile_size(9000, 12000, preparation, reference, "auto") == (480, 640)
    for height, width in ((960, 1281), (961, 1280), (480, 640), (300, 20000)):
        assert tile_size(height, width, preparation, reference, "auto") is None
    assert tile_size(9000, 12000, preparation, None, "auto") is None
    assert tile_size(9000, 12000, preparation, reference, "off") is None
    assert tile_size(9000, 12000, preparation, reference, 1000) == (750, 1000)
    assert tile_size(500, 700, Preparation(160, 320), None, 320) == (160, 320)
    assert tile_size(500, 700, preparation, None, 700) is None


@pytest.mark.parametrize("rule", [0, 31, -5, True, "on", "640"])
def test_a_rule_that_makes_no_sense_is_refused(rule: object) -> None:
    with pytest.raises(InputError, match=r"expected auto, off, or at least 32"):
        tile_size(500, 700, Preparation(32, 32), None, rule)  # type: ignore[arg-type]
