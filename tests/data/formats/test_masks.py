"""Mask folders: where masks lie, which is of which picture, what their numbers mean; and all that can be wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from objectif.data.dataset import Dataset
from objectif.data.formats.masks import FORMAT
from objectif.data.load import load
from objectif.data.mask_pairs import stripped
from objectif.data.masks import read_mask
from objectif.data.splits import plan
from objectif.errors import DataError, LayoutAmbiguous
from objectif.metrics.masks import VOID, classes_of, objects_of
from objectif.testing import check_dataset

Shared = Callable[..., Path]
H, W = 20, 30


def photo(file: Path, size: tuple[int, int] = (H, W)) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(len(str(file))).integers(0, 256, (*size, 3), dtype=np.uint8)
    Image.fromarray(noise).save(file)


def draw(file: Path, numbers: NDArray, mode: str | None = None) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(numbers)
    if mode == "P":
        image.putpalette([200, 10, 10, 10, 200, 10, 10, 10, 200] + [7] * 759)
    image.save(file)


def numbers(*values: int, kind: type = np.uint8, size: tuple[int, int] = (H, W)) -> NDArray:
    """The first value everywhere but in a square of each other one, each of two parts."""
    mask = np.full(size, values[0], kind)
    for k, value in enumerate(values[1:]):
        mask[2:5, 1 + 5 * k : 4 + 5 * k] = value
        mask[10:13, 1 + 5 * k : 4 + 5 * k] = value
    return mask


def folder(root: Path, masks: Sequence[NDArray], mode: str | None = None, legend: str = "") -> Path:
    for k, mask in enumerate(masks):
        photo(root / f"images/{k}.jpg", mask.shape[:2])
        draw(root / f"masks/{k}.png", mask, mode)
    if legend:
        (root / "classes.txt").write_text(legend)
    return root


def told(data: Dataset) -> str:
    return "\n".join(data.notes)


# --- kinds --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [None, "P"])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_index_masks_of_8_and_16_bits_and_palettes(tmp_path: Path, mode: str | None, kind: type) -> None:
    if mode == "P" and kind is np.uint16:
        pytest.skip("a palette has 8 bits")
    made = [numbers(0, 1, 2, 3, kind=kind), numbers(0, 2, kind=kind), numbers(0, 3, 1, kind=kind)]
    data = load(folder(tmp_path, made, mode, "soil\ncrop\nweed\nstone\n"))
    check_dataset(data)
    assert (data.layout, data.task, data.multilabel) == ("masks", "segment", True)
    assert data.classes == ("soil", "crop", "weed", "stone")
    assert [s.labels for s in data.samples] == [(0, 1, 2, 3), (0, 2), (0, 1, 3)]
    for row, mask in enumerate(made):
        assert np.array_equal(read_mask(data, row), mask)


def test_without_a_legend_numbers_are_names_and_255_is_void(tmp_path: Path) -> None:
    data = load(folder(tmp_path, [numbers(4, 2, 7, 255), numbers(4, 7)]))
    assert data.classes == ("class 2", "class 4", "class 7")
    assert "255 in masks is void" in told(data) and "no legend was found" in told(data)
    mask = read_mask(data, 0)
    assert set(np.unique(mask)) == {0, 1, 2, VOID}
    ground = load(folder(tmp_path / "ground", [numbers(0, 2, 7), numbers(0, 7)]))
    assert ground.classes == ("background", "class 2", "class 7")


def test_names_that_are_void_and_classes_that_are_one(tmp_path: Path) -> None:
    legend = "0 sky\n1 Unlabelled\n2 road\n3 road\n9 bus\n"
    data = load(folder(tmp_path, [numbers(0, 1, 2, 3), numbers(0, 3)], legend=legend))
    assert data.classes == ("sky", "road")
    assert data.legend.values == {0: 0, 1: VOID, 2: 1, 3: 1}
    assert "without a pixel left out: bus" in told(data)


@pytest.mark.parametrize("white", [1, 255])
def test_binary_masks(tmp_path: Path, white: int) -> None:
    data = load(folder(tmp_path, [numbers(0, white), numbers(0, white), numbers(0)]))
    assert data.classes == ("background", "object") and not data.instances
    assert [s.labels for s in data.samples] == [(0, 1), (0, 1), (0,)]
    assert "1 image(s) whose mask holds no object are kept as negatives" in told(data)
    assert np.array_equal(read_mask(data, 0), numbers(0, 1))


def test_gray_that_is_nearly_black_and_white_is_cut_at_the_half(tmp_path: Path) -> None:
    made = []
    for k in range(4):
        mask = numbers(0, 255, size=(80, 80))
        mask[40:60, 20:50] = 255
        mask[40:60, 50] = 90 + 9 * k
        mask[40:60, 19] = 140 + 7 * k
        made.append(mask)
    data = load(folder(tmp_path, made, legend="crack\n"))
    assert data.classes == ("background", "crack") and data.legend.kind == "binary"
    assert np.array_equal(read_mask(data, 2), made[2] > 127)


def test_objects_where_each_number_is_one_region(tmp_path: Path) -> None:
    made = []
    for count in (3, 14, 0, 5):
        mask = np.zeros((40, 60), np.uint16)
        for k in range(count):
            mask[2 + 12 * (k // 7) :, :][:6, 2 + 8 * (k % 7) : 8 + 8 * (k % 7)] = k + 1
        made.append(mask)
    data = load(folder(tmp_path, made))
    assert data.instances and data.classes == ("background", "object")
    assert [s.labels for s in data.samples] == [(0, 1), (0, 1), (0,), (0, 1)]
    mask = read_mask(data, 1)
    assert mask.dtype == np.uint32
    assert np.array_equal(objects_of(mask), made[1]) and np.array_equal(classes_of(mask), made[1] > 0)


def test_a_star_makes_each_number_an_object(tmp_path: Path) -> None:
    data = load(folder(tmp_path, [numbers(0, 1, 2), numbers(0, 1)], legend="0 ground\n* cell\n"))
    assert data.instances and data.classes == ("ground", "cell")
    assert np.array_equal(objects_of(read_mask(data, 0)), numbers(0, 1, 2))


def test_colours_are_named_by_their_hex_value_or_by_a_legend(tmp_path: Path) -> None:
    colours = np.array([[0, 0, 0], [255, 0, 0], [0, 128, 255]], np.uint8)
    made = [colours[numbers(0, 1, 2)], colours[numbers(0, 2)]]
    data = load(folder(tmp_path, made))
    assert data.classes == ("background", "#0080ff", "#ff0000")
    assert np.array_equal(read_mask(data, 0), np.array([0, 2, 1], np.uint8)[numbers(0, 1, 2)])
    (tmp_path / "class_dict.csv").write_text("name,r,g,b\nroad,0,0,0\nVoid,255,0,0\nred car,0,128,255\n")
    data = load(tmp_path)
    assert data.classes == ("road", "red car")
    assert np.array_equal(read_mask(data, 0), np.array([0, VOID, 1], np.uint8)[numbers(0, 1, 2)])


def test_a_legend_of_colours_beside_numbers_gives_their_names(tmp_path: Path) -> None:
    root = folder(tmp_path, [numbers(0, 1, 2), numbers(0, 2)])
    (root / "class_dict.csv").write_text("name,r,g,b\nroad,0,0,0\ncar,255,0,0\ntree,0,128,0\n")
    assert load(root).classes == ("road", "car", "tree")


@pytest.mark.parametrize(
    ("name", "text", "classes"),
    [
        ("a.json", '{"soil": 0, "crop": 1, "weed": 2}', ("soil", "crop", "weed")),
        ("a.json", '{"0": "soil", "1": "crop", "2": "void"}', ("soil", "crop")),
        ("a.json", '[{"id": 1, "name": "crop"}, {"id": 0, "name": "soil"}, {"id": 2, "name": "weed"}]', ("crop", "soil", "weed")),
        ("a.csv", "name,value\nsoil,0\ncrop row,1\nweed,2\n", ("soil", "crop row", "weed")),
        ("a.txt", "# numbers\n0: soil\n1\tcrop row\n2 = weed\n", ("soil", "crop row", "weed")),
        ("a.txt", "crop\nweed\n", ("background", "crop", "weed")),
        ("a.txt", "0 soil\n1 crop\n2 Background\n", ("Background", "soil", "crop")),
    ],
)  # fmt: skip
def test_forms_of_legends(tmp_path: Path, name: str, text: str, classes: tuple[str, ...]) -> None:
    root = folder(tmp_path / "data", [numbers(0, 1, 2), numbers(0, 2)])
    (tmp_path / name).write_text(text)
    assert load(root, legend=tmp_path / name).classes == classes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0 a\nb\n", "has number and place in turn"),
        ("0 a\n0 b\n", "0 is 'a' and 'b'"),
        ("300 1 1 a\n", "is no colour"),
        ("7 a\n8 b\n", "none of its classes occurs"),
        ("\n", "names no class"),
        ("0 a\n1 void\n2 void\n", "1 class(es) in the masks"),
    ],
)
def test_legends_that_are_none(tmp_path: Path, text: str, said: str) -> None:
    root = folder(tmp_path / "data", [numbers(0, 1, 2), numbers(0, 2)])
    (tmp_path / "a.txt").write_text(text)
    with pytest.raises(DataError) as caught:
        load(root, legend=tmp_path / "a.txt")
    assert said in str(caught.value) and "a.txt" in str(caught.value)


# --- pairs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "own", ["image", "img", "mask", "masks", "annotation", "annot", "label", "labels", "gt", "seg"]
)
def test_endings_are_stripped(own: str) -> None:
    assert stripped(f"a_1_{own}") == stripped(f"a_1_{own.upper()}") == "a_1"
    assert stripped(own) == own


@pytest.mark.parametrize(
    ("image", "mask", "split"),
    [
        ("images/{}.jpg", "masks/{}_mask.png", None),
        ("{}.jpg", "gt/{}.png", None),
        ("train/{}.jpg", "trainannot/{}.png", "train"),
        ("val/images/{}.jpg", "val/labels/{}.png", "val"),
        ("images/test/{}_image.jpg", "masks/test/{}_label.png", "test"),
        ("JPEGImages/{}.jpg", "SegmentationClass/{}.png", None),
        ("scans/{}.jpg", "Ground_Truth/{}.png", None),
        ("benign/{}.png", "benign/{}_mask.png", None),
        ("tiles/{}.jpg", "tiles/{}.png", None),
    ],
)
def test_places_of_masks(tmp_path: Path, image: str, mask: str, split: str | None) -> None:
    for name in "abc":
        photo(tmp_path / image.format(name))
        draw(tmp_path / mask.format(name), numbers(0, 255))
    data = load(tmp_path)
    check_dataset(data)
    assert [(s.path, s.split) for s in data.samples] == [(image.format(n), split) for n in "abc"]
    assert [s.mask.file for s in data.samples] == [tmp_path / mask.format(n) for n in "abc"]
    assert "share their stem" in told(data)


def test_a_mask_without_a_picture_and_the_reverse_are_left_out_and_said(tmp_path: Path) -> None:
    root = folder(tmp_path, [numbers(0, 255)] * 4)
    (root / "images/3.jpg").unlink()
    photo(root / "images/more/extra.jpg")
    data = load(root)
    assert len(data) == 3
    assert data.problems == {
        "images/more/extra.jpg": "no mask: it may hold anything",
        "masks/3.png": "no picture of this name for the mask",
    }
    assert "1 picture(s) without a mask left out" in told(data)
    assert "1 mask(s) without a picture left out" in told(data)


def test_splits_are_not_mixed_where_names_repeat(tmp_path: Path) -> None:
    for part, value in (("train", 1), ("val", 2)):
        for name in "ab":
            photo(tmp_path / part / "images" / f"{name}.jpg")
            draw(tmp_path / part / "masks" / f"{name}.png", numbers(0, value, 3))
    data = load(tmp_path)
    assert [(s.split, s.labels) for s in data.samples] == [("train", (0, 1, 3))] * 2 + [
        ("val", (0, 2, 3))
    ] * 2


def test_two_kinds_of_masks_stop_with_the_commands_to_choose(tmp_path: Path) -> None:
    root = folder(tmp_path, [numbers(0, 1), numbers(0, 1)])
    for k in range(2):
        draw(root / f"Weed_Masks/{k}.png", numbers(0, 1, 2))
    with pytest.raises(LayoutAmbiguous) as caught:
        load(root)
    for kind in ("masks", "Weed_Masks"):
        assert f"objectif inspect {root} --images {root / 'images'} --masks {root / kind}" in str(
            caught.value
        )
    assert load(root, images=root / "images", masks=root / "Weed_Masks").classes[1:] == ("class 1", "class 2")
    assert load(root, masks="masks").classes == ("background", "object")


def test_two_pictures_of_one_mask_stop(tmp_path: Path) -> None:
    root = folder(tmp_path, [numbers(0, 1), numbers(0, 1)])
    for k in range(2):
        photo(root / f"rgb/{k}.png")
    with pytest.raises(LayoutAmbiguous, match=r"the mask masks/0\.png is of .*Name the folders"):
        load(root)
    assert len(load(root, images="rgb", masks="masks")) == 2


def test_photos_in_a_folder_called_mask_are_no_masks(tmp_path: Path) -> None:
    for kind in ("mask", "no_mask"):
        for k in range(4):
            photo(tmp_path / kind / f"{k}.jpg")
    assert FORMAT.sniff(tmp_path) is None
    assert load(tmp_path).classes == ("mask", "no_mask")


def test_folders_that_are_not_there_or_share_no_name(tmp_path: Path) -> None:
    root = folder(tmp_path, [numbers(0, 1)])
    with pytest.raises(DataError, match=r"--masks .*nowhere: no such folder"):
        load(root, masks="nowhere")
    photo(root / "other/z.jpg")
    with pytest.raises(DataError, match="no two share their name"):
        load(root, images="other", masks="masks")
    with pytest.raises(DataError, match="are of the format 'masks'"):
        load(root, masks="masks", format="voc")


# --- what is wrong with a mask ------------------------------------------------------------------------------------


def test_a_mask_of_another_size_is_left_out_and_said(tmp_path: Path) -> None:
    root = folder(tmp_path, [numbers(0, 1)] * 3)
    draw(root / "masks/1.png", numbers(0, 1, size=(W, H)))
    data = load(root)
    assert [s.path for s in data.samples] == ["images/0.jpg", "images/2.jpg"]
    why = data.problems["images/1.jpg"]
    assert (
        "another size than its picture: 20 x 30 pixels, expected 30 x 20, as if the picture had been turned"
        in why
    )
    assert "1 image(s) whose mask cannot be used left out" in told(data)


def test_numbers_that_the_legend_does_not_have_are_left_out_and_said(tmp_path: Path) -> None:
    root = folder(tmp_path, [numbers(0, 1), numbers(0, 1, 7, 8), numbers(0, 1)], legend="0 soil\n1 crop\n")
    data = load(root)
    assert len(data) == 2
    assert "masks/1.png holds 7, 8, not in the legend" in data.problems["images/1.jpg"]


def test_a_damaged_mask_is_left_out_and_said(tmp_path: Path) -> None:
    root = folder(tmp_path, [numbers(0, 1)] * 3)
    (root / "masks/2.png").write_bytes((root / "masks/2.png").read_bytes()[:50])
    assert "cannot be read" in load(root).problems["images/2.jpg"]
    for k in range(2):
        (root / f"masks/{k}.png").write_bytes(b"")
    with pytest.raises(DataError, match="none of 3 masks can be used"):
        FORMAT.read(root, images=root / "images", masks=root / "masks")


def test_masks_of_nothing_stop(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="hold the number 0 alone"):
        load(folder(tmp_path, [numbers(0)] * 3))


def test_smoothed_colours_stop_with_the_remedy(tmp_path: Path) -> None:
    smooth = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    root = folder(tmp_path, [smooth])
    with pytest.raises(DataError, match=r"1,600 colours.*--legend"):
        load(root, images="images", masks="masks")


def test_a_class_that_training_never_sees_stops(tmp_path: Path) -> None:
    made = [numbers(0, 1), numbers(0, 1), numbers(0, 1, 2), numbers(0, 2)]
    root = folder(tmp_path / "data", made, legend="soil\ncrop\nweed\n")
    for name, lines in (("train", "0\n1\n"), ("val", "2\n3\n")):
        (tmp_path / f"{name}.txt").write_text(lines.replace("\n", ".jpg\n"))
    with pytest.raises(DataError, match="class 'weed' has no pixel in the train split"):
        plan(load(root, splits=tmp_path))
    (tmp_path / "val.txt").rename(tmp_path / "test.txt")
    with pytest.raises(DataError, match="class 'weed' has pixels in no image outside the test split"):
        plan(load(root, splits=tmp_path))


def test_a_part_with_nothing_but_background_stops(tmp_path: Path) -> None:
    root = folder(tmp_path / "data", [numbers(0, 1), numbers(0, 1), numbers(0), numbers(0)])
    (tmp_path / "train.txt").write_text("0.jpg\n1.jpg\n")
    (tmp_path / "test.txt").write_text("2.jpg\n3.jpg\n")
    with pytest.raises(DataError, match=r"but background in the 2 image\(s\) of test"):
        plan(load(root, splits=tmp_path))


# --- real ones ----------------------------------------------------------------------------------------------------


def test_the_four_real_sets(shared: Shared, tmp_path: Path) -> None:
    names = "sky building pole road pavement tree sign fence car pedestrian bicyclist unlabelled"
    (tmp_path / "camvid.txt").write_text(names.replace(" ", "\n"))
    street = load(shared("camvid"), legend=tmp_path / "camvid.txt")
    assert (len(street), len(street.classes), street.instances) == (120, 11, False)
    cells = load(shared("nuclei"))
    assert (len(cells), cells.classes, cells.instances) == (100, ("background", "object"), True)
    tiles = load(shared("magnetic_tiles"), group=r"(?:num_)(\d+)")
    assert (len(tiles), len(tiles.problems), tiles.legend.kind) == (192, 80, "binary")
    assert all("MT_Free" in path for path in tiles.problems) and tiles.samples[0].group.isdigit()
    field = load(shared("carrot_weed"), images="Images", masks="Weed_Plant_Masks")
    assert (len(field), len(field.classes)) == (26, 3)


def test_boxes_stay_the_usual_reading_where_there_are_masks_too(shared: Shared) -> None:
    people = load(shared("pedestrians"))
    assert people.task == "detect" and "there are masks too" in told(people)
    assert load(shared("pedestrians"), task="segment").task == "segment"
