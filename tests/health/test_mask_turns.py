"""Masks that lie turned, mirrored or flipped are told from those that lie well, and from those that say nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from objectif.data.dataset import Dataset, Legend, MaskSource, Sample, Shape
from objectif.data.load import load
from objectif.health.inspect import inspect
from objectif.health.mask_turns import explained, turned
from objectif.metrics.masks import VOID

from .conftest import scene

Move = Callable[[NDArray], NDArray]
MOVES: dict[str, Move] = {
    "turned by 180 degrees": lambda m: np.rot90(m, 2),
    "mirrored (left to right)": lambda m: m[:, ::-1],
    "flipped (upside down)": lambda m: m[::-1],
    "turned by 90 degrees counter-clockwise": lambda m: np.rot90(m, 1),
    "turned by 270 degrees counter-clockwise": lambda m: np.rot90(m, 3),
}


def wedge(seed: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    """A mask without any symmetry: two bars of other lengths near one corner, somewhat moved."""
    mask = np.zeros(size, np.uint8)
    rng = np.random.default_rng(seed)
    y, x = rng.integers(2, 12, 2)
    mask[y : y + 40, x : x + 12] = 1
    mask[y : y + 10, x : x + 30] = 2
    return mask


def drawn(
    root: Path,
    moved: Move = lambda m: m,
    *,
    size: tuple[int, int] = (96, 96),
    n: int = 8,
    strength: float = 1.0,
    masks: Sequence[NDArray] = (),
) -> Dataset:
    """n scenes with green where the mask is; the mask that is written is `moved`."""
    made = []
    for k in range(n):
        mask = masks[k] if masks else wedge(k, size)
        picture = scene(k, side=max(size))[: size[0], : size[1]].astype(float)
        green = np.array([40, 200, 40]) + np.random.default_rng(k).normal(0, 10, (*size, 3))
        picture[mask > 0] += strength * (green - picture)[mask > 0]
        image, file = root / f"{k}.png", root / f"{k}_mask.png"
        Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(image)
        Image.fromarray(np.ascontiguousarray(moved(mask))).save(file)
        made.append(Sample(image.name, image, (0, 1, 2), mask=MaskSource(file)))
    legend = Legend("index", {0: 0, 1: 1, 2: 2, 255: VOID})
    return Dataset("drawn", root, "masks", ("background", "crop", "weed"), tuple(made), True, legend=legend)


@pytest.mark.parametrize("words", MOVES)
def test_each_way_is_found_and_named(tmp_path: Path, words: str) -> None:
    def back(mask: NDArray) -> NDArray:
        return np.rot90(MOVES[words](mask), 2 if "90" in words or "270" in words else 0)

    found = turned(drawn(tmp_path, back))
    assert found is not None and found.words == words
    assert found.moved >= 2 * found.standing and found.better == found.images == 8
    degrees = {"turned by 180": 180, "turned by 90": 90, "turned by 270": 270}
    assert found.option == next((d for start, d in degrees.items() if words.startswith(f"{start} ")), None)
    assert (f"--turn-masks {found.option}" in found.remedy) == (found.option is not None)
    assert words in found.sentence and "8 of 8 images" in found.sentence


def test_masks_that_lie_well_are_no_matter(tmp_path: Path) -> None:
    assert turned(drawn(tmp_path)) is None
    assert turned(drawn(tmp_path, size=(64, 96))) is None


def test_pictures_that_are_not_square_are_told_too(tmp_path: Path) -> None:
    found = turned(drawn(tmp_path, MOVES["turned by 180 degrees"], size=(64, 96)))
    assert found is not None and found.option == 180


def test_masks_that_follow_no_colour_say_nothing(tmp_path: Path) -> None:
    assert turned(drawn(tmp_path, MOVES["turned by 180 degrees"], strength=0)) is None


def test_few_or_homogeneous_masks_say_nothing(tmp_path: Path) -> None:
    way = MOVES["turned by 180 degrees"]
    assert turned(drawn(tmp_path, way, n=4)) is None
    masks = [wedge(k, (96, 96)) if k < 4 else np.zeros((96, 96), np.uint8) for k in range(10)]
    assert turned(drawn(tmp_path, way, n=10, masks=masks)) is None
    masks = [wedge(k, (96, 96)) if k < 5 else np.zeros((96, 96), np.uint8) for k in range(10)]
    found = turned(drawn(tmp_path, way, n=10, masks=masks))
    assert found is not None and found.images == 5


def test_a_third_of_the_masks_is_no_habit(tmp_path: Path) -> None:
    """What is wrong in some alone cannot be mended by one option."""
    count = iter(range(9))
    assert turned(drawn(tmp_path, lambda m: np.rot90(m, 2 if next(count) % 3 == 0 else 0), n=9)) is None


def test_a_turn_that_was_asked_for_and_is_wrong_is_taken_back(tmp_path: Path) -> None:
    found = turned(replace(drawn(tmp_path), turned=180))
    assert found is not None and found.option == 0 and "Leave out" in found.remedy


def test_shapes_cannot_be_turned_by_an_option(tmp_path: Path) -> None:
    data = drawn(tmp_path)
    shapes = []
    for k in range(len(data)):
        y, x = np.argwhere(wedge(k, (96, 96)))[0]
        left, top = 96.0 - x, 96.0 - y
        corners = (left - 12, top - 40, left, top - 40, left, top, left - 12, top)
        shapes.append(MaskSource(shapes=(Shape(1, (tuple(map(float, corners)),)),)))
    samples = tuple(replace(s, mask=m) for s, m in zip(data.samples, shapes, strict=True))
    found = turned(replace(data, samples=samples, legend=None))
    assert found is not None and found.words == "turned by 180 degrees"
    assert found.option is None and "Correct the masks" in found.remedy


def test_data_without_masks_say_nothing(clean: Dataset) -> None:
    assert turned(clean) is None


def test_pictures_that_cannot_be_read_say_nothing_and_stop_nothing(tmp_path: Path) -> None:
    data = drawn(tmp_path, MOVES["turned by 180 degrees"])
    data.samples[0].file.write_bytes(b"no picture")
    found = turned(data)
    assert found is not None and found.images == 7


def test_explained_is_eta_squared() -> None:
    classes = np.array([[0, 0, 1, 1, VOID]], np.uint8)
    colour = np.zeros((1, 5, 3), np.float32)
    colour[0, :, 0] = [0, 2, 4, 6, 99]  # means 1 and 5 around 3: 16 of 20
    assert explained(colour, classes) == pytest.approx(0.8)
    assert explained(colour, np.zeros_like(classes)) is None
    assert explained(np.full((1, 5, 3), 7.1, np.float32), classes) is None


def test_it_is_the_gravest_worry_of_inspect(tmp_path: Path) -> None:
    health = inspect(drawn(tmp_path, MOVES["turned by 180 degrees"]))
    assert health.worries[0].kind == "turned masks" and "--turn-masks 180" in health.worries[0].remedy
    assert health.to_dict()["turn"] is not None
    assert inspect(drawn(tmp_path)).turn is None


def test_real_ones(shared: Callable[..., Path]) -> None:
    field = {"images": "Images", "masks": "Weed_Plant_Masks"}
    found = turned(load(shared("carrot_weed"), **field))
    assert found is not None and found.option == 180
    assert found.standing < 0.05 and found.moved > 0.2 and found.better == found.images >= 20
    lists = shared("carrot_weed", room="splits")
    assert turned(load(shared("carrot_weed"), **field, turn_masks=180, splits=lists)) is None
    for name in ("camvid", "nuclei", "magnetic_tiles"):
        assert turned(load(shared(name))) is None, name
