"""Masks in `inspect`: pixels, objects and sizes; what the layout left out; and silence where nothing is wrong."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from objectif.cli._health import render
from objectif.data.dataset import Dataset
from objectif.data.load import load
from objectif.health.inspect import Health, inspect
from objectif.health.looks import look
from objectif.health.masks import Masks, masks
from objectif.health.page import page

from .conftest import scene

SIDE = 96


def square(*places: tuple[int, int, int, int], side: int = SIDE) -> NDArray[np.uint8]:
    """Background 0 and squares (value, x, y, side)."""
    mask = np.zeros((side, side), np.uint8)
    for value, x, y, long in places:
        mask[y : y + long, x : x + long] = value
    return mask


def drawn(root: Path, made: Sequence[NDArray[np.uint8]], legend: str = "soil\ncrop\nweed\n") -> Path:
    for part in ("images", "masks"):
        (root / part).mkdir()
    for k, mask in enumerate(made):
        Image.fromarray(np.asarray(scene(k), np.uint8)).save(root / f"images/{k}.png")
        Image.fromarray(mask).save(root / f"masks/{k}.png")
    (root / "classes.txt").write_text(legend)
    return root


def found(data: Dataset) -> Masks:
    seen = masks(data, look(data))
    assert seen is not None
    return seen


def kinds(health: Health) -> dict[str, str]:
    return {w.kind: w.sentence for w in health.worries}


GOOD = [square((1, 4, 4, 20), (2, 60, 60, 10)), square((1, 30, 4, 12)), square((2, 4, 50, 16), (2, 50, 4, 2))]
GROUND = "background\ncrop\nweed\n"


def test_pixels_objects_and_sizes(tmp_path: Path) -> None:
    seen = found(load(drawn(tmp_path, GOOD, GROUND)))
    crop, weed = seen.by_class["crop"], seen.by_class["weed"]
    assert (crop.pixels, crop.images, crop.objects, crop.side) == (
        400 + 144,
        2,
        2,
        pytest.approx(16.5, abs=0.1),
    )
    assert (weed.pixels, weed.objects, weed.specks) == (100 + 256 + 4, 3, 0)
    assert sum(c.share for c in seen.by_class.values()) == pytest.approx(1)
    assert (seen.background, seen.by_class["background"].objects, seen.per_image) == (
        "background",
        0,
        (2.0, 2),
    )
    assert (seen.empty, seen.void, seen.broken, seen.flaws) == ((), 0.0, {}, {})


def test_objects_are_those_that_the_masks_tell_apart(tmp_path: Path) -> None:
    touching = square((1, 4, 4, 10), (2, 14, 4, 10), (3, 50, 50, 2))
    seen = found(load(drawn(tmp_path, [touching, GOOD[1]], "0 background\n* cell\n")))
    assert seen.instances and seen.by_class["cell"].objects == 4 and seen.by_class["cell"].specks == 0
    assert seen.by_class["cell"].side == pytest.approx(10)


def test_void_and_empty_masks_are_told(tmp_path: Path) -> None:
    void = GOOD[0].copy()
    void[90:] = 255
    root = drawn(tmp_path, [void, square(), square(), GOOD[2]], GROUND)
    data = load(root)
    seen = found(data)
    assert seen.empty == (1, 2) and seen.void == pytest.approx(6 / 96 / 4)
    health = inspect(data)
    assert "2 masks of 4 (50%) hold no object, e.g. of images/1.png" in kinds(health)["empty masks"]
    assert any("are void: not counted" in note for note in health.notes)


def test_what_the_layout_left_out_is_told_by_what_is_wrong(tmp_path: Path) -> None:
    root = drawn(
        tmp_path, [*GOOD, square((1, 2, 2, 30), side=64), square((1, 4, 4, 9), (9, 40, 4, 9)), GOOD[0]]
    )
    (root / "masks/5.png").unlink()
    Image.fromarray(GOOD[0]).save(root / "masks/lone.png")
    health = inspect(load(root))
    told = kinds(health)
    assert (
        "images/3.png" in told["masks: another size"]
        and "64 x 64 pixels, expected 96 x 96" in told["masks: another size"]
    )
    assert "masks/4.png holds 9, not in the legend" in told["masks: not in the legend"]
    assert "1 picture has no mask and is left out: images/5.png" in told["masks: no mask"]
    assert "1 mask has no picture and is left out: masks/lone.png" in told["masks: no picture"]
    assert "unreadable" not in told


def test_a_mask_that_has_changed_since_is_told(tmp_path: Path) -> None:
    data = load(drawn(tmp_path, GOOD))
    Image.fromarray(square(side=50)).save(tmp_path / "masks/1.png")
    seen = found(data)
    assert "another size" in seen.broken[1] and seen.images == 2
    assert "e.g. of images/1.png" in kinds(inspect(data))["broken masks"]


def test_splits_that_solve_refuses_are_told(tmp_path: Path) -> None:
    root = drawn(tmp_path, [GOOD[0], GOOD[1], GOOD[2], GOOD[2]])
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "train.txt").write_text("2.png\n3.png\n")
    (lists / "val.txt").write_text("0.png\n1.png\n")
    assert (
        "class 'crop' has no pixel in the train split" in kinds(inspect(load(root, splits=lists)))["splits"]
    )


def test_rare_classes_and_specks_are_notes(tmp_path: Path) -> None:
    specks = square((1, 4, 4, 40), *((2, 50 + 3 * k, 60, 1) for k in range(9)))
    notes = " ".join(inspect(load(drawn(tmp_path, [specks, GOOD[0], GOOD[0]]))).notes)
    assert "Rare by pixels: weed" in notes and "regions of fewer than 4 pixels" in notes


def test_all_of_it_reaches_json_terminal_and_page(tmp_path: Path) -> None:
    from rich.console import Console

    data = load(drawn(tmp_path, GOOD))
    health = inspect(data)
    record = json.loads(json.dumps(health.to_dict()))
    assert record["masks"]["by_class"]["crop"]["pixels"] == 544
    console = Console(width=100)
    with console.capture() as shown:
        console.print(render(health))
    assert "of the pixels" in shown.get() and "weed" in shown.get()
    assert "<h2>Pixels</h2>" in page(health, data)


def test_other_data_have_no_masks(clean: Dataset) -> None:
    assert masks(clean, look(clean)) is None
    assert inspect(clean).masks is None
