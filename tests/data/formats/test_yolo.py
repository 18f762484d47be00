"""YOLO: folders and data.yaml that are splits, names from several places, ids that are never shifted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from objectif.data.formats.yolo import FORMAT
from objectif.data.load import load
from objectif.errors import DataError

Paint = Callable[..., Path]  # writes pictures of 16 x 12 px


def put(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_fractions_become_pixels_and_names_keep_their_ids(paint: Paint) -> None:
    root = paint("images/train/a.png", "images/val/b.png", "images/val/c.png")
    put(root / "labels/train/a.txt", "2 0.5 0.5 0.25 0.5\n\n0 0.125 0.25 0.25 0.5\n")
    put(root / "labels/val/b.txt", "")
    put(root / "data.yaml", "names: {0: ape, 1: bee, 2: cat}\nnc: 3\ntrain: images/train\nval: images/val\n")
    for path in (root, root / "data.yaml"):
        data = load(path)
        assert (data.layout, data.classes) == ("yolo", ("ape", "cat"))
        assert [(s.path, s.split) for s in data.samples] == [
            ("images/train/a.png", "train"),
            ("images/val/b.png", "val"),
            ("images/val/c.png", "val"),
        ]
        assert [(b.x1, b.y1, b.x2, b.y2, b.label) for b in data.samples[0].boxes or ()] == [
            (6, 3, 10, 9, 1),
            (0, 0, 4, 6, 0),
        ]
        assert data.samples[1].boxes == ()
        assert any(
            "names of classes from data.yaml (0 = ape, 2 = cat); where they are written, ids count anew"
            in note
            for note in data.notes
        )
        assert any("classes without objects left out: bee" in note for note in data.notes)
        assert any("1 image(s) without labels are kept" in note for note in data.notes)


def test_the_other_order_of_folders_and_paths_with_dots(paint: Paint) -> None:
    root = paint("train/images/a.png", "valid/images/a.png")
    put(root / "train/labels/a.txt", "0 .5 .5 .1 .1\n")
    put(root / "valid/labels/a.txt", "1 .5 .5 .1 .1\n")
    put(
        root / "data.yaml",
        "names: [x, y]\ntrain: ../train/images\nval: ../valid/images\ntest: ../test/images\n",
    )
    data = load(root)
    assert [(s.path, s.split, s.labels) for s in data.samples] == [
        ("train/images/a.png", "train", (0,)),
        ("valid/images/a.png", "val", (1,)),
    ]
    assert any("test is '../test/images', which is not there" in note for note in data.notes)


def test_lists_in_data_yaml_are_splits_and_the_same_folder_twice_is_none(paint: Paint) -> None:
    root = paint("images/a.png", "images/b.png")
    for name in "ab":
        put(root / f"labels/{name}.txt", "0 .5 .5 .1 .1\n")
    put(root / "one.txt", "./images/a.png\n")
    put(root / "two.txt", "./images/b.png\n")
    put(root / "data.yaml", "names: [x]\npath: .\ntrain: one.txt\ntest: two.txt\n")
    assert [s.split for s in load(root).samples] == ["train", "test"]
    put(root / "data.yaml", "names: [x]\ntrain: images\nval: images\n")
    data = load(root)
    assert [s.split for s in data.samples] == [None, None]
    assert any("names the same images for two splits" in note for note in data.notes)


def test_without_names_ids_are_the_names_and_it_is_said(paint: Paint) -> None:
    root = paint("a.png", "b.png")
    put(root / "a.txt", "7 .5 .5 .1 .1\n")
    put(root / "b.txt", "10 .5 .5 .1 .1\n")
    data = load(root)
    assert data.classes == ("7", "10")
    assert any("their ids are their names" in note for note in data.notes)
    put(root / "classes.txt", "\n".join("abcdefghijk") + "\n")
    assert load(root).classes == ("h", "k")


def test_polygons_and_confidences(paint: Paint) -> None:
    root = paint("a.png")
    put(root / "a.txt", "0 .25 .5 .5 .5 .5 1\n0 .5 .5 .5 .5 .93\n")
    data = load(root)
    assert [(b.x1, b.y1, b.x2, b.y2) for b in data.samples[0].boxes or ()] == [(4, 6, 8, 12), (4, 3, 12, 9)]
    assert any("1 polygon(s)" in note for note in data.notes)
    assert any("a confidence" in note for note in data.notes)


def test_sizes_are_those_of_the_upright_image(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6  # turned by a quarter
    Image.new("RGB", (40, 20)).save(tmp_path / "a.jpg", exif=exif)
    put(tmp_path / "a.txt", "0 .5 .5 1 1\n")
    (box,) = load(tmp_path).samples[0].boxes or ()
    assert (box.x2, box.y2) == (20, 40)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "0 .5 .5 .1 .1\n3 .5 .5 .1 .1\n",
            r"a\.txt, line 2: the class id is 3, but data\.yaml names 2 classes",
        ),
        ("0 .5 .5 .1 .1\n0 .5 .5 -.1 .1\n", r"a\.txt, line 2: the box .* is inverted"),
        ("0 .5 .5 .1 .1\n0 nan .5 .1 .1\n", r"a\.txt, line 2: 'nan'; expected fractions"),
        ("0 .5 .5 .1 .1\n0 .5 inf .1 .1\n", r"a\.txt, line 2: 'inf'; expected fractions"),
        ("0 .5 .5 .1 .1\n0 120 80 30 40\n", r"a\.txt, line 2: '120'; expected fractions .* Divide pixels"),
        ("0 .5 .5 .1 .1\n0 .5 x .1 .1\n", r"a\.txt, line 2: 'x'; expected fractions"),
        ("0 .5 .5 .1 .1\n0 .5 .1\n", r"a\.txt, line 2: 2 numbers after the class id"),
        ("0 .5 .5 .1 .1\n0 .5 .5 .1 .1 .1 .1 .1\n", r"a\.txt, line 2: 7 numbers after the class id"),
        ("0 .5 .5 .1 .1\n-1 .5 .5 .1 .1\n", r"a\.txt, line 2: the class id is '-1'"),
        ("0 .5 .5 .1 .1\n1.5 .5 .5 .1 .1\n", r"a\.txt, line 2: the class id is '1\.5'"),
    ],
)
def test_wrong_lines_are_told(paint: Paint, text: str, said: str) -> None:
    root = paint("a.png")
    put(root / "data.yaml", "names: [x, y]\n")
    put(root / "a.txt", text)
    with pytest.raises(DataError, match=said):
        load(root)


@pytest.mark.parametrize("word", ["nan", "inf", "-0.5", "1.5", "x", "1_0"])
@pytest.mark.parametrize("place", range(8))
def test_every_point_of_a_polygon_is_on_the_image(paint: Paint, word: str, place: int) -> None:
    root = paint("a.png")
    points = [".1", ".1", ".9", ".1", ".9", ".9", ".1", ".9"]
    points[place] = word
    put(root / "a.txt", f"0 .5 .5 .1 .1\n0 {' '.join(points)}\n")
    with pytest.raises(
        DataError, match=f"line 2: '{word}'; expected fractions .* cut the polygon at the edge"
    ):
        load(root)


def test_a_polygon_may_touch_the_edge_and_round_over_it(paint: Paint) -> None:
    root = paint("a.png")
    put(root / "a.txt", "0 0 0 1.0005 0 1 1 -0.0005 1\n")
    (box,) = load(root).samples[0].boxes or ()
    assert (box.x2, box.y2) == (pytest.approx(16.008), 12)


@pytest.mark.parametrize("word", ["inf", "nan", "1_0", "-1.0", "one"])
def test_what_is_no_class_id(paint: Paint, word: str) -> None:
    root = paint("a.png")
    put(root / "a.txt", f"0 .5 .5 .1 .1\n{word} .5 .5 .1 .1\n")
    with pytest.raises(DataError, match=f"the class id is '{word}'; expected a whole number"):
        load(root)


def test_folders_may_begin_with_many_negatives(paint: Paint) -> None:
    root = paint(*(f"images/{k:02}.png" for k in range(26)))
    for k in range(26):
        put(root / f"labels/{k:02}.txt", "" if k % 2 else "\n \n")
    put(root / "labels/25.txt", "\n0 .5 .5 .1 .1\n")
    data = load(root)
    assert (data.layout, len(data), data.classes) == ("yolo", 26, ("0",))


@pytest.mark.parametrize("word", ["0.0", "0.000000e+00"])
def test_an_id_that_is_written_as_a_fraction_is_seen_and_read(paint: Paint, word: str) -> None:
    root = paint("images/a.png")
    put(root / "labels/a.txt", f"{word} .5 .5 .1 .1\n")
    assert FORMAT.sniff(root) is not None
    assert load(root).classes == ("0",)


def test_a_description_beside_label_files_is_enough(paint: Paint) -> None:
    root = paint("images/a.png", "images/b.png")
    for name in "ab":
        put(root / f"labels/{name}.txt", "")
    assert FORMAT.sniff(root) is None
    put(root / "data.yaml", "names: [x]\n")
    with pytest.raises(DataError, match="no object in 2 images"):
        load(root)
    put(root / "data.yaml", "names: [x\n")
    assert FORMAT.sniff(root) is None


def test_names_that_contradict_each_other_stop(paint: Paint) -> None:
    root = paint("images/a.png")
    put(root / "labels/a.txt", "1 .5 .5 .1 .1\n")
    put(root / "labels/classes.txt", "ape\nbee\n")
    put(root / "elsewhere/classes.txt", "of\nsomething\nelse\n")
    put(root / "data.yaml", "names: [bee, ape]\n")
    with pytest.raises(
        DataError, match=r"data\.yaml: the class id 0 is 'bee', but .*classes\.txt says 'ape'; exp"
    ):
        load(root)
    put(root / "data.yaml", "names: [Ape, bee, cat]\n")
    data = load(root)
    assert data.classes == ("bee",)
    assert any("classes.txt names 2 classes and data.yaml 3, alike where both do" in n for n in data.notes)
    put(root / "data.yaml", "names: [ape, bee]\n")
    assert not any("classes.txt" in note for note in load(root).notes)
    (root / "data.yaml").unlink()
    put(root / "classes.txt", "bee\nape\n")  # two lists
    with pytest.raises(DataError, match="the class id 0 is 'bee'"):
        load(root)


def test_what_lines_tell_beside_boxes_is_dropped_and_told(paint: Paint) -> None:
    root = paint("a.png")
    put(root / "a.txt", "0 .25 .5 .5 .5 .5 1\n0 .5 .5 .5 .5 .93\n")
    put(root / "data.yaml", "names: [x, y, z]\n")
    assert load(root).dropped == (
        "polygons: 1 became the boxes around them",
        "confidences: of 1 object(s)",
        "classes without objects: y, z",
    )
    put(root / "a.txt", "0 .25 .5 .5 .5\n")
    put(root / "data.yaml", "names: [x]\n")
    assert load(root).dropped == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("names: [x, y]\nnc: 3\n", "nc is 3, but there are 2 names"),
        ("names: [x, x]\n", "'x' has the ids 0 and 1"),
        ("names: [Car, car]\n", "differ in case or spaces only"),
        ("names: {a: x}\n", "expected an id from 0 on and a text"),
        ("names: 5\n", "expected a list of texts"),
        ("names: [x, '']\n", "class 1 has no name"),
        ("names: [x\n", r"data\.yaml: not readable as YAML"),
        ("names: !!python/object/apply:os.system ['true']\n", "not readable as YAML"),
    ],
)
def test_wrong_descriptions_are_told(paint: Paint, text: str, said: str) -> None:
    root = paint("a.png")
    put(root / "a.txt", "0 .5 .5 .1 .1\n1 .5 .5 .1 .1\n")
    put(root / "data.yaml", text)
    with pytest.raises(DataError, match=said):
        load(root)


def test_names_that_differ_in_case_stop_only_where_both_have_objects(paint: Paint) -> None:
    root = paint("a.png")
    put(root / "a.txt", "0 .5 .5 .1 .1\n")
    put(root / "data.yaml", "names: [Car, car]\n")
    assert load(root).classes == ("Car",)


def test_an_image_may_be_called_like_a_list(paint: Paint) -> None:
    root = paint("images/train.png", "images/b.png")
    put(root / "labels/train.txt", "0 .5 .5 .1 .1\n")
    put(root / "labels/b.txt", "0 .5 .5 .1 .1\n")
    put(root / "labels/classes.txt", "rose\n")
    data = load(root)
    assert data.classes == ("rose",)
    assert [len(s.boxes or ()) for s in data.samples] == [1, 1]


def test_a_box_over_the_edge_is_kept(paint: Paint) -> None:
    root = paint("a.png")
    put(root / "a.txt", "0 0 1 0.5 0.5\n")
    (box,) = load(root).samples[0].boxes or ()
    assert (box.x1, box.y1, box.x2, box.y2) == (-4, 9, 4, 15)


def test_labels_without_an_image_and_broken_images_are_problems(paint: Paint) -> None:
    root = paint("images/a.png")
    put(root / "labels/a.txt", "0 .5 .5 .1 .1\n")
    put(root / "labels/gone.txt", "0 .5 .5 .1 .1\n")
    put(root / "labels/bad.txt", "0 .5 .5 .1 .1\n")
    put(root / "images/bad.png", "no picture")
    data = load(root)
    assert [s.path for s in data.samples] == ["images/a.png"]
    assert set(data.problems) == {"gone", "images/bad.png"}
    assert "labels/gone.txt is of it" in data.problems["gone"]


def test_texts_that_are_no_labels_are_passed_over(paint: Paint) -> None:
    root = paint("a.png", "x/b.png")
    put(root / "a.txt", "a caption for the picture\n")
    put(root / "train.txt", "0 1 2 3 4\n")
    assert FORMAT.sniff(root) is None
    with pytest.raises(DataError, match="expects a folder"):
        FORMAT.read(root / "a.txt")


def test_where_voc_stands_beside_and_agrees_its_names_are_taken(shared: Callable[..., Path]) -> None:
    root = shared("aerial_vehicles")
    data = load(root)
    assert (data.layout, data.classes, len(data)) == ("voc", ("car",), 115)
    assert any("'voc' is taken; 'yolo' would read the same labels" in note for note in data.notes)
    yolo = load(root, format="yolo")
    assert yolo.classes == ("0",)
    assert (
        sum(len(s.boxes or ()) for s in yolo.samples) == sum(len(s.boxes or ()) for s in data.samples) == 616
    )
