"""Duplicates: copies are found whatever was done to them within the definition; strangers never."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from objectif.data.dataset import Dataset
from objectif.data.load import load
from objectif.health import features
from objectif.health.duplicates import (
    clusters,
    members,
    near_duplicates,
    near_pairs,
    same_pairs,
    same_pictures,
)
from objectif.health.looks import look

from .conftest import Picture, in_memory, scene, write


def recompressed(picture: Picture, quality: int) -> Picture:
    code = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR), np.uint8)


def cropped(picture: Picture, share: float) -> Picture:
    margin = round(share * picture.shape[0])
    inner = picture[margin:-margin, margin:-margin]
    return np.asarray(cv2.resize(inner, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.uint8)


SAME = {
    "copy": lambda p: p.copy(),
    "JPEG 90": lambda p: recompressed(p, 90),
    "JPEG 75": lambda p: recompressed(p, 75),
    "a little noise": lambda p: np.clip(p + np.random.default_rng(0).normal(0, 2, p.shape), 0, 255).astype(
        np.uint8
    ),
}
NEAR = {
    "JPEG 8": lambda p: recompressed(p, 8),
    "crop": lambda p: cropped(p, 0.011),
    "brighter": lambda p: np.clip(p.astype(int) + 12, 0, 255).astype(np.uint8),
    "more contrast": lambda p: np.clip(1.1 * (p.astype(float) - 128) + 128, 0, 255).astype(np.uint8),
    "mirrored": lambda p: p[:, ::-1],
    "upside down": lambda p: p[::-1],
    "turned": lambda p: np.rot90(p),
    "turned and mirrored": lambda p: np.rot90(p, 3)[:, ::-1],
}


def with_copies(change: Callable[[Picture], Picture]) -> Dataset:
    """60 different scenes, then changed copies of the first ten."""
    scenes = [scene(i, i % 3, side=192) for i in range(60)]
    return in_memory(
        [*scenes, *(np.ascontiguousarray(change(p)) for p in scenes[:10])], [i % 3 for i in range(70)]
    )


def joined(ids: NDArray[np.int64]) -> int:
    """How many of the ten copies share a cluster with their original, and with nothing else."""
    return sum(ids[i] == ids[60 + i] and (ids == ids[i]).sum() == 2 for i in range(10))


@pytest.mark.parametrize("change", SAME.values(), ids=SAME.keys())
def test_copies_are_the_same_picture(change: Callable[[Picture], Picture]) -> None:
    assert joined(same_pictures(with_copies(change))) == 10


@pytest.mark.parametrize("change", NEAR.values(), ids=NEAR.keys())
def test_changed_copies_are_near_and_not_the_same(change: Callable[[Picture], Picture]) -> None:
    dataset = with_copies(change)
    looks = look(dataset)
    assert joined(near_duplicates(dataset, looks=looks)) >= 9
    assert joined(same_pictures(dataset, looks=looks)) <= 1


def test_strangers_are_not_duplicates(clean: Dataset) -> None:
    looks = look(clean)
    assert same_pairs(looks) == []
    assert near_pairs(looks) == []


def test_another_colour_of_the_same_brightness_is_another_picture() -> None:
    def recoloured(picture: Picture) -> tuple[Picture, Picture]:
        parts = cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb)
        parts[..., 0] = 70 + parts[..., 0] // 3  # leaves room for any colour, so that brightness stays
        swapped = parts[..., [0, 2, 1]]
        first, second = (cv2.cvtColor(np.ascontiguousarray(p), cv2.COLOR_YCrCb2RGB) for p in (parts, swapped))
        return np.asarray(first, np.uint8), np.asarray(second, np.uint8)

    pairs = [recoloured(scene(i)) for i in range(10)]
    gaps = [np.abs(cv2.cvtColor(a, 7).astype(int) - cv2.cvtColor(b, 7)).mean() for a, b in pairs]
    assert np.median(gaps) < 2  # gray copies would be the same
    ids = near_duplicates(in_memory([p for pair in pairs for p in pair], [0] * 20))
    assert len(set(ids.tolist())) >= 18


def test_a_picture_stored_smaller_is_the_same(tmp_path: Path) -> None:
    """A decoder that shrinks on its way gives another sharpness for 256 pixels than for 225."""
    for i in range(12):
        picture = cv2.GaussianBlur(scene(i, i % 3, side=512), (0, 0), 1.0)
        write(tmp_path / "a" / f"{i}.jpg", cv2.resize(picture, (256, 256), interpolation=cv2.INTER_AREA))
        write(tmp_path / "b" / f"{i}.jpg", cv2.resize(picture, (225, 225), interpolation=cv2.INTER_AREA))
    assert len(members(same_pictures(load(tmp_path)))) == 12


def test_other_file_types_and_sizes_are_the_same_picture(tmp_path: Path) -> None:
    for i in range(12):
        picture = scene(i, side=256)
        write(tmp_path / "a" / f"{i}.png", picture)
        write(tmp_path / "b" / f"{i}.jpg", cv2.resize(picture, (512, 512), interpolation=cv2.INTER_LINEAR))
    ids = same_pictures(load(tmp_path))
    assert [len(g) for g in members(ids)] == [2] * 12


def test_same_pictures_are_near_duplicates_too() -> None:
    dataset = with_copies(SAME["JPEG 75"])
    looks = look(dataset)
    same, near = same_pictures(dataset, looks=looks), near_duplicates(dataset, looks=looks)
    assert all(len(set(near[group].tolist())) == 1 for group in members(same))


def test_blank_pictures_are_one_picture_and_faint_ones_are_not() -> None:
    rng = np.random.default_rng(0)
    blank = [np.full((64, 64, 3), 30, np.uint8)] * 3
    faint = [rng.integers(100, 104, (64, 64, 3), dtype=np.uint8) for _ in range(5)]
    ids = near_duplicates(in_memory([*blank, *faint], [0] * 8))
    assert len(set(ids[:3].tolist())) == 1
    assert len(set(ids.tolist())) == 6


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = look(with_copies(NEAR["mirrored"]))
    whole = same_pairs(looks), near_pairs(looks)
    monkeypatch.setattr(features, "_CELLS_AT_ONCE", 500)
    assert (same_pairs(looks), near_pairs(looks)) == whole


def test_unreadable_images_match_nothing(folder: Callable[..., Path]) -> None:
    root = folder(6)
    for name in ("0.jpg", "1.jpg"):
        (root / "class0" / name).write_bytes(b"")
    assert len(set(near_duplicates(load(root)).tolist())) == 12


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=20))
def test_clusters_are_the_connected_components(pairs: list[tuple[int, int]]) -> None:
    ids = clusters(12, pairs)
    reach = np.eye(12, dtype=bool)
    for a, b in pairs:
        reach[a, b] = reach[b, a] = True
    for _ in range(4):
        reach = (reach.astype(int) @ reach.astype(int)) > 0
    assert np.array_equal(ids[:, None] == ids[None], reach)
    first = [int(np.flatnonzero(ids == k)[0]) for k in range(ids.max() + 1)]
    assert first == sorted(first)  # numbered by first appearance


def test_real_plants_have_one_pair(shared: Callable[..., Path]) -> None:
    dataset = load(shared("seedlings"))
    found = [[dataset.samples[int(r)].path for r in g] for g in members(near_duplicates(dataset))]
    assert found == [["Common_Chickweed/1640f4ae3.jpg", "Common_Chickweed/6ab3f3bf8.jpg"]]


def test_real_tracks_join_only_frames_of_one_track(shared: Callable[..., Path]) -> None:
    dataset = load(shared("traffic_signs"))
    groups = members(near_duplicates(dataset))
    assert len(groups) > 10
    for group in groups:
        assert len({dataset.samples[int(r)].path.rsplit("_", 1)[0] for r in group}) == 1
