"""One mask as an array: from pictures and shapes; polygons; COCO's segmentations beside boxes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from objectif.data import mask_pictures, rle
from objectif.data.dataset import Dataset, Legend, MaskSource, Sample, Shape
from objectif.data.fingerprint import fingerprint
from objectif.data.load import load
from objectif.data.masks import read_mask
from objectif.data.shapes import patches
from objectif.errors import DataError
from objectif.metrics.masks import VOID, classes_of, objects_of
from objectif.testing import check_dataset


def drawn(shape: Shape, height: int, width: int) -> np.ndarray:
    """The patches of a shape, pasted into a picture."""
    whole = np.zeros((height, width), bool)
    for top, left, inside in patches(shape, height, width):
        whole[top : top + inside.shape[0], left : left + inside.shape[1]] |= inside
    return whole


def full_size(ring: list[float], height: int, width: int) -> np.ndarray:
    """A polygon filled over the whole picture: pixels with an odd number of crossings to their left."""
    x1, y1 = np.array(ring).reshape(-1, 2).T[:, None]
    x2, y2 = np.roll(np.array(ring).reshape(-1, 2), -1, axis=0).T[:, None]
    centre = np.arange(height)[:, None] + 0.5
    row, edge = np.nonzero((y1 <= centre) != (y2 <= centre))
    a, b, c, d = (v[0, edge] for v in (x1, y1, x2, y2))
    first = np.ceil(a + (centre[row, 0] - b) / (d - b) * (c - a) - 0.5)
    crossed = np.zeros((height, width), int)
    for y, x in zip(row, np.clip(first, 0, width).astype(int), strict=True):
        crossed[y, x:] += 1
    return crossed % 2 == 1


corner = st.floats(-6, 26, width=32)
outlines = st.lists(st.lists(corner, min_size=6, max_size=14).map(lambda r: r[: len(r) // 2 * 2]), max_size=3)


@given(outlines, st.integers(1, 20), st.integers(1, 20))
def test_polygons_within_their_boxes_are_those_of_the_whole_picture(
    rings: list[list[float]], height: int, width: int
) -> None:
    expected = np.zeros((height, width), bool)
    for ring in rings:
        expected |= full_size(ring, height, width)
    assert np.array_equal(drawn(Shape(1, tuple(map(tuple, rings))), height, width), expected)


@given(arrays(np.bool_, st.tuples(st.integers(1, 7), st.integers(1, 7))), st.integers(0, 40))
def test_runs_within_their_box_are_those_of_the_whole_picture(mask: np.ndarray, at: int) -> None:
    runs = rle.runs(mask)
    place = at % (len(runs) + 1)
    split = [n for k, r in enumerate(runs) for n in ((r, 0, 0) if k == place else (r,))]  # runs of no pixel
    for told in (runs, split, [*runs, 0]):
        shape = Shape(1, runs=tuple(told))
        assert np.array_equal(drawn(shape, *mask.shape), rle.filled(told, *mask.shape))
    [(top, left, inside)] = patches(Shape(1, runs=tuple(runs)), *mask.shape)
    if mask.any():
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        assert (top, left) == (rows[0], columns[0])
        assert inside.shape == (rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1)
    else:
        assert inside.size == 0


def test_the_work_for_a_shape_does_not_grow_with_the_picture() -> None:
    height, width = 90_000, 120_000  # ten gigabytes, if it were drawn
    start = 70_000 * height + 5_000
    runs = (start, 3, height - 3, 2, height * width - start - height - 2)
    for shape in (Shape(1, ((70_000, 5_000, 70_004, 5_000, 70_000, 5_004),)), Shape(1, runs=runs)):
        [(top, left, inside)] = patches(shape, height, width)
        assert (top, left) == (5_000, 70_000) and 0 < inside.sum() <= inside.size <= 16


@given(st.integers(0, 9), st.integers(0, 9), st.integers(1, 9), st.integers(1, 9))
def test_a_box_drawn_as_a_polygon_covers_its_pixels_and_no_more(x: int, y: int, wide: int, high: int) -> None:
    ring = (x, y, x + wide, y, x + wide, y + high, x, y + high)
    inside = drawn(Shape(1, (ring,)), 16, 16)
    expected = np.zeros((16, 16), bool)
    expected[y : y + high, x : x + wide] = True
    assert np.array_equal(inside, expected)


@given(st.lists(st.tuples(st.floats(-5, 20), st.floats(-5, 20)), min_size=3, max_size=3))
def test_the_pixels_of_a_triangle_are_those_whose_centre_is_inside(points: list[tuple[float, float]]) -> None:
    (ax, ay), (bx, by), (cx, cy) = points
    y, x = np.mgrid[:15, :15] + 0.5
    sides = [
        (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1)
        for x1, y1, x2, y2 in ((ax, ay, bx, by), (bx, by, cx, cy), (cx, cy, ax, ay))
    ]
    clear = np.min(np.abs(sides), axis=0) > 1e-6  # on a side, either is right
    expected = np.all(np.array(sides) > 0, axis=0) | np.all(np.array(sides) < 0, axis=0)
    got = drawn(Shape(1, (tuple(v for p in points for v in p),)), 15, 15)
    assert np.array_equal(got[clear], expected[clear])


def one(
    tmp_path: Path,
    *shapes: Shape,
    instances: bool = True,
    classes: tuple[str, ...] = ("background", "a", "b"),
) -> Dataset:
    file = tmp_path / "a.png"
    Image.fromarray(np.zeros((6, 8), np.uint8)).save(file)
    sample = Sample("a.png", file, (0,), mask=MaskSource(shapes=shapes))
    return Dataset("one", tmp_path, "made", classes, (sample,), True, instances=instances)


def test_later_shapes_lie_on_top_and_are_numbered(tmp_path: Path) -> None:
    low, high = Shape(1, ((0, 0, 4, 0, 4, 4, 0, 4),)), Shape(2, runs=(0, 8, 40))
    void = Shape(VOID, ((7, 0, 8, 0, 8, 1, 7, 1),))
    mask = read_mask(one(tmp_path, void, low, high), 0)
    assert mask.dtype == np.uint32 and mask.shape == (6, 8)
    assert classes_of(mask)[:, 0].tolist() == [2] * 6
    assert classes_of(mask)[0].tolist() == [2, 2, 1, 1, 0, 0, 0, VOID]
    assert objects_of(mask)[0].tolist() == [3, 3, 2, 2, 0, 0, 0, 0]
    plain = read_mask(one(tmp_path, void, low, high, instances=False), 0)
    assert plain.dtype == np.uint8 and np.array_equal(plain, classes_of(mask))


def test_without_background_what_no_shape_covers_is_void(tmp_path: Path) -> None:
    mask = read_mask(one(tmp_path, Shape(0, runs=(0, 6, 42)), classes=("a", "b")), 0)
    assert set(np.unique(classes_of(mask))) == {0, VOID}
    assert (classes_of(read_mask(one(tmp_path), 0)) == 0).all()


def test_what_has_changed_since_it_was_read_stops(tmp_path: Path) -> None:
    data = one(tmp_path)
    file = tmp_path / "m.png"
    with pytest.raises(DataError, match=r"a\.png: no mask; expected one"):
        read_mask(replace(data, samples=(replace(data.samples[0], mask=None),)), 0)
    legend = Legend("index", {0: 0, 1: 1})
    data = replace(data, samples=(replace(data.samples[0], mask=MaskSource(file)),), legend=legend)
    for pixels, said in (
        (np.zeros((8, 6), np.uint8), "another size than its picture: 6 x 8 pixels, expected 8 x 6"),
        (np.full((6, 8), 9, np.uint8), "holds 9, not in the legend"),
        (np.full((6, 8), 900, np.uint16), "holds 900, not in the legend"),
        (np.dstack([np.eye(6, 8, dtype=np.uint8)] * 2 + [np.zeros((6, 8), np.uint8)]), "holds colours"),
    ):
        Image.fromarray(pixels).save(file)
        with pytest.raises(DataError) as caught:
            read_mask(data, 0)
        assert said in str(caught.value) and str(caught.value).startswith("a.png: ")
    file.write_bytes(b"no picture")
    with pytest.raises(DataError, match="cannot be read"):
        read_mask(data, 0)
    with pytest.raises(DataError, match="another size than the picture"):
        read_mask(one(tmp_path, Shape(1, runs=(3, 4))), 0)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_shallow_pictures_keep_their_numbers(tmp_path: Path, bits: int) -> None:
    import struct
    import zlib

    width = 8
    values = np.arange(width) % 2**bits
    packed = 0
    for value in values.tolist():
        packed = packed << bits | value
    row = b"\0" + packed.to_bytes(width * bits // 8, "big")
    out = b"\x89PNG\r\n\x1a\n"
    for kind, body in (
        (b"IHDR", struct.pack(">IIBBBBB", width, 1, bits, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(row)),
        (b"IEND", b""),
    ):
        out += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    (tmp_path / "m.png").write_bytes(out)
    assert mask_pictures.numbers(mask_pictures.opened(tmp_path / "m.png"), "m")[0].tolist() == values.tolist()


# --- COCO ---------------------------------------------------------------------------------------------------------


def coco(root: Path, *annotations: dict[str, Any], size: tuple[int, int] = (12, 16)) -> Path:
    Image.fromarray(np.zeros(size, np.uint8)).save(root / "a.png")
    Image.fromarray(np.zeros(size, np.uint8)).save(root / "b.png")
    content = {
        "images": [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "b.png"}],
        "categories": [{"id": 3, "name": "cat"}, {"id": 5, "name": "dog"}],
        "annotations": [{"id": k, "image_id": 1, **a} for k, a in enumerate(annotations)],
    }
    (root / "labels.json").write_text(json.dumps(content))
    return root


TRIANGLE = {"category_id": 3, "bbox": [0, 0, 8, 8], "segmentation": [[0, 0, 8, 0, 0, 8]]}


def dog(compressed: bool) -> dict[str, Any]:
    mask = np.zeros((12, 16), bool)
    mask[2:4, 1:4] = True
    counts = rle.encode(mask)["counts"] if compressed else rle.runs(mask)
    return {"category_id": 5, "segmentation": {"size": [12, 16], "counts": counts}}


@pytest.mark.parametrize("compressed", [True, False])
def test_polygons_and_runs_become_masks_beside_boxes(tmp_path: Path, compressed: bool) -> None:
    root = coco(tmp_path, dog(compressed), TRIANGLE)
    data = load(root)
    check_dataset(data)
    assert data.tasks == ("detect", "segment", "classify") and data.instances
    assert [(b.x1, b.y1, b.x2, b.y2) for b in data.samples[0].boxes or ()] == [(1, 2, 4, 4), (0, 0, 8, 8)]
    drawn = load(root, task="segment")
    check_dataset(drawn)
    assert drawn.task == "segment" and drawn.classes == ("background", "cat", "dog")
    assert [s.labels for s in drawn.samples] == [(0, 1, 2), (0,)]
    mask = read_mask(drawn, 0)
    assert (classes_of(mask)[2:4, 1:4] == 2).all()  # the smaller lies on the larger
    assert classes_of(mask)[0, 0] == 1 and classes_of(mask)[11, 15] == 0
    assert len(np.unique(objects_of(mask))) == 3
    assert not read_mask(drawn, 1).any()
    assert len({fingerprint(data), fingerprint(drawn), fingerprint(load(coco(tmp_path, TRIANGLE)))}) == 3


def test_crowds_and_objects_without_an_outline_are_void(tmp_path: Path) -> None:
    crowd = {
        "category_id": 3,
        "bbox": [10, 0, 2, 2],
        "iscrowd": 1,
        "segmentation": [[10, 0, 12, 0, 12, 2, 10.5, 2.5, 10, 2]],
    }
    bare = {"category_id": 5, "bbox": [10, 8, 4, 2]}
    drawn = load(coco(tmp_path, TRIANGLE, crowd, bare), task="segment")
    mask = classes_of(read_mask(drawn, 0))
    assert (mask[:2, 10:12] == VOID).all() and (mask[8:10, 10:14] == VOID).all()
    assert (mask == VOID).sum() == 12 and drawn.samples[0].labels == (0, 1)
    assert any("without a segmentation are void" in note for note in drawn.notes)


@pytest.mark.parametrize(
    "told", [None, [], [[1, 2, 5, 2, 5, 9, 1, 9]], [[1, 2, 3]], {"size": [3, 3], "counts": "?"}]
)
def test_boxes_alone_give_no_masks(tmp_path: Path, told: object) -> None:
    data = load(coco(tmp_path, {"category_id": 3, "bbox": [1, 2, 4, 7], "segmentation": told}))
    assert data.tasks == ("detect", "classify")
    if told in ([[1, 2, 3]],):
        assert any("cannot be read" in note for note in data.notes)


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_masks_in_files_are_turned_before_they_lie_on_their_pictures(tmp_path: Path, turn: int) -> None:
    right = np.zeros((6, 8), np.uint8)
    right[0, :3] = right[1, 0] = 1
    for part in ("images", "masks"):
        (tmp_path / part).mkdir()
    for k in range(2):
        Image.fromarray(np.zeros((6, 8), np.uint8)).save(tmp_path / f"images/{k}.png")
        Image.fromarray(np.rot90(right, -turn // 90).copy()).save(tmp_path / f"masks/{k}.png")
    (tmp_path / "classes.txt").write_text("0 soil\n1 crop\n")
    data = load(tmp_path, turn_masks=turn)
    assert np.array_equal(read_mask(data, 1), right) and read_mask(data, 1).flags.c_contiguous
    assert f"masks are turned by {turn} degrees counter-clockwise" in "\n".join(data.notes)
    check_dataset(data)
    assert fingerprint(data) != fingerprint(replace(data, turned=0))
    if turn == 180:
        assert np.array_equal(read_mask(load(tmp_path), 0), np.rot90(right, 2))
    else:
        with pytest.raises(DataError, match=r"6 x 8 pixels, expected 8 x 6.*: --turn-masks 90 or 270"):
            load(tmp_path)
        with pytest.raises(DataError, match=r"turned by .* degrees has another size"):
            read_mask(replace(data, turned=turn, samples=_of_right_size(data, tmp_path, right)), 0)


def _of_right_size(data: Dataset, folder: Path, mask: Any) -> tuple[Sample, ...]:
    """The samples with a mask that needs no turn."""
    Image.fromarray(mask).save(folder / "right.png")
    return tuple(replace(s, mask=MaskSource(folder / "right.png")) for s in data.samples)


def test_shapes_are_never_turned(tmp_path: Path) -> None:
    data = one(tmp_path, Shape(1, ((0, 0, 3, 0, 3, 2, 0, 2),)))
    assert np.array_equal(read_mask(replace(data, turned=180), 0), read_mask(data, 0))


def test_a_turn_is_a_right_angle_of_masks_in_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--turn-masks 45: expected one of 0, 90, 180, 270"):
        load(tmp_path, turn_masks=45)
    with pytest.raises(DataError, match=r"--format coco: .*turned masks are of the format 'masks'"):
        load(tmp_path, format="coco", turn_masks=180)
