"""jsonlines: the same rows as a manifest, one object each."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from objectif.data.load import load
from objectif.errors import DataError, LayoutAmbiguous

Paint = Callable[..., Path]


def write(paint: Paint, *objects: object) -> Path:
    root = paint("a.png", "b b.png", "c.png")
    (root / "m.jsonl").write_text(
        "\n".join(o if isinstance(o, str) else json.dumps(o) for o in objects) + "\n\n"
    )
    return root


def test_all_keys(paint: Paint) -> None:
    root = write(
        paint,
        {"path": "a.png", "label": "x", "group": 7, "split": "train", "weight": 2, "note": "odd"},
        {"path": "b b.png", "label": 3, "split": "test"},
    )
    data = load(root)
    assert (data.layout, data.classes, data.multilabel) == ("jsonlines", ("3", "x"), False)
    first, second = data.samples
    assert (first.group, first.split, first.weight) == ("7", "train", 2.0)
    assert (second.group, second.split, second.weight) == (None, "test", 1.0)
    assert "keys not used: note" in data.notes


def test_lists_are_multilabel(paint: Paint) -> None:
    data = load(write(paint, {"path": "a.png", "label": ["x", "y"]}, {"path": "c.png", "label": []}))
    assert data.multilabel
    assert data.truth().tolist() == [[1, 1], [0, 0]]


def test_lists_of_one_are_single_labels(paint: Paint) -> None:
    assert not load(
        write(paint, {"path": "a.png", "label": ["x"]}, {"path": "c.png", "label": ["y"]})
    ).multilabel


GOOD = {"path": "a.png", "label": "x"}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{not json}", "line 2: not JSON"),
        ("[1, 2]", "line 2: .*expected an object"),
        ({"label": "x"}, "path is None"),
        ({"path": 3, "label": "x"}, "path is 3"),
        ({"path": "c.png"}, "no label among the keys path"),
        ({"path": "c.png", "label": {"x": 1}}, "label is {'x': 1}"),
        ({"path": "c.png", "label": "y", "weight": 0}, "weight '0'"),
        ({"path": "a.png", "label": "y"}, "already in line 1"),
    ],
)
def test_each_flaw_names_its_line(paint: Paint, line: object, words: str) -> None:
    with pytest.raises(DataError, match=words):
        load(write(paint, GOOD, line) / "m.jsonl")


def test_two_files_are_ambiguous(paint: Paint) -> None:
    root = write(paint, GOOD)
    (root / "n.jsonl").write_text(json.dumps(GOOD))
    with pytest.raises(LayoutAmbiguous, match=r"m\.jsonl.*n\.jsonl"):
        load(root)


def test_no_file(paint: Paint) -> None:
    with pytest.raises(DataError, match="no JSON lines file"):
        load(paint("a.png"), format="jsonlines")
