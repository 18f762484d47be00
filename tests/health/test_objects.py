"""Boxes: sizes and density, the slips that are found, and silence where there are none."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from objectif.data.dataset import Box, Dataset
from objectif.data.load import load
from objectif.health.inspect import Health, inspect
from objectif.health.looks import look
from objectif.health.objects import Objects, objects
from objectif.health.page import page
from objectif.health.thumbs import data_uri

from .conftest import in_memory, scene

GOOD = Box(10, 10, 50, 40, 0)


def boxed(marks: Sequence[Sequence[Box]], classes: int = 2) -> Dataset:
    """Pictures of 96 x 96 px with these boxes."""
    data = in_memory([scene(k) for k in range(len(marks))], [0] * len(marks))
    samples = tuple(
        replace(s, boxes=tuple(m), labels=tuple(sorted({b.label for b in m if not b.ignore})))
        for s, m in zip(data.samples, marks, strict=True)
    )
    return replace(data, samples=samples, multilabel=True, classes=tuple("abcdef"[:classes]))


def found(*marks: Sequence[Box]) -> Objects:
    data = boxed(marks)
    seen = objects(data, look(data))
    assert seen is not None
    return seen


def kinds(health: Health) -> list[str]:
    return [w.kind for w in health.worries]


def test_sizes_and_density() -> None:
    seen = found([GOOD, Box(0, 0, 20, 20, 1)], [Box(0, 0, 96, 96, 0)], [], [Box(0, 0, 9, 9, 1, True)])
    assert (seen.total, seen.ignored, seen.images, seen.per_image) == (3, 1, 4, (0.5, 2))
    assert (seen.small, seen.medium, seen.large) == (1, 1, 1)
    assert seen.negatives == (2,)
    a, b = seen.by_class["a"], seen.by_class["b"]
    assert (a.objects, a.images, a.width, a.height) == (2, 2, 68.0, 63.0)
    assert (b.objects, b.images, b.ignored, b.side) == (1, 1, 1, pytest.approx(20 / 96, abs=1e-4))
    assert not any(seen.flaws.values())


def test_a_dataset_without_boxes_has_no_objects(clean: Dataset) -> None:
    assert objects(clean, look(clean)) is None
    assert inspect(clean).objects is None


def test_boxes_outside_the_image() -> None:
    seen = found([GOOD, Box(-0.5, 0, 97, 20, 0), Box(-3, 0, 20, 20, 0), Box(100, 100, 120, 120, 1)])
    assert [(f.boxes, f.words) for f in seen.outside] == [
        ((2,), "a (box 3): 3 px beyond the edge"),
        ((3,), "b (box 4): wholly outside"),
    ]


def test_empty_and_tiny_boxes() -> None:
    seen = found([GOOD, Box(5, 5, 5, 9, 0), Box(5, 5, 8, 30, 1), Box(1, 1, 3, 3, 1, True)])
    assert [f.boxes for f in seen.empty] == [(1,)]
    assert [f.words for f in seen.tiny] == ["b (box 3): 3 x 25 px"]


def test_boxes_twice_and_under_two_classes() -> None:
    near = replace(GOOD, x2=51)  # IoU 0.976
    seen = found([GOOD, near], [GOOD, replace(GOOD, label=1)], [GOOD, replace(GOOD, x2=60)])
    assert [(f.row, f.boxes) for f in seen.twice] == [(0, (0, 1))]
    assert [(f.row, f.boxes) for f in seen.contradictions] == [(1, (0, 1))]
    assert not found([GOOD, replace(near, ignore=True)]).twice


def test_images_that_were_turned_after_they_were_labelled() -> None:
    data = in_memory([scene(k, side=96)[:48] for k in range(2)], [0, 0])  # 96 wide, 48 high
    marks = (Box(5, 50, 40, 90, 0), Box(5, 5, 90, 40, 0))
    samples = tuple(replace(s, boxes=(m,)) for s, m in zip(data.samples, marks, strict=True))
    seen = objects(replace(data, samples=samples, multilabel=True), look(data))
    assert seen is not None
    assert seen.turned == 1


def test_each_slip_is_a_worry_with_pictures_and_a_remedy() -> None:
    slips = [
        GOOD,
        GOOD,
        replace(GOOD, label=1),
        Box(5, 5, 5, 9, 0),
        Box(5, 5, 8, 30, 1),
        Box(200, 0, 220, 20, 0),
    ]
    health = inspect(boxed([slips, [GOOD], [GOOD, Box(0, 0, 30, 30, 1)]]))
    expected = {"boxes outside", "empty boxes", "contradicting boxes", "boxes twice", "tiny boxes"}
    assert expected <= set(kinds(health))
    assert all(w.rows == ((0,),) and w.remedy for w in health.worries if w.kind in expected)


def test_negatives_are_said_and_are_a_worry_where_they_are_most() -> None:
    few = inspect(boxed([[GOOD], [GOOD], []]))
    assert "negatives" not in kinds(few)
    assert any("1 image without objects is kept as a negative" in note for note in few.notes)
    assert "negatives" in kinds(inspect(boxed([[GOOD], [], []])))


def test_a_given_split_without_objects_is_a_worry() -> None:
    data = boxed([[GOOD], [GOOD], [replace(GOOD, ignore=True)], []])

    def told(*splits: str | None) -> list[str]:
        samples = tuple(replace(s, split=w) for s, w in zip(data.samples, splits, strict=True))
        worries = inspect(replace(data, samples=samples)).worries
        return [w.sentence for w in worries if w.kind == "split without objects"]

    (sentence,) = told("train", "train", "test", "test")
    assert (
        "given split test holds no object in 2 images, e.g. box.npz#2; `solve` expects at least one to judge"
        in sentence
    )
    (sentence,) = told("val", "val", None, None)
    assert "split train holds no object" in sentence and "to learn from" in sentence
    assert not told(None, None, None, None)
    assert not told("train", "test", "test", "train")


def test_objects_that_vanish_in_a_shrunk_image_are_noted() -> None:
    data = boxed([[Box(3, 3, 10, 10, 0), GOOD]])
    looks = look(data)
    (info,) = looks.infos
    assert info is not None
    wide = replace(looks, infos=(replace(info, width=1200, height=900),))
    assert any("under 1% of the image's side" in note for note in inspect(data, looks=wide).notes)


def test_rare_classes_are_noted_not_feared() -> None:
    many = [Box(k, 0, k + 9.0, 9, 0) for k in range(0, 80, 7)]
    health = inspect(boxed([[*many, Box(40, 40, 60, 60, 1)]] * 3))
    assert "imbalance" not in kinds(health)
    assert any("ten times and more those of b (3)" in note for note in health.notes)


def test_json_page_and_pictures_show_them() -> None:
    data = boxed([[GOOD, GOOD, Box(5, 5, 5, 5, 1)], [GOOD]])
    health = inspect(data)
    record = json.loads(json.dumps(health.to_dict()))["objects"]
    assert record["total"] == 4
    assert record["twice"] == [{"path": "box.npz#0", "boxes": [0, 1], "what": health.objects.twice[0].words}]  # type: ignore[union-attr]
    html = page(health, data)
    assert all(word in html for word in ("Boxes to look at", "boxed twice: 1", "no area: 1", "median size"))
    plain = replace(data, samples=tuple(replace(s, boxes=()) for s in data.samples))
    assert data_uri(data, 0) != data_uri(plain, 0) != data_uri(data, 0, marked=(0,))


def test_whole_images_are_not_doubted_where_there_are_boxes() -> None:
    health = inspect(boxed([[GOOD, replace(GOOD, label=1)] if k % 2 else [GOOD] for k in range(40)]))
    assert health.doubts is None
    assert health.confounds == ()


@pytest.mark.parametrize("name", ["blood_cells", "raccoons", "pedestrians"])
def test_real_sets_are_no_films(name: str, shared: Callable[..., Path]) -> None:
    health = inspect(load(shared(name)))
    assert not {"series", "groups"} & set(kinds(health))
    assert health.objects is not None
    assert not health.objects.outside


def test_frames_of_one_crossing_are_a_film_until_they_are_split_by_number(
    shared: Callable[..., Path], tmp_path: Path
) -> None:
    from objectif.health.sequences import lists

    data = load(shared("aerial_vehicles"))
    health = inspect(data)
    (worry,) = [w for w in health.worries if w.kind == "series"]
    assert "Random folds would put neighbours on both sides" in worry.sentence
    assert "split it by number, the last third as test" in worry.remedy
    for name, text in lists(data, health.series, health.same, health.near).items():
        (tmp_path / name).write_text(text)
    given = load(shared("aerial_vehicles"), splits=tmp_path)
    assert {s.split for s in given.samples} == {*(f"fold{k}" for k in range(5)), "test"}
    assert not {"series", "leakage"} & set(kinds(inspect(given)))
    numbers = {True: [], False: []}  # type: dict[bool, list[int]]
    for sample in given.samples:
        numbers[sample.split == "test"].append(int(sample.path.split("(")[1].split(")")[0]))
    assert np.median(numbers[True]) > max(numbers[False])


def test_random_splits_of_a_film_are_told(shared: Callable[..., Path]) -> None:
    data = load(shared("aerial_vehicles"))
    words = np.random.default_rng(0).choice(["train", "val", "test"], len(data), p=[0.6, 0.2, 0.2])
    drawn = replace(
        data, samples=tuple(replace(s, split=str(w)) for s, w in zip(data.samples, words, strict=True))
    )
    (worry,) = [w for w in inspect(drawn).worries if w.kind == "series"]
    assert "pairs of neighbours on both sides: the test measures memory" in worry.sentence
