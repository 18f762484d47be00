"""Boxes in the data room: splits want objects and balance them, fingerprints see them, readings are compared by them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from objectif.data.agree import agree
from objectif.data.dataset import Box, Dataset, Sample
from objectif.data.fingerprint import fingerprint
from objectif.data.load import load
from objectif.data.splits import plan
from objectif.errors import DataError, LayoutAmbiguous


def boxed(counts: list[int], splits: list[str | None] | None = None) -> Dataset:
    """counts[i] objects of class 0 in image i; no files."""
    samples = tuple(
        Sample(
            f"{i:03}.png",
            Path(f"/nowhere/{i:03}.png"),
            (0,) if n else (),
            split=None if splits is None else splits[i],
            boxes=tuple(Box(k, 0, k + 5, 5, 0) for k in range(n)),
        )
        for i, n in enumerate(counts)
    )
    return Dataset("made", Path("/nowhere"), "made", ("cell",), samples, True)


def test_one_class_and_negatives_are_fine() -> None:
    made = plan(boxed([1, 2, 0, 3, 0, 1, 1, 4, 0, 2]))
    assert made.folds == 5
    assert sorted(np.bincount(made.fold).tolist()) == [2, 2, 2, 2, 2]


def test_folds_are_alike_in_objects() -> None:
    counts = [40, 38, 42, 39, 41, *[1] * 45]
    made = plan(boxed(counts))
    objects = [sum(counts[i] for i in made.held(k)) for k in range(5)]
    assert max(objects) - min(objects) <= 6
    assert max(len(made.held(k)) for k in range(5)) - min(len(made.held(k)) for k in range(5)) <= 2


@pytest.mark.parametrize(
    ("counts", "splits", "said"),
    [
        ([0, 0, 3, 3], ["train", "train", "val", "test"], "no object in the 2 image"),
        (
            [3, 3, 3, 0],
            ["train", "train", "test", "val"],
            r"no object in the 1 image\(s\) of val; expected .* judged by",
        ),
        ([3, 3, 0, 0], ["train", "train", "test", "test"], r"no object in the 2 image\(s\) of test"),
        ([3, 3, 0, 0], ["fold0", "fold1", "fold2", "fold2"], r"no object in the 2 image\(s\) of fold2"),
        (
            [0, 0, 3, 3],
            [None, None, "val", "val"],
            r"no object in the 2 image\(s\) of train; expected .* learned from",
        ),
    ],
)
def test_parts_without_objects_stop(counts: list[int], splits: list[str | None], said: str) -> None:
    with pytest.raises(DataError, match=said):
        plan(boxed(counts, splits))


@pytest.fixture
def on_disk(tmp_path: Path) -> Dataset:
    for name in "ab":
        Image.new("RGB", (8, 8)).save(tmp_path / f"{name}.png")
    samples = tuple(
        Sample(f"{n}.png", tmp_path / f"{n}.png", (0,), boxes=(Box(1, 2, 3, 4, 0), Box(2, 2, 9, 9, 0)))
        for n in "ab"
    )
    return Dataset("d", tmp_path, "voc", ("x",), samples, True)


def changed(data: Dataset, **fields: object) -> Dataset:
    first, second = data.samples
    return replace(data, samples=(replace(first, **fields), second))


def test_the_fingerprint_sees_boxes_and_not_their_order(on_disk: Dataset) -> None:
    base = fingerprint(on_disk)
    one, two = on_disk.samples[0].boxes or ()
    assert fingerprint(changed(on_disk, boxes=(two, one))) == base
    others = [
        changed(on_disk, boxes=(one,)),
        changed(on_disk, boxes=(one, replace(two, x1=2.5))),
        changed(on_disk, boxes=(one, replace(two, ignore=True))),
        changed(on_disk, boxes=()),
        changed(on_disk, boxes=None),
    ]
    assert len({base, *map(fingerprint, others)}) == 6


def test_the_fingerprint_without_boxes_is_what_it_was(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"pixels")
    sample = Sample("a.png", tmp_path / "a.png", (0,), group="g")
    data = Dataset("d", tmp_path, "folders", ("x",), (sample,))
    assert fingerprint(data) == "4b7ef623b1d5cf23645c015f63e3a211bbe2f2a363dbd74129c9b997c4bdafab"


def test_readings_agree_within_two_pixels_and_by_name(on_disk: Dataset) -> None:
    near = changed(
        on_disk, boxes=(Box(3.5, 1, 9.5, 10, 0), Box(0, 1, 2, 3, 0))
    )  # shifted by one, other order
    assert agree([on_disk, near])
    assert not agree([on_disk, changed(on_disk, boxes=(Box(1, 2, 3, 4, 0), Box(2, 2, 9, 14, 0)))])
    assert not agree([on_disk, changed(on_disk, boxes=(Box(1, 2, 3, 4, 0),))])
    assert not agree([on_disk, replace(on_disk, classes=("y",))])
    assert agree([on_disk, replace(on_disk, classes=("0",))])
    assert not agree([on_disk, changed(on_disk, split="test"), changed(on_disk, split="train")])


def test_numbers_go_with_one_name_each(on_disk: Dataset) -> None:
    one, two = on_disk.samples[0].boxes or ()
    both = tuple(replace(s, boxes=(one, replace(two, label=1)), labels=(0, 1)) for s in on_disk.samples)
    named = replace(on_disk, samples=both, classes=("ape", "bee"))
    swapped = tuple(
        replace(s, boxes=tuple(replace(b, label=1 - b.label) for b in s.boxes or ())) for s in named.samples
    )
    numbered = replace(named, samples=swapped, classes=("0", "1"))
    assert agree([named, numbered])
    first = replace(numbered.samples[0], boxes=named.samples[0].boxes)  # ids that mean two things
    assert not agree([named, replace(numbered, samples=(first, numbered.samples[1]))])


def test_layouts_of_boxes_that_disagree_stop(tmp_path: Path) -> None:
    Image.new("RGB", (100, 100)).save(tmp_path / "a.png")
    (tmp_path / "a.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    box = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>50</xmax><ymax>90</ymax></bndbox>"
    (tmp_path / "a.xml").write_text(f"<annotation><object><name>x</name>{box}</object></annotation>")
    with pytest.raises(LayoutAmbiguous, match=r"--format voc: 1 images"):
        load(tmp_path)
    assert load(tmp_path, format="voc").layout == "voc"


def test_ten_thousand_annotations_take_seconds(tmp_path: Path) -> None:
    from time import process_time

    lines = ["path,x1,y1,x2,y2,label"]
    for image in range(100):
        Image.new("L", (64, 64)).save(tmp_path / f"{image}.png")
        lines += [f"{image}.png,{k % 50},{k % 40},{k % 50 + 9},{k % 40 + 9},c{k % 3}" for k in range(100)]
    (tmp_path / "boxes.csv").write_text("\n".join(lines) + "\n")
    start = process_time()
    data = load(tmp_path)
    assert sum(len(s.boxes or ()) for s in data.samples) == 10_000
    assert process_time() - start < 3
