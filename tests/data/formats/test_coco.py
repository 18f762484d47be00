"""COCO: splits by name and folder, ids that skip, crowds, polygons; and all that can be wrong with a JSON file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from objectif.data.formats.coco import FORMAT
from objectif.data.load import load
from objectif.errors import DataError, LayoutAmbiguous

Paint = Callable[..., Path]


def content(**changes: Any) -> dict[str, Any]:
    """Two images of 16 x 12 px; ids skip numbers."""
    plain: dict[str, Any] = {
        "images": [{"id": 7, "file_name": "a.png"}, {"id": 40, "file_name": "b.png"}],
        "annotations": [
            {"id": 3, "image_id": 7, "category_id": 90, "bbox": [1, 2.5, 3, 4]},
            {"id": 9, "image_id": 7, "category_id": 11, "bbox": [0, 0, 2, 2], "iscrowd": 1},
            {"id": 10, "image_id": 40, "category_id": 11, "bbox": [0, 0, 2, 2]},
        ],
        "categories": [{"id": 90, "name": "zebra"}, {"id": 11, "name": "yak"}, {"id": 5, "name": "ape"}],
    }
    return plain | changes


def put(folder: Path, name: str = "labels.json", **changes: Any) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content(**changes)))
    return file


def annotation(**changes: Any) -> list[dict[str, Any]]:
    return [{"id": 1, "image_id": 7, "category_id": 90, "bbox": [1, 1, 2, 2]} | changes]


def test_ids_that_skip_numbers_are_names_and_crowds_are_ignored(paint: Paint) -> None:
    root = paint("images/a.png", "images/b.png")
    data = load(put(root)) if FORMAT.sniff(put(root)) else None
    assert data is not None
    assert data.classes == ("yak", "zebra")
    a, b = data.samples
    assert [(x.x1, x.y1, x.x2, x.y2, x.label, x.ignore) for x in a.boxes or ()] == [
        (1, 2.5, 4, 6.5, 1, False),
        (0, 0, 2, 2, 0, True),
    ]
    assert (a.path, a.labels, b.labels) == ("images/a.png", (1,), (0,))
    assert data.multilabel and data.task == "detect"
    assert any("without objects left out: ape" in note for note in data.notes)
    assert any("1 object(s) marked difficult or crowd" in note for note in data.notes)


@pytest.mark.parametrize(
    ("train", "test", "images"),
    [
        ("annotations/instances_train2017.json", "annotations/instances_test2017.json", "train2017 test2017"),
        ("train/_annotations.coco.json", "test/_annotations.coco.json", "train test"),
        ("train.json", "test.json", "images images"),
    ],
)
def test_splits_by_name_or_folder(paint: Paint, train: str, test: str, images: str) -> None:
    first, second = images.split()
    root = paint(f"{first}/a.png", f"{first}/b.png", f"{second}/c.png")
    put(root, train)
    put(
        root,
        test,
        images=[{"id": 7, "file_name": "c.png"}],
        annotations=annotation(),
    )
    data = load(root)
    assert data.layout == "coco"
    assert [(Path(s.path).name, s.split) for s in sorted(data.samples, key=lambda s: Path(s.path).name)] == [
        ("a.png", "train"),
        ("b.png", "train"),
        ("c.png", "test"),
    ]


def test_one_name_in_two_folders_is_told_by_the_split(paint: Paint) -> None:
    root = paint("x/train2017/a.png", "x/val2017/a.png", "x/train2017/b.png")
    put(
        root,
        "annotations/instances_val2017.json",
        images=[{"id": 7, "file_name": "a.png"}],
        annotations=annotation(),
    )
    put(root, "annotations/instances_train2017.json")
    data = load(root)
    assert [(s.path, s.split) for s in data.samples] == [
        ("x/train2017/a.png", "train"),
        ("x/train2017/b.png", "train"),
        ("x/val2017/a.png", "val"),
    ]


def test_several_files_that_are_no_splits_stop(paint: Paint) -> None:
    root = paint("a.png", "b.png")
    put(root, "one.json")
    put(root, "two.json")
    with pytest.raises(LayoutAmbiguous, match=r"several COCO files: one\.json, two\.json"):
        load(root)
    assert len(load(root / "two.json")) == 2


def test_an_object_without_a_box_has_that_of_its_polygons(paint: Paint) -> None:
    root = paint("a.png", "b.png")
    rings = [[1, 2, 5, 2, 5, 9], [0, 3, 2, 3, 2, 4]]
    data = load(put(root, annotations=annotation(bbox=None, segmentation=rings)))
    (box,) = data.samples[0].boxes or ()
    assert (box.x1, box.y1, box.x2, box.y2) == (0, 2, 5, 9)


def test_images_that_are_missing_are_problems_and_objects_of_unknown_images_are_told(paint: Paint) -> None:
    root = paint("a.png")
    stray = [*content()["annotations"], {"id": 5, "image_id": 77, "category_id": 11, "bbox": [0, 0, 1, 1]}]
    data = load(put(root, annotations=stray))
    assert [s.path for s in data.samples] == ["a.png"]
    assert data.problems == {"b.png": "no such image (labels.json lists it)"}
    assert any("1 object(s) of images that it does not list" in note for note in data.notes)


def test_an_image_without_objects_is_a_negative(paint: Paint) -> None:
    root = paint("a.png", "b.png")
    data = load(put(root, annotations=annotation()))
    assert data.samples[1].boxes == ()
    assert any("1 image(s) labelled as holding no object are kept" in note for note in data.notes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"annotations": annotation(bbox=[1, 1, -2, 2])}, r"annotation 1 \(id 1\): the box .* is inverted"),
        (
            {"annotations": annotation(bbox=[1, float("nan"), 2, 2])},
            r"annotation 1 .*a corner of the box is nan",
        ),
        (
            {"annotations": annotation(bbox=[1, 1, float("inf"), 2])},
            r"annotation 1 .*a corner of the box is inf",
        ),
        ({"annotations": annotation(bbox=[1, None, 2, 2])}, r"annotation 1 .*a corner of the box is None"),
        ({"annotations": annotation(bbox=[1, "2", 2, True])}, r"annotation 1 .*expected a finite number"),
        ({"annotations": annotation(bbox=[1, 2])}, r"annotation 1 .*expected \[x, y, width, height\]"),
        (
            {"annotations": annotation(bbox=[int("9" * 401), 1, 2.5, 2])},
            r"annotation 1 .*a corner of the box is 9{40};",
        ),
        (
            {"annotations": annotation(bbox=None, segmentation=[[1, 2, 5.5, 2, int("9" * 401), 9]])},
            r"annotation 1 .*a corner of the box is 9{40};",
        ),
        (
            {"annotations": annotation(bbox=None, segmentation=[[1, 2, 5, float("nan"), 5, 9]])},
            r"annotation 1 .*a corner of the box is nan",
        ),
        ({"annotations": annotation(category_id=[3])}, r"category_id is \[3\]; expected one of 5, 11, 90"),
        ({"annotations": annotation(category_id=True)}, "category_id is True; expected one of"),
        (
            {"annotations": annotation(image_id="7")},
            r"1 object.* \(image_id '7'; the ids of its images are 7, 40\)",
        ),
        ({"annotations": annotation(image_id=[7])}, r"image_id \[7\]; .* Write the ids alike"),
        ({"annotations": annotation(image_id=True)}, "image_id True; "),
        ({"annotations": annotation(bbox=[])}, "no bbox and no polygons"),
        ({"annotations": annotation(category_id=1)}, r"category_id is 1; expected one of 5, 11, 90"),
        ({"annotations": []}, "no object in 2 images"),
        ({"images": [{"id": 7, "file_name": "a.png"}] * 2}, "image 2: the id 7 is there twice"),
        ({"images": [{"id": 7, "file_name": "a.png"}, {"id": 8, "file_name": "a.png"}]}, "listed twice"),
        ({"images": [{"id": 7}]}, "image 1: .*expected an id and a file_name"),
        ({"categories": [{"id": 90, "name": ""}]}, "expected a whole number as id and a text"),
        ({"categories": [{"id": 90, "name": "a"}, {"id": 90, "name": "b"}]}, "category id 90 is 'a' and 'b'"),
        ({"categories": [{"id": 90, "name": "a"}, {"id": 11, "name": "a"}]}, "'a' has the ids 90 and 11"),
        (
            {"categories": [{"id": 90, "name": "Car"}, {"id": 11, "name": "car"}]},
            "differ in case or spaces only",
        ),
        (
            {"categories": [{"id": 90, "name": "a b"}, {"id": 11, "name": "ab "}]},
            "differ in case or spaces only",
        ),
        ({"images": {}}, "'images' is no list of objects"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(paint: Paint, changes: dict[str, Any], said: str) -> None:
    root = paint("a.png", "b.png")
    with pytest.raises(DataError, match=said):
        load(put(root, **changes))


def test_a_whole_number_is_one_id_however_it_is_written(paint: Paint) -> None:
    root = paint("a.png", "b.png")
    data = load(put(root, annotations=annotation(image_id=7.0)))
    assert [len(s.boxes or ()) for s in data.samples] == [1, 0]
    images = [{"id": 7.0, "file_name": "a.png"}, {"id": 40.0, "file_name": "b.png"}]
    assert len(load(put(root, images=images)).samples[0].boxes or ()) == 2


def test_what_stands_beside_boxes_is_dropped_and_told(paint: Paint) -> None:
    root = paint("a.png", "b.png")
    stray = {"id": 5, "image_id": 77, "category_id": 90, "bbox": [0, 0, 1, 1]}
    told = annotation(keypoints=[1, 2, 2], score=0.5, attributes={}, area=4, iscrowd=0)
    data = load(put(root, annotations=[*told, stray]))
    first, *others = data.dropped
    assert "1 object(s) of images that it does not list (image_id 77;" in first
    assert others == [
        "keypoints: of 1 object(s)",
        "score: of 1 object(s)",
        "classes without objects: ape, yak",
    ]


def test_negative_corners_and_floats_are_kept(paint: Paint) -> None:
    root = paint("a.png", "b.png")
    data = load(put(root, annotations=annotation(bbox=[-3.5, -1, 4, 2.25])))
    (box,) = data.samples[0].boxes or ()
    assert (box.x1, box.y1, box.x2, box.y2) == (-3.5, -1, 0.5, 1.25)


@pytest.mark.parametrize("raw", [b'{"images": [], "annotations": [], "categories": [', b"[" * 100_000])
def test_malformed_json(paint: Paint, raw: bytes) -> None:
    root = paint("a.png")
    (root / "labels.json").write_bytes(raw)
    with pytest.raises(DataError, match=r"labels\.json: not readable as JSON"):
        load(root / "labels.json")


def test_other_json_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"images": 1}')
    (tmp_path / "empty.json").write_bytes(b"")
    assert FORMAT.sniff(tmp_path) is None
    with pytest.raises(DataError, match="no JSON file"):
        FORMAT.read(tmp_path / "x.txt" if (tmp_path / "x.txt").exists() else paint_free(tmp_path))


def paint_free(folder: Path) -> Path:
    inner = folder / "nothing"
    inner.mkdir()
    return inner


def test_the_sample_of_forest_trees(shared: Callable[..., Path]) -> None:
    data = load(shared("forest_trees", "coco_sample_file.json"))
    assert (len(data), data.classes, sum(len(s.boxes or ()) for s in data.samples)) == (2, ("tree",), 6)
