"""Looks: every image once, whatever its depth or size; what cannot be read is listed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from objectif.data.load import load
from objectif.errors import DataError
from objectif.health.looks import COLOUR_SIDE, SIDE, eight_bit_rgb, look


def test_unreadable_images_are_listed_and_lose_nothing_of_the_rest(folder: Callable[..., Path]) -> None:
    root = folder(5)
    (root / "class0" / "3.jpg").write_bytes(b"")
    (root / "class1" / "1.jpg").write_bytes((root / "class1" / "2.jpg").read_bytes()[:400])
    found = look(load(root))
    assert sorted(found.failures) == ["class0/3.jpg", "class1/1.jpg"]
    assert found.readable.sum() == 8
    assert all((info is not None) == ok for info, ok in zip(found.infos, found.readable, strict=True))
    assert found.luma.shape == (10, SIDE, SIDE)
    assert found.colour.shape == (10, COLOUR_SIDE, COLOUR_SIDE, 3)


def test_nothing_readable_is_an_error_that_names_the_first(folder: Callable[..., Path]) -> None:
    root = folder(2)
    for path in root.rglob("*.jpg"):
        path.write_bytes(b"no picture at all")
    with pytest.raises(DataError, match=r"none of the 4 images can be read.*class0/0"):
        look(load(root))


def test_threads_change_nothing(folder: Callable[..., Path]) -> None:
    dataset = load(folder(6))
    one, many = look(dataset, workers=1), look(dataset, workers=4)
    assert np.array_equal(one.luma, many.luma)
    assert np.array_equal(one.colour, many.colour)
    assert one.infos == many.infos


def test_progress_reaches_the_end(folder: Callable[..., Path]) -> None:
    calls: list[tuple[int, int]] = []
    look(load(folder(4)), progress=lambda done, of: calls.append((done, of)))
    assert calls[-1] == (8, 8)


@pytest.mark.parametrize("bits", [9, 12, 16])
def test_deep_pixels_use_the_bits_they_have(bits: int) -> None:
    ramp = np.linspace(0, 2**bits - 1, 64).astype(np.uint16).reshape(8, 8, 1)
    shown = eight_bit_rgb(ramp)
    assert shown.shape == (8, 8, 3)
    assert shown.min() == 0
    assert shown.max() >= 254


def test_many_bands_show_the_first_three() -> None:
    cube = np.random.default_rng(0).integers(0, 255, (5, 7, 6), dtype=np.uint8)
    assert np.array_equal(eight_bit_rgb(cube), cube[:, :, :3])
