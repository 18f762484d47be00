"""An outline filled is the mask it came from; polygons are valid; runs are those of COCO."""

from __future__ import annotations

import json
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from objectif.answers import Masks
from objectif.data.outlines import geometry, rle
from objectif.data.pieces import pieces
from objectif.data.rle import decode, encode
from objectif.metrics.masks import packed
from objectif.run.outlines import AXES, geojson

small = arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 2))
CLASSES = ("background", "cell", "dust")


def filled(polygons: list[list[list[list[int]]]], height: int, width: int) -> np.ndarray:
    """How many polygons hold the centre of each pixel: crossings of all rings to the left of it, even or odd."""
    total = np.zeros((height, width), np.int64)
    for polygon in polygons:
        crossed = np.zeros((height, width), np.int64)
        for ring in polygon:
            for (x1, y1), (x2, y2) in pairwise(ring):
                if x1 == x2:
                    crossed[min(y1, y2) : max(y1, y2), x1:] += 1
        total += crossed % 2
    return total


def polygons(told: dict) -> list[list[list[list[int]]]]:
    return [told["coordinates"]] if told["type"] == "Polygon" else told["coordinates"]


def twice_area(ring: list[list[int]]) -> int:
    x, y = np.array(ring).T
    return int((x[:-1] * y[1:] - x[1:] * y[:-1]).sum())


@given(small)
def test_outlines_filled_are_the_mask_and_runs_are_those_of_the_whole(mask: np.ndarray) -> None:
    height, width = mask.shape
    for piece in pieces(Masks("a", CLASSES, mask)):
        whole = np.zeros(mask.shape, np.bool_)
        high, wide = piece.mask.shape
        whole[piece.top : piece.top + high, piece.left : piece.left + wide] = piece.mask
        assert np.array_equal(filled(polygons(geometry(piece)), height, width), whole)
        assert rle(piece, height, width) == encode(whole)
        assert np.array_equal(decode(rle(piece, height, width)), whole)


@given(small)
def test_polygons_are_simple_closed_and_turn_the_right_way(mask: np.ndarray) -> None:
    for piece in pieces(Masks("a", CLASSES, mask)):
        for outer, *holes in polygons(geometry(piece)):
            for ring in (outer, *holes):
                corners = [tuple(point) for point in ring]
                assert corners[0] == corners[-1]
                assert len(set(corners)) == len(corners) - 1 >= 4  # no corner is passed twice
                sides = np.abs(np.diff(ring, axis=0))
                assert ((sides == 0).sum(axis=1) == 1).all()
                assert (
                    np.diff((sides[:, 0] == 0).astype(int)) != 0
                ).all()  # and none lies on a straight line
            assert twice_area(outer) > 0
            assert all(twice_area(hole) < 0 for hole in holes)


def test_objects_of_numbers_may_lie_apart_and_holes_may_touch() -> None:
    mask = np.array([[1, 0, 1], [0, 0, 0], [1, 1, 1]], np.uint32)
    [piece] = pieces(Masks("a", CLASSES, packed(mask, mask * 7)))
    assert piece.number == 7
    told = geometry(piece)
    assert (told["type"], len(told["coordinates"])) == ("MultiPolygon", 3)
    ring = np.array([[1, 1, 1, 1], [1, 0, 1, 0], [1, 1, 0, 1], [1, 1, 1, 1]], np.uint8)
    [piece] = pieces(Masks("a", CLASSES, ring))
    assert np.array_equal(filled(polygons(geometry(piece)), 4, 4), ring)


def test_the_file_says_what_its_numbers_are() -> None:
    mask = np.zeros((6, 8), np.uint8)
    mask[1:3, 2:5], mask[4, 4] = 1, 2
    told = json.loads(b"".join(geojson(Masks("plate/ä.png", CLASSES, mask))))
    assert told["type"] == "FeatureCollection"
    assert (told["path"], told["width"], told["height"], told["coordinates"]) == ("plate/ä.png", 8, 6, AXES)
    first, second = told["features"]
    assert first["geometry"]["coordinates"] == [[[2, 1], [5, 1], [5, 3], [2, 3], [2, 1]]]
    assert (first["properties"]["label"], first["properties"]["area"]) == ("cell", 6)
    assert second["properties"]["classification"]["name"] == "dust"
    empty = json.loads(b"".join(geojson(Masks("a", CLASSES, np.zeros((3, 3), np.uint8)))))
    assert empty["features"] == []


def test_memory_follows_the_picture_and_not_the_number_of_objects() -> None:
    mask = np.zeros((1600, 2000), np.uint8)
    mask[::50, ::50] = 1
    mask[5::50, 5::50] = 2
    tracemalloc.start()
    features = sum(b'"Feature"' in part for part in geojson(Masks("a", CLASSES, mask)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert features == 2 * 32 * 40
    assert peak < 12 * mask.size


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (40, 30)])
def test_a_full_picture_is_one_rectangle(shape: tuple[int, int]) -> None:
    [piece] = pieces(Masks("a", CLASSES, np.ones(shape, np.uint8)))
    [[ring]] = polygons(geometry(piece))
    assert len(ring) == 5
    assert rle(piece, *shape) == encode(np.ones(shape, bool))
