"""CSV of boxes and PASCAL text: columns under several names, images without objects, lines that are wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from objectif.data.formats import pascal_text
from objectif.data.formats.boxes_csv import FORMAT
from objectif.data.load import load
from objectif.errors import DataError, LayoutAmbiguous

Paint = Callable[..., Path]


def put(root: Path, text: str, name: str = "boxes.csv") -> Path:
    (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    "head",
    [
        "path,x1,y1,x2,y2,label",
        "image_path,xmin,ymin,xmax,ymax,label",
        "Filename,left,top,right,bottom,class",
    ],
)
def test_columns_may_have_several_names(paint: Paint, head: str) -> None:
    root = put(
        paint("img/a.png", "img/b.png"), f"{head}\na.png,1,2,5.5,9,rose\na.png,0,0,3,3,tulip\nb.png,,,,,\n"
    )
    data = load(root)
    assert (data.layout, data.classes) == ("boxes_csv", ("rose", "tulip"))
    a, b = data.samples
    assert [(x.x1, x.y2, x.label) for x in a.boxes or ()] == [(1, 9, 0), (0, 3, 1)]
    assert (a.path, b.boxes) == ("img/a.png", ())
    assert any("paths are relative to 'img'" in note for note in data.notes)


def test_optional_columns(paint: Paint) -> None:
    rows = "a.png,1,2,5,9,rose,1,p,train,2\na.png,1,2,5,9,tulip,0,p,train,2\nb.png,1,2,5,9,rose,,q,test,1\n"
    data = load(put(paint("a.png", "b.png"), f"path,x1,y1,x2,y2,label,ignore,group,split,weight\n{rows}"))
    a, b = data.samples
    assert (a.group, a.split, a.weight, b.split) == ("p", "train", 2.0, "test")
    assert [x.ignore for x in a.boxes or ()] == [True, False]


def test_columns_that_are_not_read_are_dropped_and_told(paint: Paint) -> None:
    root = paint("a.png")
    put(
        root,
        "path,width,height,x1,y1,x2,y2,label,Difficult,split,score,by\na.png,16,12,1,2,5,9,x,0,train,.5,me\n",
    )
    assert load(root).dropped == ("columns that are not read: score, by",)
    put(root, "path,x1,y1,x2,y2,label\na.png,1,2,5,9,x\n")
    assert load(root).dropped == ()


def test_what_pascal_text_tells_beside_boxes_is_dropped_and_told(paint: Paint) -> None:
    root = paint("a.png")
    lines = [
        "# Compatible with PASCAL Annotation Version 1.00",
        'Image filename : "a.png"',
        'Original label for object 1 "PASpersonWalking" : "Walker"',
        'Bounding box for object 1 "PASpersonWalking" (Xmin, Ymin) - (Xmax, Ymax) : (1, 2) - (5, 9)',
        'Pixel mask for object 1 "PASpersonWalking" : "a_mask.png"',
    ]
    put(root, "\n".join(lines), "a.txt")
    data = load(root)
    assert data.classes == ("PASperson",)
    assert data.dropped == (
        "original labels: of 1 object(s)",
        "pixel masks: of 1 object(s)",
        "poses and views in names of classes: of 1 object(s)",
    )


def test_files_named_after_splits_are_one_and_others_stop(paint: Paint) -> None:
    root = paint("a.png", "b.png")
    put(root, "path,x1,y1,x2,y2,label\na.png,1,2,5,9,rose\n", "train.csv")
    put(root, "path,x1,y1,x2,y2,label\nb.png,1,2,5,9,rose\n", "test.csv")
    assert [s.split for s in load(root).samples] == ["train", "test"]
    (root / "test.csv").rename(root / "other.csv")
    with pytest.raises(LayoutAmbiguous, match=r"several CSV files list boxes: other\.csv, train\.csv"):
        load(root)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("a.png,5,2,1,9,rose", r"line 3: the box \(5, 2, 1, 9\) is inverted"),
        ("a.png,1,2,nan,9,rose", r"line 3: a corner of the box is 'nan'"),
        ("a.png,1,,5,9,rose", r"line 3: a corner of the box is ''"),
        ("a.png,1,2,5,9,", r"line 3: the object has no class"),
        ("a.png,1,2,5,9,ROSE", "differ in case or spaces only"),
        (" ,1,2,5,9,rose", r"line 3: the path is empty"),
        ("a.png,1,2,5", r"line 3: 4 fields; expected 6"),
    ],
)
def test_wrong_rows_are_told(paint: Paint, row: str, said: str) -> None:
    root = put(paint("a.png"), f"path,x1,y1,x2,y2,label\na.png,1,2,5,9,rose\n{row}\n")
    with pytest.raises(DataError, match=said):
        load(root)


def test_rows_of_an_image_that_differ_stop(paint: Paint) -> None:
    rows = "a.png,1,2,5,9,rose,train\na.png,1,2,5,9,rose,test\n"
    with pytest.raises(
        DataError, match=r"line 3: 'a\.png' has another group, split or weight than in .*line 2"
    ):
        load(put(paint("a.png"), f"path,x1,y1,x2,y2,label,split\n{rows}"))
    rows = "a.png,1,2,5,9,rose,maybe\n"
    with pytest.raises(DataError, match="ignore is 'maybe'; expected 0 or 1"):
        load(put(paint("a.png"), f"path,x1,y1,x2,y2,label,ignore\n{rows}"))


def test_missing_images(paint: Paint) -> None:
    root = put(paint("a.png"), "path,x1,y1,x2,y2,label\na.png,1,2,5,9,rose\nb.png,1,2,5,9,rose\n")
    assert load(root).problems == {"b.png": "no such file (line 3)"}
    with pytest.raises(
        DataError, match=r"none of its 1 images can be used \('b\.png': no such file \(line 2\)\)"
    ):
        load(put(root, "path,x1,y1,x2,y2,label\nb.png,1,2,5,9,rose\n"))


def test_a_csv_of_labels_is_left_to_the_manifest(paint: Paint) -> None:
    root = put(paint("a.png", "b.png"), "path,label\na.png,x\nb.png,y\n")
    assert FORMAT.sniff(root) is None
    assert load(root).layout == "manifest"
    with pytest.raises(DataError, match="expected path, x1, y1, x2, y2, label"):
        FORMAT.read(root)


def test_deepforest(shared: Callable[..., Path]) -> None:
    data = load(shared("forest_trees", "testfile_deepforest.csv"))
    assert (len(data), data.classes, len(data.samples[0].boxes or ())) == (1, ("Tree",), 61)
    with pytest.raises(LayoutAmbiguous, match="--format coco: 2 images"):
        load(shared("forest_trees"))


def test_pascal_text(shared: Callable[..., Path]) -> None:
    data = load(shared("pedestrians"))
    assert (data.layout, len(data)) == ("pascal_text", 90)
    assert data.classes == ("PASperson",)
    first = (data.samples[0].boxes or ())[0]
    assert (data.samples[0].path, first.x1, first.y2) == ("PNGImages/FudanPed00001.jpg", 160, 431)


HEAD = '# PASCAL Annotation Version 1.00\nImage filename : "old/a.png"\nObjects with ground truth : 1\n'
LINE = 'Bounding box for object 1 "P" (Xmin, Ymin) - (Xmax, Ymax) : '


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD, "0 boxes, but 1 objects"),
        (f"{HEAD}{LINE}(1, 2) - (3\n", r"object 1: '\(1, 2\) - \(3'; expected"),
        (f"{HEAD}{LINE}(1, 2) - (0, 4)\n", "object 1: the box .* is inverted"),
        ("# PASCAL Annotation Version 1.00\n", "no line 'Image filename"),
    ],
)
def test_wrong_pascal_text(paint: Paint, text: str, said: str) -> None:
    root = paint("a.png")
    (root / "a.txt").write_text(text)
    with pytest.raises(DataError, match=said):
        load(root)
    with pytest.raises(DataError, match="is no folder"):
        pascal_text.FORMAT.read(root / "a.txt")
