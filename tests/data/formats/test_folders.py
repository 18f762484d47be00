"""folders: classes and splits are found at any depth and in any case; litter is no problem; all is said."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from objectif.data.dataset import Dataset
from objectif.data.formats.folders import FORMAT
from objectif.errors import DataError

Paint = Callable[..., Path]


def seen(data: Dataset) -> dict[str, tuple[str, str | None]]:
    return {s.path: (data.classes[s.labels[0]], s.split) for s in data.samples}


def test_class_folders(paint: Paint) -> None:
    data = FORMAT.read(paint("tulips/b.png", "roses/z.JPG", "roses/plant 7/ä\nb.png"))
    assert data.classes == ("roses", "tulips")
    assert seen(data) == {
        "roses/plant 7/ä\nb.png": ("roses", None),
        "roses/z.JPG": ("roses", None),
        "tulips/b.png": ("tulips", None),
    }
    assert [s.path for s in data.samples] == sorted(s.path for s in data.samples)
    assert all(s.file.is_file() for s in data.samples)
    assert "2 class folders" in data.notes[0]


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (("train", "test"), ("train", "test")),
        (("Training", "Testing"), ("train", "test")),
        (("TRAIN", "Valid", "test"), ("train", "val", "test")),
        (("train", "validation"), ("train", "val")),
        (("train",), ("train",)),
    ],
)
@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("around", ["", "photos/"])
def test_splits_around_or_inside_the_classes(
    paint: Paint, names: tuple[str, ...], splits: tuple[str, ...], inside: bool, around: str
) -> None:
    pattern = "{c}/{s}/{k}.png" if inside else "{s}/{c}/{k}.png"
    root = paint(
        *(around + pattern.format(c=c, s=s, k=k) for s in names for c in ("cat", "dog") for k in range(2))
    )
    data = FORMAT.read(root)
    assert data.classes == ("cat", "dog")
    assert Counter(s.split for s in data.samples) == dict.fromkeys(splits, 4)


def test_a_class_called_train_among_others_is_a_class(paint: Paint) -> None:
    data = FORMAT.read(paint("train/a.png", "bus/b.png"))
    assert data.classes == ("bus", "train")
    assert all(s.split is None for s in data.samples)


def test_splits_without_classes_do_not_fit(paint: Paint) -> None:
    root = paint("train/a.png", "test/b.png")
    assert FORMAT.sniff(root) is None
    with pytest.raises(DataError, match="no class folders"):
        FORMAT.read(root)


def test_litter_is_left_out_and_said(paint: Paint) -> None:
    root = paint("a/1.png", "b/2.png", "loose.png")
    for name in ("LICENSE", "SOURCE.md", "a/.DS_Store", "a/._1.png", "b/notes.txt", "b/clip.mp4"):
        (root / name).write_text("x")
    for name in ("__MACOSX", ".git"):
        (root / name).mkdir()
        (root / name / "9.png").write_text("x")
    (root / "empty").mkdir()
    data = FORMAT.read(root)
    assert [s.path for s in data.samples] == ["a/1.png", "b/2.png"]
    text = "\n".join(data.notes)
    assert "1 image(s) outside the class folders" in text
    assert "1 file(s) that are neither images nor texts left out, such as 'b/clip.mp4'" in text
    assert "not taken as classes: empty" in text
    assert not data.problems


def test_a_class_missing_from_a_split_is_said(paint: Paint) -> None:
    data = FORMAT.read(paint("train/a/1.png", "train/b/1.png", "test/a/1.png"))
    assert "class 'b' has no image in test" in data.notes


def test_links_are_followed_but_not_in_circles(paint: Paint) -> None:
    root = paint("a/1.png", "b/2.png")
    os.symlink(root, root / "a" / "up")
    os.symlink(root / "b", root / "c")
    assert [s.path for s in FORMAT.read(root).samples] == ["a/1.png", "b/2.png", "c/2.png"]


def test_a_name_that_is_no_unicode_is_named(paint: Paint) -> None:
    root = paint("a/1.png", "b/2.png")
    try:
        Path(os.fsdecode(bytes(root) + b"/a/bad\xff.png")).write_bytes(b"x")
    except OSError:
        pytest.skip("this file system has Unicode names only")
    data = FORMAT.read(root)
    assert len(data) == 2
    assert data.problems == {"a/bad?.png": "the name is not UTF-8; rename the file"}


def test_real_folders(shared: Any) -> None:
    data = FORMAT.read(shared("brain_mri"))
    assert len(data) == 636
    assert len(data.classes) == 4
    assert {s.split for s in data.samples} == {"train", "test"}
    assert len(FORMAT.read(shared("flowers"))) == 200
