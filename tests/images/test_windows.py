"""Windows lie on one grid of whole cells, see a margin beyond what they answer for, and agree wherever they are cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from objectif.images.prepare import Placement, Preparation, placement, prepare
from objectif.images.tiles import Tile
from objectif.images.windows import CELL, step, windows

SIDE, SCALE = st.integers(1, 3000), st.floats(0.1, 4.0)


@given(SIDE, SIDE, SCALE, SCALE)
@settings(max_examples=100, deadline=None)
def test_cores_are_disjoint_and_cover_the_picture(height: int, width: int, x: float, y: float) -> None:
    seen = np.zeros((height, width), np.uint8)
    for tile in windows(height, width, Placement(1, 1, x, y), margin=64, longest=320):
        x1, y1, x2, y2 = (int(v) for v in tile.core)
        assert tile.left <= x1 < x2 <= tile.right
        assert tile.top <= y1 < y2 <= tile.bottom
        seen[y1:y2, x1:x2] += 1
    assert (seen == 1).all()


@given(st.integers(200, 3000), SCALE)
@settings(max_examples=100, deadline=None)
def test_windows_begin_on_the_grid_at_one_scale_with_a_margin(length: int, scale: float) -> None:
    pixels, prepared = step(scale)
    for tile in windows(length, length, Placement(1, 1, scale, scale), margin=64, longest=640):
        assert tile.size is not None
        assert tile.left % pixels == 0
        assert tile.size[1] % CELL == 0
        assert tile.size[1] * pixels == (tile.right - tile.left) * prepared
        assert tile.right - length < pixels
        x1, _, x2, _ = tile.core
        assert tile.left == 0 or (x1 - tile.left) / pixels * prepared >= 64
        assert tile.right >= length or (tile.right - x2) / pixels * prepared >= 64


@given(SCALE)
@settings(max_examples=200, deadline=None)
def test_the_scale_is_kept(scale: float) -> None:
    pixels, prepared = step(scale)
    assert prepared / pixels == pytest.approx(scale, rel=0.02)


def test_the_picture_is_resized_alike_in_all_windows() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (700, 900, 3), dtype=np.uint8)
    place = placement(360, 480, Preparation(192, 256, fit="pad"))
    per, prepared = step(place.scale_x)
    whole = np.full((2000, 2000, 3), -1, np.int16)
    for tile in windows(700, 900, place, margin=32, longest=160):
        part = prepare(tile.cut(pixels), tile.part(Preparation(192, 256, fit="pad")))
        assert part.shape[:2] == tile.size
        top, left = tile.top // per * prepared, tile.left // per * prepared
        there = whole[top : top + part.shape[0], left : left + part.shape[1]]
        assert np.abs(there - part)[there >= 0].max(initial=0) <= 1
        there[:] = part


def test_beyond_the_picture_it_is_mirrored() -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4, 1)
    part = Tile(2, 1, 6, 4, (2, 1, 4, 3)).cut(pixels)
    assert part[:, :, 0].tolist() == [[6, 7, 7, 6], [10, 11, 11, 10], [10, 11, 11, 10]]


def answered(
    pixels: np.ndarray[Any, Any], place: Placement, reach: int, margin: int, longest: int
) -> np.ndarray[Any, Any]:
    """What windows answer of a picture by a network that sees `reach` pixels far, and zeros beyond a window's side."""
    found = np.zeros(pixels.shape[:2], np.float32)
    for tile in windows(*pixels.shape[:2], place, margin=margin, longest=longest):
        part = prepare(tile.cut(pixels), tile.part(Preparation(64, 64))).astype(np.float32)[:, :, 0]
        blurred = cv2.blur(part, (2 * reach + 1, 2 * reach + 1), borderType=cv2.BORDER_CONSTANT)
        back = cv2.resize(blurred, (tile.right - tile.left, tile.bottom - tile.top))
        x1, y1, x2, y2 = (int(v) for v in tile.core)
        found[y1:y2, x1:x2] = back[y1 - tile.top : y2 - tile.top, x1 - tile.left : x2 - tile.left]
    return found


@given(st.integers(330, 700), st.integers(330, 700), st.sampled_from([0.5, 1.0, 1.7]))
@settings(max_examples=15, deadline=None)
def test_windows_answer_as_the_whole_does_where_the_margin_is_as_far_as_the_network_sees(
    height: int, width: int, scale: float
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 1), dtype=np.uint8)
    place = Placement(1, 1, scale, scale)
    whole = answered(pixels, place, 20, 64, 10_000)
    assert np.abs(answered(pixels, place, 20, 64, 320) - whole).max() < 2
    assert np.abs(answered(pixels, place, 20, 0, 320) - whole).max() > 5 or max(height, width) * scale <= 320


def test_a_shift_of_the_tiles_by_any_number_of_cells_changes_nothing() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (600, 700, 1), dtype=np.uint8)
    place = Placement(1, 1, 1.0, 1.0)
    whole = answered(pixels, place, 20, 64, 320)
    for cells in (1, 2, 3, 7):
        by = cells * CELL
        part = answered(pixels[by:, by:], place, 20, 64, 320)
        assert np.abs(part[21:, 21:] - whole[by + 21 :, by + 21 :]).max() < 1e-3


@pytest.mark.parametrize("size", [(129, 129), (150, 300), (1500, 1400)])
def test_a_network_of_any_size_answers_in_windows_as_whole(
    regions: Callable[..., Any], rectangles: Any, size: tuple[int, int]
) -> None:
    import onnx

    from objectif.run.predictor import Predictor

    solution = regions(side=64, reference=(64, 64))
    graph = onnx.load_from_string(solution.networks["fp32"])
    for value in (graph.graph.input[0], *list(graph.graph.output)[:2]):
        for axis, name in ((1, "height"), (2, "width")):
            value.type.tensor_type.shape.dim[axis].dim_param = name
    opened = regions(side=64, reference=(64, 64), networks={"fp32": graph.SerializeToString()})
    pixels, _ = rectangles(*size, 3)
    [tiled] = Predictor(opened).predict([pixels])
    [fixed] = Predictor(solution).predict([pixels])
    assert tiled.labels.shape == size
    assert np.array_equal(tiled.labels, fixed.labels)
