"""pixels and fingerprint: many pictures in order, bad ones set aside by name, contents identified."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from objectif.data import pixels
from objectif.data.fingerprint import fingerprint
from objectif.data.load import load
from objectif.errors import DataError, ImageError
from objectif.images.prepare import Preparation
from objectif.images.prepare import load as load_one

Paint = Callable[..., Path]


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    """600 pictures whose brightness tells their number."""
    for k in range(600):
        folder = tmp_path / str(k % 3)
        folder.mkdir(exist_ok=True)
        size = 8 + k % 40  # uneven work, so that threads finish out of order
        Image.new("L", (size, size), k % 256).save(folder / f"{k:04d}.png")
    return tmp_path


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_order_is_kept(flat: Path, workers: int) -> None:
    data = load(flat)
    rows = np.random.default_rng(0).permutation(600)
    found = pixels.prepared(data, rows, Preparation(6, 5), workers=workers)
    assert found.shape == (600, 6, 5, 3)
    assert found.dtype == np.uint8
    wanted = [int(data.samples[r].path[-8:-4]) % 256 for r in rows]
    assert found[:, 0, 0, 0].tolist() == wanted


def test_no_rows(paint: Paint) -> None:
    assert pixels.prepared(load(paint("a/1.png", "b/1.png")), [], Preparation(4, 4)).shape == (0, 4, 4, 3)


def test_sixteen_bits_among_eight_turn_all_to_float(paint: Paint) -> None:
    root = paint("a/1.png", "b/2.png")
    cv2.imwrite(str(root / "a" / "2.png"), np.full((9, 9), 25_700, np.uint16))
    data = load(root)
    found = pixels.prepared(data, range(3), Preparation(5, 5))
    assert found.dtype == np.float32
    assert (found[1] == 100).all()
    assert np.array_equal(found[2], load_one(data.samples[2].file, Preparation(5, 5)))


def test_the_first_bad_image_is_named(paint: Paint) -> None:
    root = paint("a/1.png", "b/2.png")
    (root / "a" / "0.png").write_bytes(b"")
    with pytest.raises(ImageError, match=r"^a/0\.png: the file is empty"):
        pixels.prepared(load(root), range(3), Preparation(5, 5))


def test_check_sets_bad_images_aside(paint: Paint) -> None:
    root = paint("a/1.png", "a/2.png", "b/3.png")
    (root / "a" / "0.jpg").write_bytes(b"no picture")
    whole = (root / "a" / "2.png").read_bytes()
    (root / "a" / "2.png").write_bytes(whole[:120])
    (root / "b" / "link.png").symlink_to(root / "gone.png")
    data = pixels.check(load(root))
    assert [s.path for s in data.samples] == ["a/1.png", "b/3.png"]
    assert set(data.problems) == {"a/0.jpg", "a/2.png", "b/link.png"}
    assert data.problems["b/link.png"].startswith("there is no such file")
    assert "3 image(s) cannot be decoded and are left out, such as 'a/0.jpg'" in data.notes
    assert pixels.check(data) is data


def test_nothing_that_decodes_is_one_message(paint: Paint) -> None:
    root = paint("a/1.png", "b/2.png")
    for file in root.rglob("*.png"):
        file.write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"none of 2 images can be decoded. The first, 'a/1\.png': no image"):
        pixels.check(load(root))


def test_the_fingerprint_sees_what_matters_and_nothing_else(paint: Paint, tmp_path: Path) -> None:
    root = paint("a/1.png", "a/2.png", "b/3.png")
    data = load(root)
    first = fingerprint(data)
    assert fingerprint(load(root)) == first
    assert fingerprint(data.take(np.array([2, 0, 1]))) == first
    moved = root.rename(root.with_name("moved"))
    assert fingerprint(load(moved)) == first
    changes: list[dict[str, Any]] = [
        {"labels": (1,)}, {"group": "g"}, {"split": "test"}, {"weight": 2.0}, {"path": "a/9.png"},
    ]  # fmt: skip
    data = load(moved)
    others = [
        replace(data, classes=("b", "a")),
        data.take(np.array([0, 1])),
        *(replace(data, samples=(replace(data.samples[0], **c), *data.samples[1:])) for c in changes),
    ]
    prints = [first, *map(fingerprint, others)]
    with (moved / "a" / "1.png").open("ab") as file:
        file.write(b"\0")
    prints.append(fingerprint(load(moved)))
    assert len(set(prints)) == len(prints) == 9


def test_the_fingerprint_of_arrays(tmp_path: Path) -> None:
    images = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
    prints = set()
    for change in (0, 1):
        images[1, 0, 0] += change
        np.savez(tmp_path / "x.npz", images=images, labels=[0, 1])
        prints.add(fingerprint(load(tmp_path)))
    assert len(prints) == 2


def test_an_unreadable_file_is_named(paint: Paint) -> None:
    data = load(paint("a/1.png", "b/1.png"))
    data.samples[0].file.unlink()
    with pytest.raises(DataError, match="cannot be read"):
        fingerprint(data)


def test_real_pictures_in_order(shared: Any) -> None:
    data = load(shared("seedlings"))
    preparation = Preparation(64, 64)
    rows = np.arange(0, 600, 6)
    found = pixels.prepared(data, rows, preparation)
    for place in (0, 37, 99):
        assert np.array_equal(found[place], load_one(data.samples[rows[place]].file, preparation))
