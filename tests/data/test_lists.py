"""lists: given splits are matched by the end of the path, and nothing is guessed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from objectif.data.load import load
from objectif.data.splits import plan
from objectif.errors import DataError

Paint = Callable[..., Path]
NAMES = ("x/1.png", "x/2.png", "y/1.png", "y/with space ü.png")


@pytest.fixture
def lists(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    def write(**files: str) -> Path:
        folder = tmp_path_factory.mktemp("lists")
        for name, text in files.items():
            (folder / f"{name}.txt").write_text(text, encoding="utf-8")
        return folder

    return write


@pytest.mark.parametrize("lead", ["", "./", "{root}/", "elsewhere/data/", "/abs/{root}/"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_may_start_anywhere(paint: Paint, lists: Callable[..., Path], lead: str, end: str) -> None:
    root = paint(*NAMES)
    lead = lead.format(root=root.name)
    folder = lists(
        train=end.join(lead + n for n in NAMES[:2]) + end, test=end.join(lead + n for n in NAMES[2:])
    )
    data = load(root, splits=folder)
    assert [(s.path, s.split) for s in data.samples] == [
        ("x/1.png", "train"),
        ("x/2.png", "train"),
        ("y/1.png", "test"),
        ("y/with space ü.png", "test"),
    ]


def test_bare_names_are_enough_where_they_are_unique(paint: Paint, lists: Callable[..., Path]) -> None:
    data = load(paint(*NAMES), splits=lists(train="2.png\n", val="with space ü.png\n"))
    assert [(s.path, s.split) for s in data.samples] == [("x/2.png", "train"), ("y/with space ü.png", "val")]
    assert any("2 image(s) in no list left out" in note for note in data.notes)


def test_folds(paint: Paint, lists: Callable[..., Path]) -> None:
    folder = lists(fold1="x/1.png\ny/1.png\n", fold2="x/2.png\ny/with space ü.png\n", readme="not a list")
    split = plan(load(paint(*NAMES), splits=folder))
    assert split.folds == 2
    assert split.fold.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "no lists"),
        ({"train": "", "test": "\n"}, "are empty"),
        ({"train": "x/9.png"}, r"train\.txt, line 1: 'x/9\.png' names no image"),
        ({"train": "x/2.png\nz/1.png"}, "line 2: 'z/1.png' names no image"),
        ({"train": "1.png"}, "fits 2 images"),
        ({"train": "x/1.png", "test": "x/1.png"}, "is already in"),
        ({"fold0": "x/1.png", "train": "x/2.png"}, "fold lists beside train"),
        ({"fold0": "x/1.png"}, "one fold list only"),
        ({"val": "x/1.png", "valid": "x/2.png"}, "are the same split"),
    ],
)
def test_each_flaw_is_one_message(
    paint: Paint, lists: Callable[..., Path], files: dict[str, str], words: str
) -> None:
    with pytest.raises(DataError, match=words):
        load(paint(*NAMES), splits=lists(**files))


def test_no_folder(paint: Paint) -> None:
    with pytest.raises(DataError, match="no such folder"):
        load(paint(*NAMES), splits="nowhere")


@pytest.mark.parametrize(("name", "folds"), [("seedlings", 5), ("traffic_signs", 4)])
def test_real_folds(shared: Any, name: str, folds: int) -> None:
    root, folder = shared(name), shared(name, room="splits")
    data = load(root, splits=folder)
    split = plan(data)
    assert split.folds == folds
    for k in range(folds):
        named = {line for line in (folder / f"fold{k}.txt").read_text().splitlines() if line}
        assert {f"{name}/{data.samples[row].path}" for row in split.held(k)} == named
    assert np.bincount(split.fold).sum() == len(data)


def test_real_train_and_test(shared: Any) -> None:
    data = load(shared("brain_mri"), splits=shared("brain_mri", room="splits"))
    split = plan(data)
    assert int(split.test.sum()) == 156
    assert len(split.scored()) == 480
