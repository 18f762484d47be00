"""Overlays: boxes and masks stand out, names are readable and do not cover each other, at any size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from objectif.answers import Boxes, Masks
from objectif.errors import InputError
from objectif.images.photo import read
from objectif.metrics.masks import packed
from objectif.run.overlay import drawn, save
from objectif.run.overlay_masks import drawn_masks
from objectif.run.palette import COLOURS, colour, table

CLASSES = ("car", "lorry", "bus", "van", "bicycle", "person", "dog", "cat")


def answer(boxes: list[list[float]], labels: tuple[str, ...] | None = None) -> Boxes:
    names = labels or tuple(CLASSES[k % len(CLASSES)] for k in range(len(boxes)))
    where = np.array(boxes, np.float32).reshape(-1, 4)
    return Boxes("a.png", CLASSES, where, np.linspace(0.9, 0.5, len(boxes), dtype=np.float32), names)


def painted(pixels: NDArray[np.uint8], colour: tuple[int, int, int]) -> int:
    return int((pixels == np.array(colour)).all(axis=2).sum())


@pytest.mark.parametrize(("height", "width"), [(40, 60), (480, 640), (3000, 4000)])
@pytest.mark.parametrize("ground", [0, 128, 255])
def test_a_box_is_seen_on_any_ground_and_named_at_any_size(height: int, width: int, ground: int) -> None:
    plain = np.full((height, width, 3), ground, np.uint8)
    box = [width * 0.2, height * 0.4, width * 0.6, height * 0.8]
    found = drawn(plain, answer([box]))
    factor = found.shape[0] // height
    assert found.shape == (height * factor, width * factor, 3)
    assert min(found.shape[:2]) >= 320
    x1, y1, x2, y2 = (round(side * factor) for side in box)
    middle = (y1 + y2) // 2
    for column in (x1, x2 - 1):
        assert tuple(found[middle, column]) == COLOURS[0]
    name = found[: y1 - 1, x1:x2]
    assert painted(name, COLOURS[0]) > 300  # its strip stands above the box, wide and high enough to be read
    assert (plain == ground).all()


def test_classes_have_colours_of_their_own_and_names_do_not_overlap() -> None:
    boxes = [[100 * k + 10, 60, 100 * k + 90, 180] for k in range(7)]
    found = drawn(np.zeros((240, 720, 3), np.uint8), answer(boxes))
    assert all(painted(found, colour) > 500 for colour in COLOURS)
    piled = drawn(np.zeros((500, 500, 3), np.uint8), answer([[100, 100, 300, 300]] * 30, ("car",) * 30))
    assert painted(piled, COLOURS[0]) < 0.2 * 500 * 500


def test_boxes_at_and_beyond_the_edges_and_none_at_all() -> None:
    plain = np.zeros((500, 600, 3), np.uint8)
    assert np.array_equal(drawn(plain, answer([])), plain)
    drawn(plain, answer([[0, 0, 600, 500], [-9, -9, 5, 5], [595, 495, 640, 540], [300, 200, 300.4, 200.2]]))


@pytest.mark.parametrize(
    ("channels", "kind"), [(1, np.uint8), (3, np.uint16), (2, np.uint8), (13, np.uint16)]
)
def test_any_picture_can_be_drawn_on(channels: int, kind: type) -> None:
    pixels = np.zeros((500, 500, channels), kind)
    assert drawn(pixels, answer([[10, 50, 90, 90]])).shape == (500, 500, 3)


@pytest.mark.parametrize(
    ("name", "written"),
    [("a.jpg", "a.jpg"), ("b.JPEG", "b.JPEG"), ("c.png", "c.png"), ("d.tif", "d.tif"), ("e.gif", "e.gif.png"), ("sub/f.webp", "sub/f.webp")],
)  # fmt: skip
def test_a_picture_keeps_its_name_where_its_kind_can_be_written(
    tmp_path: Path, name: str, written: str
) -> None:
    pixels = np.zeros((40, 50, 3), np.uint8)
    pixels[:, :, 0] = 200
    path = save(pixels, tmp_path / name)
    assert path == tmp_path / written
    assert abs(int(read(path)[20, 20, 0]) - 200) < 4
    assert read(path)[20, 20, 2] < 8


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot write"):
        save(np.zeros((4, 4, 3), np.uint8), tmp_path / "file" / "a.png")


# masks


@pytest.mark.parametrize(("height", "width"), [(40, 60), (500, 640), (2100, 1200)])
@pytest.mark.parametrize("background", [True, False])
def test_classes_are_tinted_outlined_and_told_below(height: int, width: int, background: bool) -> None:
    mask = np.zeros((height, width), np.uint8)
    mask[height // 4 : height // 2, width // 4 : width // 2] = 1
    plain = np.full((height, width, 3), 200, np.uint8)
    found = drawn_masks(plain, Masks("a.png", ("background", "cell"), mask, background))
    factor = found.shape[1] // width
    assert found.shape[0] > height * factor  # the legend
    assert (plain == 200).all()
    paint = colour(1, background)
    inside = found[int(height * factor * 0.375), int(width * factor * 0.375)]
    assert tuple(inside) not in {paint, (200, 200, 200)}
    assert tuple(found[height // 4 * factor, int(width * factor * 0.375)]) == paint
    corner = tuple(found[4, 4])
    assert (corner == (200, 200, 200)) == background
    assert painted(found[height * factor :], paint) > 100
    assert background or painted(found[height * factor :], colour(0, background)) > 100


def test_objects_of_one_class_that_touch_have_colours_of_their_own() -> None:
    mask = np.repeat(np.arange(1, 6), 100)[None].repeat(500, axis=0)
    found = drawn_masks(
        np.zeros((500, 500, 3), np.uint8), Masks("a", ("background", "cell"), packed(mask > 0, mask))
    )
    assert len({tuple(found[250, x]) for x in range(50, 500, 100)}) == 5
    many = drawn_masks(
        np.zeros((500, 500, 3), np.uint8), Masks("a", ("background", "a", "b"), packed(mask > 0, mask))
    )
    assert len({tuple(many[250, x]) for x in range(50, 500, 100)}) == 1


def test_nothing_found_a_sliver_and_another_size() -> None:
    plain = np.zeros((500, 600, 3), np.uint8)
    silent = Masks("a", ("background", "cell"), np.zeros((500, 600), np.uint8))
    assert np.array_equal(drawn_masks(plain, silent), plain)
    sliver = np.ones((600, 3), np.uint8)
    drawn_masks(np.zeros((600, 3, 1), np.uint16), Masks("a", ("background", "cell"), sliver))
    with pytest.raises(InputError, match="its mask 600 x 500"):
        drawn_masks(plain[:400], silent)


def test_colours_are_many_and_apart() -> None:
    plain = table(True)
    assert tuple(plain[0]) == (0, 0, 0)
    assert [tuple(c) for c in plain[1:8]] == list(COLOURS) == [tuple(c) for c in table(False)[:7]]
    assert len({tuple(c) for c in plain[:22]}) == 22
