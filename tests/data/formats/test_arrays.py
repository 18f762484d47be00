"""idx and npz: arrays come back as images with their labels, and damage is one message."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from objectif.data import pixels
from objectif.data.load import load
from objectif.errors import DataError, LayoutAmbiguous

IMAGES = np.random.default_rng(0).integers(0, 255, (30, 9, 7), np.uint8)
LABELS = (np.arange(30) % 3).astype(np.uint8)


def idx(array: NDArray[Any]) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_idx(folder: Path, stem: str, n: int, *, packed: bool = False, mark: str = "-") -> None:
    for what, array in (("images", IMAGES[:n]), ("labels", LABELS[:n])):
        name = f"{stem}{what}{mark}idx{array.ndim}-ubyte"
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(idx(array)))
        else:
            (folder / name).write_bytes(idx(array))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("mark", ["-", "."])
def test_idx_pair(tmp_path: Path, packed: bool, mark: str) -> None:
    write_idx(tmp_path, "t10k-", 12, packed=packed, mark=mark)
    data = load(tmp_path)
    assert (data.layout, data.classes, len(data)) == ("idx", ("0", "1", "2"), 12)
    assert all(s.split is None for s in data.samples)
    assert np.array_equal(pixels.read(data, 10)[:, :, 0], IMAGES[10])
    assert data.truth().tolist() == LABELS[:12].tolist()
    assert data.samples[10].path.endswith("#10")


def test_idx_train_and_test(tmp_path: Path) -> None:
    write_idx(tmp_path, "train-", 20)
    write_idx(tmp_path, "t10k-", 10, packed=True)
    write_idx(tmp_path, "t10k-", 10)  # unpacked beside packed: counted once
    data = load(tmp_path)
    assert len(data.split("train")) == 20
    assert len(data.split("test")) == 10
    for row in (0, 9, 15, 29):
        sample = data.samples[row]
        assert np.array_equal(pixels.read(data, row)[:, :, 0], IMAGES[sample.item or 0])
    assert len(load(tmp_path / "train-images-idx3-ubyte")) == 20


def test_idx_damage(tmp_path: Path) -> None:
    write_idx(tmp_path, "t10k-", 10)
    images = tmp_path / "t10k-images-idx3-ubyte"
    whole = images.read_bytes()
    for content, words in (
        (whole[:100], "its header promises 630"),
        (whole[:10], "truncated within its header"),
        (b"\0\0\x0d\x01" + whole[4:], "expected an IDX file of unsigned bytes"),
        (b"", "expected an IDX file"),
        (idx(IMAGES[:5]), "5 images but 10 labels"),
    ):
        images.write_bytes(content)
        with pytest.raises(DataError, match=words):
            load(tmp_path)
    images.unlink()
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(whole)[:-20])
    with pytest.raises(DataError, match="truncated or unreadable"):
        load(tmp_path)


def test_npz_in_the_medmnist_manner(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "cells.npz",
        train_images=IMAGES[:20],
        train_labels=LABELS[:20, None],
        val_images=IMAGES[20:24],
        val_labels=LABELS[20:24, None],
        test_images=IMAGES[24:],
        test_labels=LABELS[24:, None],
    )
    data = load(tmp_path)
    assert (data.layout, data.name, len(data)) == ("npz", "cells", 30)
    assert [len(data.split(s)) for s in ("train", "val", "test")] == [20, 4, 6]
    assert data.samples[17].path == "cells.npz#17"
    assert all(np.array_equal(pixels.read(data, k)[:, :, 0], IMAGES[k]) for k in range(30))
    assert data.truth().tolist() == LABELS.tolist()
    assert len(load(tmp_path / "cells.npz")) == 30


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [None, 1, 3, 5])
def test_npz_shapes_and_depths(tmp_path: Path, kind: Any, channels: int | None) -> None:
    shape = (6, 8, 9) if channels is None else (6, 8, 9, channels)
    images = np.random.default_rng(1).integers(0, 200, shape).astype(kind)
    np.savez_compressed(tmp_path / "x.npz", images=images, labels=np.array([0, 1] * 3))
    found = pixels.read(load(tmp_path), 2)
    assert found.shape == (8, 9, channels or 1)
    assert found.dtype == kind


def test_npz_multilabel_and_names(tmp_path: Path) -> None:
    hot = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 1]])
    np.savez(tmp_path / "x.npz", images=IMAGES[:3], labels=hot, classes=np.array(["a", "b", "c"]))
    data = load(tmp_path)
    assert data.multilabel
    assert data.classes == ("a", "b", "c")
    assert data.truth().tolist() == hot.tolist()


def test_npz_names_for_numbers_and_texts(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x_train=IMAGES[:2], y_train=[2, 0], classes=["a", "b", "c"])
    assert load(tmp_path / "x.npz").classes == ("a", "c")
    np.savez(tmp_path / "y.npz", images=IMAGES[:2], labels=["dog", "cat"])
    assert load(tmp_path / "y.npz").classes == ("cat", "dog")
    np.savez(tmp_path / "z.npz", images=IMAGES[:12], labels=np.arange(12))
    assert load(tmp_path / "z.npz").classes[-1] == "11"  # by number, not by text


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"images": IMAGES / 255.0, "labels": LABELS}, "float64; expected uint8 or uint16"),
        ({"images": IMAGES[0], "labels": LABELS[:9]}, r"shape \(9, 7\)"),
        ({"images": IMAGES.reshape(30, 1, 1, 63), "labels": LABELS}, r"shape \(30, 1, 1, 63\)"),
        ({"images": IMAGES, "labels": LABELS[:29]}, "30 images but 29 labels"),
        ({"images": IMAGES, "labels": LABELS / 2}, "labels are float64"),
        ({"images": IMAGES, "labels": np.tile(LABELS, (2, 1)).T}, "more than 0 and 1"),
        ({"images": IMAGES, "labels": LABELS, "classes": ["a"]}, "1 class names"),
        ({"pictures": IMAGES}, "holds pictures; expected train_images"),
        ({"images": IMAGES, "labels": np.array([{}] * 30)}, "not plain arrays"),
        (
            {
                "train_images": IMAGES,
                "train_labels": LABELS,
                "test_images": IMAGES[:, :5],
                "test_labels": LABELS,
            },
            "different shapes",
        ),
    ],
)
def test_npz_flaws(tmp_path: Path, arrays: dict[str, Any], words: str) -> None:
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(DataError, match=words):
        load(tmp_path / "x.npz", format="npz")


def test_npz_truncated_and_several(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", images=IMAGES, labels=LABELS)
    whole = bytearray((tmp_path / "x.npz").read_bytes())
    whole[500:520] = b"\xff" * 20
    (tmp_path / "x.npz").write_bytes(whole)
    with pytest.raises(DataError, match="truncated or not plain arrays"):
        load(tmp_path)
    (tmp_path / "x.npz").write_bytes(whole[:200])
    with pytest.raises(DataError):
        load(tmp_path)
    for name in ("x", "y"):
        np.savez(tmp_path / f"{name}.npz", images=IMAGES, labels=LABELS)
    with pytest.raises(LayoutAmbiguous, match=r"x\.npz.*y\.npz"):
        load(tmp_path)


def test_real_digits(shared: Any) -> None:
    data = load(shared("digits"))
    assert (data.layout, len(data), data.classes) == ("idx", 10_000, tuple("0123456789"))
    assert pixels.read(data, 9_999).shape == (28, 28, 1)
