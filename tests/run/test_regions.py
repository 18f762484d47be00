"""Measures of objects are right where geometry knows the answer, add up, and follow the spacing."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from objectif.answers import Masks
from objectif.data.pieces import pieces
from objectif.errors import InputError
from objectif.metrics.masks import packed
from objectif.run.regions import feret, measured, perimeter, regions

CLASSES = ("background", "cell", "dust")
small = arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 2))


def disc(radius: float, x: float = 0.0, y: float = 0.0, ratio: float = 1.0) -> np.ndarray:
    """An ellipse with half axes radius (across) and ratio * radius (down)."""
    side = int(radius * max(1.0, ratio)) + 3
    down, across = np.mgrid[-side : side + 1, -side : side + 1]
    return ((across - x) / radius) ** 2 + ((down - y) / (radius * ratio)) ** 2 <= 1


def answer(mask: np.ndarray, background: bool = True) -> Masks:
    return Masks("a.png", CLASSES, mask, background)


@pytest.mark.parametrize("radius", [9.7, 17.3, 60.2, 200.4])
@pytest.mark.parametrize("shift", [0.21, 0.37])
def test_a_disc_is_measured_right_and_is_round(radius: float, shift: float) -> None:
    size = measured(disc(radius, shift, shift / 2), (1.0, 1.0))
    assert size.area == pytest.approx(math.pi * radius**2, rel=0.03)
    assert size.perimeter == pytest.approx(2 * math.pi * radius, rel=0.03)
    assert size.circularity > 0.95
    assert 2 * radius - 1 <= size.feret_min <= size.feret_max <= 2 * radius + 2


@pytest.mark.parametrize("ratio", [0.5, 2.0])
def test_pixels_need_not_be_square(ratio: float) -> None:
    flat = measured(disc(60, ratio=ratio), (3.0 / ratio, 3.0))
    assert flat.area == pytest.approx(math.pi * 180**2, rel=0.03)
    assert flat.perimeter == pytest.approx(2 * math.pi * 180, rel=0.03)
    assert flat.feret_min == pytest.approx(360, rel=0.04)
    assert flat.feret_max == pytest.approx(360, rel=0.04)


@pytest.mark.parametrize(("high", "wide"), [(1, 1), (3, 40), (30, 30)])
def test_a_rectangle(high: int, wide: int) -> None:
    mask = np.zeros((50, 60), np.uint8)
    mask[5 : 5 + high, 7 : 7 + wide] = 1
    pixels = np.zeros((50, 60, 3), np.uint8)
    pixels[mask == 1] = (10, 20, 30)
    [found] = regions(answer(mask), pixels)
    assert found.size.area == high * wide
    assert found.box == (7, 5, 7 + wide, 5 + high)
    assert found.centroid == pytest.approx((7 + wide / 2, 5 + high / 2))
    assert found.size.feret_min == pytest.approx(min(high, wide))
    assert found.size.feret_max == pytest.approx(math.hypot(high, wide))
    assert found.means == pytest.approx((10, 20, 30))
    assert (found.number, found.label, found.scaled) == (1, "cell", None)
    if high > 1:
        assert found.size.perimeter == pytest.approx(2 * (high + wide), rel=0.07)


def test_any_angle_of_an_edge_is_within_what_is_said() -> None:
    for degrees in range(0, 90, 7):
        box = cv2.boxPoints(((400, 400), (500, 300), degrees)).astype(np.int32)
        mask = cv2.fillPoly(np.zeros((800, 800), np.uint8), [box], 1).astype(bool)
        assert 0.945 < perimeter(mask) / 1600 < 1.035
        low, high = feret(mask)
        assert low == pytest.approx(301, abs=3)
        assert high == pytest.approx(math.hypot(501, 301), abs=3)


@given(small, st.booleans())
def test_components_are_all_of_the_foreground_once(mask: np.ndarray, background: bool) -> None:
    found = list(pieces(answer(mask, background)))
    again = np.full(mask.shape, 255, np.uint8)
    for piece in found:
        high, wide = piece.mask.shape
        part = again[piece.top : piece.top + high, piece.left : piece.left + wide]
        assert (part[piece.mask] == 255).all()
        part[piece.mask] = piece.label
        assert piece.mask.any(axis=1)[[0, -1]].all()
        assert piece.mask.any(axis=0)[[0, -1]].all()
    assert ((again == mask) | ((again == 255) & (mask == 0) & background)).all()
    assert [p.number for p in found] == list(range(1, len(found) + 1))
    total = sum(cv2.connectedComponents((mask == c).astype(np.uint8))[0] - 1 for c in range(background, 3))
    assert len(found) == total


@given(small, arrays(np.uint32, (12, 12), elements=st.integers(0, 3)))
def test_numbers_are_kept_and_pixels_without_one_are_no_object(mask: np.ndarray, numbers: np.ndarray) -> None:
    objects = np.where(mask == 1, numbers[: mask.shape[0], : mask.shape[1]], 0)
    found = list(pieces(answer(packed(mask, objects))))
    assert [p.number for p in found] == [n for n in np.unique(objects) if n]
    assert [int(p.mask.sum()) for p in found] == [int((objects == p.number).sum()) for p in found]


@given(small, arrays(np.uint32, (12, 12), elements=st.integers(0, 3)), st.booleans())
def test_a_number_of_two_classes_is_two_objects(
    mask: np.ndarray, numbers: np.ndarray, background: bool
) -> None:
    objects = numbers[: mask.shape[0], : mask.shape[1]]
    shown = (objects > 0) & ((mask > 0) | (not background))
    found = list(pieces(answer(packed(mask, objects), background)))
    assert len(found) == len({*zip(mask[shown].tolist(), objects[shown].tolist(), strict=True)})
    assert len({p.number for p in found}) == len(found)
    assert [p.number for p in found] == sorted(p.number for p in found)
    again = np.zeros(mask.shape, bool)
    for piece in found:
        high, wide = piece.mask.shape
        here = np.s_[piece.top : piece.top + high, piece.left : piece.left + wide]
        assert not again[here][piece.mask].any()
        again[here] |= piece.mask
        assert set(mask[here][piece.mask]) == {piece.label}
        [own] = set(objects[here][piece.mask].tolist())
        first = mask[shown & (objects == own)].min()
        assert (piece.number == own) == (piece.label == first)
        assert piece.number == own or piece.number > objects[shown].max()
    assert np.array_equal(again, shown)


def test_a_spacing_scales_what_has_a_length() -> None:
    [found] = regions(answer(disc(20).astype(np.uint8)), spacing=(0.5, 0.5))
    assert found.scaled is not None
    assert found.scaled.area == pytest.approx(found.size.area / 4)
    assert found.scaled.perimeter == pytest.approx(found.size.perimeter / 2)
    assert found.scaled.feret_max == pytest.approx(found.size.feret_max / 2)
    assert found.circularity == pytest.approx(found.size.circularity)


def test_what_does_not_fit_is_said() -> None:
    mask = answer(np.ones((4, 5), np.uint8))
    with pytest.raises(InputError, match="its mask 5 x 4"):
        list(regions(mask, np.zeros((5, 4, 3), np.uint8)))
    with pytest.raises(InputError, match="two positive numbers"):
        list(regions(mask, spacing=(1.0, 0.0)))
    assert list(regions(answer(np.zeros((4, 5), np.uint8)))) == []
    assert list(regions(answer(np.zeros((0, 0), np.uint8)))) == []
