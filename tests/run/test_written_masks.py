"""Masks as others read them: tables, COCO and pictures tell the same objects."""

from __future__ import annotations

import csv
import io
import json

import cv2
import numpy as np
import pytest
from PIL import Image

from objectif.answers import Masks
from objectif.data.rle import decode
from objectif.errors import InputError
from objectif.metrics.masks import packed
from objectif.run.outlines import geojson
from objectif.run.palette import colour
from objectif.run.written import Coco, csv_header, csv_rows, index_png, instance_png

CLASSES = ("background", "cell", "dust")


@pytest.fixture(params=[False, True])
def answer(request: pytest.FixtureRequest) -> Masks:
    mask = np.zeros((40, 50), np.int64)
    mask[5:15, 5:15], mask[5:15, 30:45], mask[30:34, 8:20] = 1, 1, 2
    objects = np.zeros_like(mask)
    objects[5:15, 5:15], objects[5:15, 30:45], objects[30:34, 8:20] = 4, 9, 7
    return Masks("a,b.png", CLASSES, packed(mask, objects if request.param else None))


def read(answer: Masks, channels: int = 0, **given: object) -> list[dict[str, str]]:
    unit = "um" if "spacing" in given else None
    content = csv_header(Masks, CLASSES, channels, unit) + csv_rows(answer, channels=channels, **given)  # type: ignore[arg-type]
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def test_all_forms_tell_the_same_objects(answer: Masks) -> None:
    rows = read(answer)
    numbers = np.array(Image.open(io.BytesIO(instance_png(answer))))
    assert numbers.dtype in (np.uint16, np.int32)
    table = Coco(CLASSES[1:])
    table.add(answer)
    told = json.loads(table.content())
    assert told["images"] == [{"id": 1, "file_name": "a,b.png", "width": 50, "height": 40}]
    assert len(rows) == len(told["annotations"]) == len(np.unique(numbers)) - 1 == 3
    for row, one in zip(rows, told["annotations"], strict=True):
        here = numbers == int(row["object"])
        assert np.array_equal(decode(one["segmentation"]), here)
        assert int(row["area_px"]) == one["area"] == int(here.sum())
        assert one["bbox"] == list(cv2.boundingRect(here.astype(np.uint8)))
        assert [int(row[k]) for k in ("x1", "y1")] == one["bbox"][:2]
        assert CLASSES[one["category_id"]] == row["label"] == CLASSES[int(answer.labels[here][0])]
    assert {row["path"] for row in rows} == {"a,b.png"}


def test_what_has_no_number_stays_away_and_classes_do_not_merge() -> None:
    mask, objects = np.zeros((9, 12), np.int64), np.zeros((9, 12), np.int64)
    mask[1:3, 1:6], objects[1:3, 1:6] = 1, 5
    mask[1:3, 6:9], objects[1:3, 6:9] = 2, 5  # another class, the same number
    mask[6, 6] = 1  # dropped: too small
    answer = Masks("a.png", CLASSES, packed(mask, objects))
    assert [(r["object"], r["label"], r["area_px"]) for r in read(answer)] == [
        ("5", "cell", "10"),
        ("6", "dust", "6"),
    ]
    numbers = np.array(Image.open(io.BytesIO(instance_png(answer))))
    assert np.array_equal(numbers, np.where(objects == 0, 0, 4 + mask))
    table = Coco(CLASSES[1:])
    table.add(answer)
    assert [a["area"] for a in json.loads(table.content())["annotations"]] == [10, 6]
    features = json.loads(b"".join(geojson(answer)))["features"]
    assert [(f["properties"]["object"], f["properties"]["area"]) for f in features] == [(5, 10), (6, 6)]
    dropped = Masks("a.png", CLASSES, packed(mask, np.zeros_like(objects)))  # not one was large enough
    assert not np.array(Image.open(io.BytesIO(instance_png(dropped)))).any()


def test_the_index_counts_and_colours_are_seen(answer: Masks) -> None:
    picture = Image.open(io.BytesIO(index_png(answer)))
    assert picture.mode == "P"
    assert np.array_equal(np.array(picture), answer.labels)
    assert tuple(np.array(picture.convert("RGB"))[10, 10]) == colour(1, True)


def test_means_and_units_have_columns_where_they_are_known(answer: Masks) -> None:
    pixels = np.zeros((40, 50, 3), np.uint8)
    pixels[:, :, 1] = 7
    rows = read(answer, 3, pixels=pixels, spacing=(0.5, 0.5))
    assert {(r["mean_red"], r["mean_green"]) for r in rows} == {("0.00", "7.00")}
    assert all(float(r["area_um2"]) == float(r["area_px"]) / 4 for r in rows)
    assert all(
        float(r["feret_max_um"]) == pytest.approx(float(r["feret_max_px"]) / 2, rel=1e-5) for r in rows
    )
    assert {r["mean_3"] for r in read(answer, 4, pixels=pixels[:, :, :1])} == {"0.00"}
    assert {r["mean_4"] for r in read(answer, 4, pixels=pixels)} == {""}
    assert not [name for name in read(answer)[0] if "um" in name]
    [row] = read(Masks("e.png", CLASSES, np.zeros((4, 4), np.uint8)), 3, spacing=(0.5, 0.5))
    assert list(row) == list(rows[0]) and set(row.values()) == {"e.png", ""}


def test_a_picture_without_objects_has_an_empty_row_and_too_many_are_said() -> None:
    [row] = read(Masks("e.png", CLASSES, np.zeros((4, 4), np.uint8)), 3)
    assert row.pop("path") == "e.png"
    assert set(row.values()) == {""}
    with pytest.raises(InputError, match="65,535"):
        instance_png(Masks("m.png", CLASSES, packed(np.ones((1, 2)), np.array([[1, 70_000]]))))
