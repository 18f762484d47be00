"""Masks that are written are read again: the same class at each pixel, the same objects, and what is lost is said."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from objectif.data.dataset import Dataset, Legend, MaskSource, Sample
from objectif.data.formats.masks import FORMAT
from objectif.data.load import load
from objectif.data.masks import read_mask
from objectif.data.save import save
from objectif.errors import DataError
from objectif.metrics.masks import VOID, Mask, classes_of, has_background, objects_of

SIZES = ((24, 32), (40, 18))
WRITTEN = [("coco", "rle"), ("coco", "polygons"), ("masks", "index"), ("masks", None)]
NAMES = (
    ("background", "cell"),
    ("background", "crop 1", "#804040"),
    ("ground", "1 2 3"),
    ("background", "void", "a, b"),
)


@st.composite
def drawn(draw: st.DrawFn, classes: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Rectangles with holes and corners that touch, void among them."""
    mask = np.zeros(size, np.uint8)
    for k in range(draw(st.integers(0, 6))):
        top, left = draw(st.integers(0, size[0] - 2)), draw(st.integers(0, size[1] - 2))
        high, wide = draw(st.integers(1, 12)), draw(st.integers(1, 12))
        value = draw(st.sampled_from([0, VOID, *range(classes)])) if k else classes - 1
        mask[top : top + high, left : left + wide] = value
    return mask


@st.composite
def sets(draw: st.DrawFn) -> tuple[tuple[str, ...], list[tuple[str, str | None, NDArray[np.uint8]]]]:
    names = draw(st.sampled_from(NAMES))
    splits = draw(st.sampled_from([(None,), ("train", "test"), ("train", "val", None)]))
    stems = ["a.png", "x/a.jpg", "a_mask.png", "b_image.jpg", "b.jpg", "masks/c.png", "train.png"]
    paths = draw(st.lists(st.sampled_from(stems), min_size=1, max_size=4, unique=True))
    found = [
        (p, draw(st.sampled_from(splits)), draw(drawn(len(names), draw(st.sampled_from(SIZES)))))
        for p in paths
    ]
    every = np.zeros(SIZES[0], np.uint8)
    for k in range(len(names)):
        every[k * 5 : k * 5 + 4, 3:9] = k  # each class occurs
    every[12, 20:23] = every[14, 20:23] = every[13, [20, 22]] = 1  # and a hole
    return names, [*found, ("z.png", None, every)]


def on_disk(
    root: Path, names: tuple[str, ...], made: list[tuple[str, str | None, NDArray[np.uint8]]]
) -> Dataset:
    samples = []
    for k, (path, split, mask) in enumerate(sorted(made, key=lambda m: m[0])):
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(k).integers(0, 256, (*mask.shape, 3), dtype=np.uint8)
        Image.fromarray(noise).save(file)
        (root / "numbers").mkdir(exist_ok=True)
        Image.fromarray(mask).save(root / f"numbers/{k}.png")
        labels = tuple(int(v) for v in np.unique(mask) if v != VOID)
        samples.append(Sample(path, file, labels, split=split, mask=MaskSource(root / f"numbers/{k}.png")))
    legend = Legend("index", {**{k: k for k in range(len(names))}, VOID: VOID})
    return Dataset("made", root, "made", names, tuple(samples), True, legend=legend)


def by_picture(data: Dataset) -> dict[bytes, Mask]:
    """The pixels of each picture, which differ, and its mask."""
    return {s.file.read_bytes(): read_mask(data, k) for k, s in enumerate(data.samples)}


def gone(lost: list[str]) -> set[str]:
    return {line.partition(":")[0] for line in lost}


@pytest.mark.parametrize(("format", "form"), WRITTEN)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(made=sets())
def test_classes_come_back(format: str, form: str | None, made: tuple) -> None:
    with tempfile.TemporaryDirectory() as folder:
        before = on_disk(Path(folder) / "from", *made)
        lost = save(before, Path(folder) / "to", format=format, masks=form)
        after = load(Path(folder) / "to", task="segment")
        assert not after.problems
        assert sorted(str(s.split) for s in after.samples) == sorted(str(s.split) for s in before.samples)
        added = int("class 0 is no background" in gone(lost))  # it gets one that has no pixel
        assert added == (format == "coco" and not has_background(before.classes))
        assert len(after.classes) == len(before.classes) + added
        if "class names with odd characters" not in gone(lost):
            assert after.classes[added:] == before.classes
        old, new = by_picture(before), by_picture(after)
        assert old.keys() == new.keys()
        for picture, mask in old.items():
            meant = np.where(mask == VOID, VOID, mask + added)
            assert np.array_equal(classes_of(new[picture]), meant)


def cells(root: Path, seed: int, *, touching: bool = True) -> Dataset:
    """Pictures whose masks number objects, some of which touch."""
    rng = np.random.default_rng(seed)
    for k in range(4):
        numbers = np.zeros((40, 50), np.uint16)
        for n in range(1, 4 + k):
            top, left = rng.integers(0, 30), 5 * n + 1
            numbers[top : top + rng.integers(3, 9), left : left + (5 if touching else 3)] = n
        (root / "masks").mkdir(parents=True, exist_ok=True)
        (root / "images").mkdir(exist_ok=True)
        Image.fromarray(numbers).save(root / f"masks/{k}.png")
        Image.fromarray(rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(root / f"images/{k}.png")
    (root / "classes.txt").write_text("0 background\n* cell\n")
    return load(root)


@pytest.mark.parametrize(("format", "form"), [("coco", "rle"), ("coco", "polygons"), ("masks", None)])
@pytest.mark.parametrize("seed", range(4))
def test_objects_come_back(format: str, form: str | None, seed: int, tmp_path: Path) -> None:
    before = cells(tmp_path / "from", seed)
    assert save(before, tmp_path / "to", format=format, masks=form) == []
    after = load(tmp_path / "to", task="segment")
    assert after.instances and after.classes == ("background", "cell")
    old, new = by_picture(before), by_picture(after)
    for picture, mask in old.items():
        a, b = objects_of(mask), objects_of(new[picture])
        met = np.unique(np.stack([a.ravel(), b.ravel()]), axis=1)  # each object is one object
        assert met.shape[1] == len(np.unique(a)) == len(np.unique(b))


def test_index_pictures_no_longer_tell_objects_apart(tmp_path: Path) -> None:
    before = cells(tmp_path / "from", 0)
    lost = save(before, tmp_path / "to", format="masks", masks="index")
    assert lost == ["objects: of one class are no longer told apart"]
    assert not load(tmp_path / "to", task="segment").instances


def test_groups_and_weights_are_told_as_lost(tmp_path: Path) -> None:
    before = cells(tmp_path / "from", 0)
    first, *others = before.samples
    odd = replace(before, samples=(replace(first, group="g", weight=2.0), *others))
    assert save(odd, tmp_path / "to", format="masks") == ["groups: of 1 image(s)", "weights: of 1 image(s)"]
    assert save(odd, tmp_path / "coco", format="coco") == []
    assert load(tmp_path / "coco", task="segment").samples[0].group == "g"


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    data = cells(tmp_path / "from", 0)
    with pytest.raises(
        DataError, match=r"holds masks, and 'voc' holds boxes alone\. Those that hold masks: coco, masks"
    ):
        save(data, tmp_path / "to", format="voc")
    with pytest.raises(DataError, match=r"masks = 'outlines'; expected rle, polygons \(format 'coco'\)"):
        save(data, tmp_path / "to", format="coco", masks="outlines")
    with pytest.raises(DataError, match="masks lie beside their images; expected copy or link"):
        save(data, tmp_path / "to", format="masks", images="none")
    plain = load(FORMAT.example(_made(tmp_path / "soil")))
    with pytest.raises(DataError, match="instance pictures number the objects of one class on a background"):
        save(plain, tmp_path / "new", format="masks", masks="instance")


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
