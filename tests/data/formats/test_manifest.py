"""manifest: every way of writing the table is understood, and every flaw is named with its line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from objectif.data.dataset import Dataset
from objectif.data.formats.manifest import FORMAT
from objectif.data.load import load
from objectif.errors import DataError, LayoutAmbiguous

Paint = Callable[..., Path]
IMAGES = ("a.png", "b.png", "sub dir/ü, \n.png", "d.png")


def write(paint: Paint, text: str, name: str = "labels.csv") -> Path:
    root = paint(*IMAGES)
    (root / name).write_text(text, encoding="utf-8", newline="")
    return root


def labels(data: Dataset) -> dict[str, tuple[str, ...]]:
    return {s.path: tuple(data.classes[k] for k in s.labels) for s in data.samples}


def test_all_columns(paint: Paint) -> None:
    root = write(
        paint,
        "path,label,group,split,weight\n"
        "a.png,rose,p1,train,1\n"
        "b.png,tulip,p1,Testing,0.5\n"
        '"sub dir/ü, \n.png",rose,,val,\n'
        "d.png,tulip,p2,,2\n",
    )
    data = FORMAT.read(root)
    assert data.classes == ("rose", "tulip")
    assert [(s.path, s.group, s.split, s.weight) for s in data.samples] == [
        ("a.png", "p1", "train", 1.0),
        ("b.png", "p1", "test", 0.5),
        ("d.png", "p2", None, 2.0),
        ("sub dir/ü, \n.png", None, "val", 1.0),
    ]
    assert not data.multilabel
    assert any("without a split are used for training" in note for note in data.notes)


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("header", [("path", "label"), ("Filename", "CLASS"), ("label", "image")])
def test_separators_headers_and_line_ends(
    paint: Paint, mark: str, start: str, end: str, header: tuple[str, str]
) -> None:
    rows = [header, ("a.png", "rose"), ("b.png", "tulip")]
    if header[0] == "label":
        rows = [header, *((b, a) for a, b in rows[1:])]
    text = start + end.join(mark.join(row) for row in rows) + end
    data = load(write(paint, text))
    assert data.layout == "manifest"
    assert labels(data) == {"a.png": ("rose",), "b.png": ("tulip",)}


@pytest.mark.parametrize("mark", ["|", ";"])
def test_joined_labels_are_multilabel(paint: Paint, mark: str) -> None:
    data = FORMAT.read(write(paint, f"path,label\na.png,wbc{mark}rbc\nb.png,rbc\nd.png,\n"))
    assert data.multilabel
    assert labels(data) == {"a.png": ("rbc", "wbc"), "b.png": ("rbc",), "d.png": ()}
    assert data.truth().tolist() == [[1, 1], [1, 0], [0, 0]]


def test_a_column_per_class_is_multilabel(paint: Paint) -> None:
    data = FORMAT.read(write(paint, "path,wbc,rbc,never\na.png,1,1,0\nb.png,0,1,0\nd.png,0,0,0\n"))
    assert data.multilabel
    assert data.classes == ("wbc", "rbc")
    assert labels(data) == {"a.png": ("wbc", "rbc"), "b.png": ("rbc",), "d.png": ()}
    assert any("classes that no image has left out: never" in note for note in data.notes)


def test_exactly_one_1_in_each_row_is_one_label(paint: Paint) -> None:
    data = FORMAT.read(write(paint, "image,mel,nv\na.png,1.0,0.0\nb.png,0.0,1.0\n"))
    assert not data.multilabel
    assert labels(data) == {"a.png": ("mel",), "b.png": ("nv",)}


def test_files_named_after_splits_are_one(paint: Paint) -> None:
    root = write(paint, "path,label\na.png,x\nb.png,y\n", "train.csv")
    (root / "test.csv").write_text("path,label\nd.png,x\n")
    data = load(root)
    assert [(s.path, s.split) for s in data.samples] == [
        ("a.png", "train"),
        ("b.png", "train"),
        ("d.png", "test"),
    ]


def test_several_other_files_are_ambiguous_but_one_may_be_given(paint: Paint) -> None:
    root = write(paint, "path,label\na.png,x\nb.png,y\n", "one.csv")
    (root / "two.csv").write_text("path,label\na.png,y\nb.png,x\n")
    with pytest.raises(LayoutAmbiguous, match=r"one\.csv.*two\.csv"):
        load(root)
    assert labels(load(root / "two.csv")) == {"a.png": ("y",), "b.png": ("x",)}


def test_images_in_a_folder_beside_the_table(paint: Paint) -> None:
    root = paint("images/a.png", "images/b.png")
    (root / "human.csv").write_text("image,label,votes\na.png,x,3\nb.png,y,4\n")
    data = load(root)
    assert labels(data) == {"images/a.png": ("x",), "images/b.png": ("y",)}
    text = "\n".join(data.notes)
    assert "relative to 'images'" in text
    assert "columns not used: votes" in text
    assert "'folders' would find one class only" in text


def test_paths_from_windows(paint: Paint) -> None:
    root = paint("in/a.png", "in/b.png")
    (root / "m.csv").write_text("path,label\nin\\a.png,x\nin\\b.png,y\n")
    assert labels(FORMAT.read(root)) == {"in/a.png": ("x",), "in/b.png": ("y",)}


def test_missing_files_and_labels_are_problems_and_the_rest_is_used(paint: Paint) -> None:
    data = FORMAT.read(
        write(paint, "path,label\na.png,x\ngone.png,x\nb.png,\nsub dir,y\nd.png,y\na\0.png,y\n")
    )
    assert list(labels(data)) == ["a.png", "d.png"]
    assert {k: v.split(" (")[0] for k, v in data.problems.items()} == {
        "gone.png": "no such file",
        "b.png": "no label",
        "sub dir": "is a folder",
        "a\0.png": "no such file",
    }
    assert any("4 of 6 rows cannot be used" in note for note in data.notes)


def test_repeated_rows_count_once(paint: Paint) -> None:
    data = FORMAT.read(write(paint, "path,label\na.png,x\n./a.png,x\nb.png,y\n"))
    assert len(data) == 2
    assert "1 repeated row(s) counted once" in data.notes


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("path,label\na.png,x\na.png,y\n", r"line 3: 'a\.png' is already in line 2 with another label"),
        ("path,colour\na.png,x\n", "no column of labels among path, colour"),
        ("name,label\na.png,x\n", "no column of paths among name, label"),
        ("path,label\na.png,x,y\n", "line 2: 3 fields; expected 2"),
        ("path,path,label\na.png,a.png,y\n", "'path' is there twice"),
        ("path,label,weight\na.png,x,1\nb.png,y,0\n", "line 3: weight '0'; expected a number above 0"),
        ("path,label,weight\na.png,x,-2\n", "weight '-2'"),
        ("path,label,weight\na.png,x,nan\n", "weight 'nan'"),
        ("path,label,weight\na.png,x,inf\n", "weight 'inf'"),
        ("path,label,weight\na.png,x,much\n", "weight 'much'"),
        ("path,label,split\na.png,x,later\n", "split 'later'; expected train, val or test"),
        ("path,label\n,x\n", "line 2: the path is empty"),
        ("path,label\n", "no rows below the header"),
        ("", "the file is empty"),
        ("path,label\nx.png,a\ny.png,b\n", r"none of its 2 images can be used \('x\.png': no such file"),
        ("path,label\na.png,\nb.png,\n", "none of its 2 images can be used"),
        ('path,label\n"a.png,x\n', "not a readable CSV"),
    ],
)
def test_each_flaw_is_one_message(paint: Paint, text: str, words: str) -> None:
    root = write(paint, text)
    with pytest.raises(DataError, match=words):
        load(root / "labels.csv", format="manifest")


def test_other_encodings_are_named(paint: Paint) -> None:
    root = paint("a.png")
    (root / "m.csv").write_bytes("path,label\na.png,Müll\n".encode("latin-1"))
    with pytest.raises(DataError, match="not UTF-8"):
        FORMAT.read(root)


def test_real_votes(shared: Any) -> None:
    data = load(shared("cifar10h"))
    assert (data.layout, len(data), len(data.classes)) == ("manifest", 2000, 10)
