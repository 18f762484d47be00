"""VOC: images found by name, lists that are splits, difficult objects; and all that can be wrong with an XML file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from objectif.data.formats.voc import FORMAT
from objectif.data.load import load
from objectif.errors import DataError

Paint = Callable[..., Path]
BOX = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>5.5</xmax><ymax>9</ymax></bndbox>"


def item(name: str = "rose", box: str = BOX, more: str = "") -> str:
    return f"<object><name>{name}</name>{more}{box}</object>"


def put(file: Path, *items: str, named: str = "") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"<annotation><filename>{named}</filename>{''.join(items)}</annotation>")
    return file


def lists(root: Path, **names: str) -> None:
    folder = root / "ImageSets" / "Main"
    folder.mkdir(parents=True)
    for split, text in names.items():
        (folder / f"{split}.txt").write_text("".join(f"{n}\n" for n in text.split(",")))


def test_annotations_images_and_lists(paint: Paint) -> None:
    root = paint("VOC/JPEGImages/a.png", "VOC/JPEGImages/b.png", "VOC/JPEGImages/c d.png", "VOC/other/z.png")
    base = root / "VOC"
    put(base / "Annotations/a.xml", item(), item("tulip", more="<difficult>1</difficult>"))
    put(base / "Annotations/b.xml", item("tulip"), item("Rose bush"))
    lists(base, train="a,c d", test="b  ", trainval="a,b,c d", rose_train="a 1")
    data = load(root)
    assert (data.layout, data.classes) == ("voc", ("Rose bush", "rose", "tulip"))
    assert [(s.path, s.split, s.labels) for s in data.samples] == [
        ("VOC/JPEGImages/a.png", "train", (1,)),
        ("VOC/JPEGImages/b.png", "test", (0, 2)),
        ("VOC/JPEGImages/c d.png", "train", ()),
    ]
    first = (data.samples[0].boxes or ())[0]
    assert (first.x1, first.y1, first.x2, first.y2, first.ignore) == (1, 2, 5.5, 9, False)
    assert any("1 image(s) without labels are kept as negatives" in note for note in data.notes)
    assert any("taken as they stand" in note for note in data.notes)


def test_what_objects_tell_beside_boxes_is_dropped_and_told(paint: Paint) -> None:
    root = paint("a.png")
    plain = "<truncated>0</truncated><pose>Unspecified</pose>"
    more = "<truncated>1</truncated><occluded>1</occluded><pose>Left</pose><part><name>leaf</name></part>"
    put(root / "a.xml", item(more=plain), item(more=more), item("tulip", more="<difficult>1</difficult>"))
    assert load(root).dropped == (
        "occluded flags: of 1 object(s)",
        "parts: of 1 object(s)",
        "poses: of 1 object(s)",
        "truncated flags: of 1 object(s)",
        "classes with ignored objects only: tulip (1 object(s))",
    )
    put(root / "a.xml", item(more=plain))
    assert load(root).dropped == ()


def test_trainval_trains_where_there_is_no_train_list(paint: Paint) -> None:
    root = paint("JPEGImages/a.png", "JPEGImages/b.png")
    for name in "ab":
        put(root / f"Annotations/{name}.xml", item())
    lists(root, trainval="a", test="b,gone")
    data = load(root)
    assert [s.split for s in data.samples] == ["train", "test"]
    assert data.problems == {"gone": "no such image (test.txt names it for test)"}


def test_an_image_in_two_lists_stops(paint: Paint) -> None:
    root = paint("JPEGImages/a.png")
    put(root / "Annotations/a.xml", item())
    lists(root, train="a", test="a")
    with pytest.raises(DataError, match=r"line 1: 'a' is already in test\.txt"):
        load(root)


def test_xml_beside_images_and_names_of_another_machine(paint: Paint) -> None:
    root = paint("a.png", "b.png", "b.jpg")
    put(root / "a.xml", item(), named="C:\\data\\renamed.jpg")
    put(root / "b.xml", item(), named="b.png")
    data = load(root)
    assert [(s.path, len(s.boxes or ())) for s in data.samples] == [("a.png", 1), ("b.jpg", 0), ("b.png", 1)]
    assert [s.path for s in load(root / "a.xml").samples] == ["a.png"]


def test_the_name_inside_is_taken_where_that_of_the_file_fits_nothing(paint: Paint) -> None:
    root = paint("images/a.png", "images/x.png")
    put(root / "labels/1.xml", item(), named="./other/x.png")
    put(root / "labels/2.xml", item(), named="gone.png")
    data = load(root)
    assert [(s.path, len(s.boxes or ())) for s in data.samples] == [("images/a.png", 0), ("images/x.png", 1)]
    assert data.problems == {"gone.png": "no such image (labels/2.xml is of it)"}


def test_two_annotations_of_one_image_stop_if_they_differ(paint: Paint) -> None:
    root = paint("images/a.png")
    put(root / "one/a.xml", item())
    put(root / "two/a.xml", item())
    assert len(load(root)) == 1
    put(root / "two/a.xml", item("other"))
    with pytest.raises(DataError, match=r"one/a\.xml is of the image images/a\.png too and differs"):
        load(root)


def corners(*values: object) -> str:
    names = ("xmin", "ymin", "xmax", "ymax")
    return "".join(f"<{n}>{v}</{n}>" for n, v in zip(names, values, strict=True)).join(
        ("<bndbox>", "</bndbox>")
    )


@pytest.mark.parametrize(
    ("box", "said"),
    [
        (corners(9, 2, 5, 9), r"a\.xml, object 2: the box \(9, 2, 5, 9\) is inverted"),
        (corners(1, 2, "nan", 9), r"a\.xml, object 2: a corner of the box is 'nan'"),
        (corners(1, 2, "-inf", 9), r"a\.xml, object 2: a corner of the box is '-inf'"),
        (corners(1, "", 5, 9), r"a\.xml, object 2: a corner of the box is ''"),
        ("<polygon/>", r"a\.xml, object 2: no <bndbox>"),
    ],
)
def test_impossible_boxes_are_told_with_file_and_object(paint: Paint, box: str, said: str) -> None:
    root = paint("a.png")
    put(root / "a.xml", item(), item(box=box))
    with pytest.raises(DataError, match=said):
        load(root)


def test_boxes_partly_outside_negative_or_empty_are_kept(paint: Paint) -> None:
    root = paint("a.png")
    put(root / "a.xml", item(box=corners(-4, -1.5, 900, 9)), item(box=corners(3, 3, 3, 3)))
    assert [b.x1 for b in load(root).samples[0].boxes or ()] == [-4, 3]


@pytest.mark.parametrize(("one", "other"), [("Car", "car"), ("fire truck", "firetruck"), ("ß", "SS")])
def test_names_that_differ_in_case_or_spaces_stop(paint: Paint, one: str, other: str) -> None:
    root = paint("a.png", "b.png")
    put(root / "a.xml", item(one))
    put(root / "b.xml", item(other))
    with pytest.raises(DataError, match="differ in case or spaces only; expected one spelling"):
        load(root)


def test_an_object_without_a_name_stops(paint: Paint) -> None:
    root = paint("a.png")
    put(root / "a.xml", item(" "))
    with pytest.raises(DataError, match=r"object 1: the object has no class"):
        load(root)


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><annotation><filename>&b;</filename></annotation>'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<annotation><object>", "not readable as XML"),
        (BOMB, "it has a DOCTYPE"),
        ("<annotation>\0", "not readable"),
    ],
)
def test_malformed_xml_and_entities_stop(paint: Paint, text: str, said: str) -> None:
    root = paint("a.png")
    (root / "a.xml").write_text(text)
    with pytest.raises(DataError, match=said):
        load(root)


def test_a_doctype_in_utf_16_is_no_way_around(paint: Paint) -> None:
    root = paint("a.png", "b.png")
    put(root / "b.xml", item())
    (root / "a.xml").write_bytes(f'<?xml version="1.0" encoding="utf-16"?>{BOMB}'.encode("utf-16"))
    with pytest.raises(DataError, match="it has a DOCTYPE"):
        load(root)


def test_no_objects_and_other_xml(paint: Paint) -> None:
    root = paint("a.png")
    put(root / "a.xml")
    with pytest.raises(DataError, match="no object in 1 images"):
        load(root)
    (root / "a.xml").write_text("<svg/>")
    assert FORMAT.sniff(root) is None


def test_real_sets(shared: Callable[..., Path]) -> None:
    cells = load(shared("blood_cells"))
    assert (cells.layout, len(cells), cells.classes) == ("voc", 364, ("Platelets", "RBC", "WBC"))
    assert sum(len(s.boxes or ()) for s in cells.samples) == 4888
    assert {s.split for s in cells.samples} == {"train", "val", "test"}
    given = load(shared("blood_cells"), splits=shared("blood_cells", room="splits"))
    assert [len(given.split(name)) for name in ("train", "val", "test")] == [205, 87, 72]
    raccoons = load(shared("raccoons"))
    assert (raccoons.layout, len(raccoons), raccoons.classes) == ("voc", 60, ("raccoon",))
