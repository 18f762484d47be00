"""load: the layout is found and said; equal readings are no ambiguity, others stop; groups come from names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from objectif.data.load import load
from objectif.errors import DataError, LayoutAmbiguous, LayoutUnknown, PluginError

Paint = Callable[..., Path]


def test_equal_readings_take_the_one_that_knows_more(paint: Paint) -> None:
    root = paint("x/1.png", "x/2.png", "y/1.png")
    (root / "m.csv").write_text("path,label,group\nx/1.png,x,p\nx/2.png,x,p\ny/1.png,y,q\n")
    data = load(root)
    assert data.layout == "manifest"
    assert [s.group for s in data.samples] == ["p", "p", "q"]
    assert any("'manifest' is taken; 'folders' would read the same labels" in note for note in data.notes)


def test_splits_of_folders_outweigh_a_bare_manifest(paint: Paint) -> None:
    root = paint("train/x/1.png", "train/y/2.png", "test/x/1.png")
    (root / "m.csv").write_text("path,label\ntrain/x/1.png,x\ntrain/y/2.png,y\ntest/x/1.png,x\n")
    assert load(root).layout == "folders"


@pytest.mark.parametrize(
    "rows",
    [
        "x/1.png,x\nx/2.png,y\ny/1.png,y\n",  # another label
        "x/1.png,x\ny/1.png,y\n",  # fewer images
        "x/1.png,x\nx/2.png,x\ny/1.png,z\n",  # another name
        "x/1.png,x\nx/2.png,x,\n",  # broken
    ],
)
def test_readings_that_disagree_stop_and_a_format_picks_one(paint: Paint, rows: str) -> None:
    root = paint("x/1.png", "x/2.png", "y/1.png")
    (root / "m.csv").write_text("path,label\n" + rows)
    if rows.count(",") != rows.count("\n"):  # broken: the manifest does not even fit
        assert load(root).layout == "folders"
        return
    with pytest.raises(LayoutAmbiguous) as caught:
        load(root)
    text = str(caught.value)
    assert "--format folders: 3 images, 2 classes" in text
    assert "--format manifest" in text
    data = load(root, format="folders")
    assert data.layout == "folders"
    assert any("was asked for" in note for note in data.notes)


def test_a_reading_that_fails_is_listed_not_skipped(paint: Paint) -> None:
    root = paint("x/1.png", "y/1.png")
    (root / "m.csv").write_text("path,label\nx/1.png,x\nx/1.png,y\n")
    with pytest.raises(LayoutAmbiguous, match=r"--format manifest: .*already in line 2"):
        load(root)


def test_nothing_fits(paint: Paint, tmp_path: Path) -> None:
    with pytest.raises(LayoutUnknown, match=r"the folder is empty. Expected a folder per class"):
        load(tmp_path)
    root = paint("a.png", "b.png")
    with pytest.raises(LayoutUnknown, match=r"no layout fits \(a\.png, b\.png\)"):
        load(root)
    with pytest.raises(LayoutUnknown, match=r"fits this file \(\.png\)"):
        load(root / "a.png")
    with pytest.raises(DataError, match="no such file or folder"):
        load(root / "gone")
    with pytest.raises(DataError, match="no such file or folder"):
        load("a\0b")
    with pytest.raises(DataError, match="cannot be opened"):
        load("a" * 5000)
    with pytest.raises(PluginError, match=r"no format called 'folder'; did you mean 'folders'\. Installed"):
        load(root, format="folder")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("file_x,klass\na.png,x\n", "no column of paths among file_x, klass"),
        ("path,label\na.png,x\nb.png\n", r"line 3: 1 field; expected 2 \(path, label\)"),
        ("", "the file is empty"),
        ("path,label\n", "no rows below the header"),
    ],
)
def test_a_manifest_that_does_not_fit_says_why(paint: Paint, text: str, words: str) -> None:
    file = paint("a.png", "b.png") / "m.csv"
    file.write_text(text)
    with pytest.raises(DataError, match=words):
        load(file)


@pytest.mark.parametrize("name", ["folders", "manifest", "jsonlines", "idx", "npz"])
def test_a_forced_format_that_does_not_fit_is_one_message(paint: Paint, name: str) -> None:
    root = paint("a.png")
    for path in (root, root / "a.png"):
        with pytest.raises(DataError, match=r"xpect|no JSON lines|no \.npz"):
            load(path, format=name)


def test_an_unreadable_folder_is_one_message(paint: Paint, monkeypatch: pytest.MonkeyPatch) -> None:
    root = paint("a/1.png", "b/2.png")

    def refuse(self: Path) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)  # root may read everything, so a real folder proves nothing
    with pytest.raises(DataError, match="may not be read"):
        load(root)


def test_groups_from_names(paint: Paint) -> None:
    root = paint("x/p1_a.png", "x/p1_b.png", "y/p2_a.png", "y/odd.png")
    data = load(root, group=r"(p\d)_")
    assert [s.group for s in data.samples] == ["p1", "p1", None, "p2"]
    assert any("2 groups, such as 'p1'" in note for note in data.notes)
    assert any("1 image(s) match no group" in note for note in data.notes)
    assert [s.group for s in load(root, group=r"p\d_").samples] == ["p1_", "p1_", None, "p2_"]
    with pytest.raises(DataError, match=r"matches no path; a path is 'x/p1_a.png'"):
        load(root, group="patient")
    with pytest.raises(DataError, match="no regular expression"):
        load(root, group="(")


def test_numbers_that_start_anew_in_each_class_are_pointed_out(paint: Paint) -> None:
    data = load(paint("x/00_1.png", "y/00_1.png"), group=r"(\d+)_")
    assert any("1 groups hold images of several classes, such as '00'" in note for note in data.notes)
