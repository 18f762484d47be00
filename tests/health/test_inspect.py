"""inspect: clean data raise no worry, planted flaws raise theirs, and real data are judged as they deserve."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from objectif.data.dataset import Dataset
from objectif.data.load import load
from objectif.errors import InputError
from objectif.health.inspect import HAND_MADE, Health, inspect

from .conftest import in_memory, scene, write


def kinds(health: Health) -> list[str]:
    return [w.kind for w in health.worries]


def test_clean_data_raise_no_worry(clean: Dataset) -> None:
    health = inspect(clean)
    assert health.worries == ()
    assert "No worries." in str(health)


def test_clean_random_data_raise_no_worry_whatever_the_seed() -> None:
    for seed in range(1, 6):
        pictures = [scene(1000 * seed + i, i % 2, side=64) for i in range(60)]
        assert inspect(in_memory(pictures, [i % 2 for i in range(60)])).worries == ()


def test_random_labels_raise_no_worry() -> None:
    pictures = [scene(i, 0, side=64) for i in range(80)]
    assert inspect(in_memory(pictures, np.random.default_rng(0).integers(0, 3, 80).tolist())).worries == ()


def test_planted_flaws_are_all_found_gravest_first(tmp_path: Path) -> None:
    root = tmp_path / "data"
    for split, start in (("train", 0), ("test", 500)):
        for kind in (0, 1):
            for i in range(40):
                side = 96 if kind == 0 else 96 + 8 * (i % 3 + 1)  # the size gives the class away
                write(
                    root / split / f"k{kind}" / f"{start + i}.jpg", scene(start + 100 * kind + i, kind, side)
                )
    (root / "test" / "k0" / "copy.jpg").write_bytes((root / "train" / "k0" / "3.jpg").read_bytes())
    (root / "train" / "k1" / "twin.jpg").write_bytes((root / "train" / "k0" / "5.jpg").read_bytes())
    (root / "train" / "k1" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    health = inspect(load(root))
    assert kinds(health) == ["leakage", "contradiction", "confound: file", "unreadable", "duplicates"]
    leak, twins, size, broken, _ = (w.sentence for w in health.worries)
    assert "test/k0/copy.jpg = train/k0/3.jpg" in leak
    assert "train/k0/5.jpg (k0) = train/k1/twin.jpg (k1)" in twins
    assert "width" in size or "height" in size
    assert "train/k1/broken.jpg" in broken
    assert list(health.unreadable) == ["train/k1/broken.jpg"]
    assert all(w.remedy for w in health.worries)


def test_planted_wrong_labels_are_named(clean: Dataset) -> None:
    def embed(data: Dataset) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        noise = np.random.default_rng(0).normal(size=(len(data), 8))
        kind = np.array([s.item or 0 for s in data.samples]) % 3
        return (4 * np.eye(8)[kind] + noise).astype(np.float32)

    labels = [i % 3 for i in range(90)]
    for row in (7, 20, 33, 61):
        labels[row] = (labels[row] + 1) % 3
    pictures = [clean.arrays[Path("box.npz")][i] for i in range(90)]
    health = inspect(in_memory(pictures, labels), embed=embed, source="made-up features")
    assert kinds(health) == ["doubts"]
    assert health.doubts is not None
    assert health.doubts.source == "made-up features"
    assert {d.row for d in health.doubts.shown if d.wrong > 0.5} >= {7, 20, 33, 61}
    assert any("made-up features" in note for note in health.notes)


@pytest.mark.parametrize("shape", [(89, 4), (90,), (90, 4, 4)])
def test_features_of_another_shape_are_refused(clean: Dataset, shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="expected \\(90, D\\)"):
        inspect(clean, embed=lambda data: np.zeros(shape, np.float32))


def test_rows_are_those_of_the_whole_dataset_when_some_cannot_be_read(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for track in range(16):
        first = scene(track, track % 2, side=80)
        for frame in range(4):
            picture = np.clip(first + rng.normal(0, 14, first.shape) + 9 * frame, 0, 255).astype(np.uint8)
            write(tmp_path / f"c{track % 2}" / f"{track // 2:03d}_{frame}.jpg", picture)
    (tmp_path / "c0" / "000_0.jpg").write_bytes(b"")
    dataset = load(tmp_path)
    health = inspect(dataset)
    assert health.grouping is not None
    assert health.grouping.folder
    assert len(health.grouping.ids) == len(dataset) == 64
    (worry,) = (w for w in health.worries if w.kind == "groups")
    for rows in worry.rows:
        assert len({dataset.samples[r].path.rsplit("_", 1)[0] for r in rows}) == 1
    assert "--group '^(.*/[0-9]+)'" in worry.remedy


def test_given_groups_are_not_proposed_again() -> None:
    pictures = [scene(i // 4, (i // 4) % 2, side=64) for i in range(60)]
    noisy = [
        np.clip(p + np.random.default_rng(i).normal(0, 12, p.shape), 0, 255).astype(np.uint8)
        for i, p in enumerate(pictures)
    ]
    labels = [(i // 4) % 2 for i in range(60)]
    names = [f"{'ab'[(i // 4) % 2]}/{i // 4}_{i}.jpg" for i in range(60)]
    groups = [str(i // 4) for i in range(60)]
    assert inspect(in_memory(noisy, labels, paths=names)).grouping is not None
    assert inspect(in_memory(noisy, labels, paths=names, groups=groups)).grouping is None


def test_small_and_uneven_classes_are_worries() -> None:
    labels = [0] * 60 + [1] * 4
    health = inspect(in_memory([scene(i, labels[i], side=64) for i in range(64)], labels))
    assert kinds(health) == ["small classes", "imbalance"]


def test_what_has_no_classes_has_no_small_ones(tmp_path: Path) -> None:
    for k in range(4):
        write(tmp_path / "p" / f"{k}.png", scene(k, side=48))
    lines = ["path,value ripeness", *(f"p/{k}.png,{k / 3}" for k in range(4))]
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    for health in (
        inspect(load(tmp_path / "p", degrade="noise 25")),
        inspect(load(tmp_path / "labels.csv")),
    ):
        assert "small classes" not in kinds(health)
        assert " class" not in str(health) and "4 images, layout" in str(health)
    stages = "\n".join(["path,stage U<V<W", *(f"p/{k}.png,{'UVWW'[k]}" for k in range(4))]) + "\n"
    (tmp_path / "stages.csv").write_text(stages)
    health = inspect(load(tmp_path / "stages.csv"))
    assert "3 stages" in str(health) and kinds(health)[0] == "small classes"


def test_few_images_are_counted_and_nothing_is_claimed() -> None:
    health = inspect(in_memory([scene(i, i % 2) for i in range(12)], [i % 2 for i in range(12)]))
    assert health.doubts is None
    assert health.confounds == ()


def test_the_record_is_plain_json(clean: Dataset) -> None:
    record = json.loads(json.dumps(inspect(clean).to_dict(), allow_nan=False))
    assert record["version"] == 1
    assert record["counts"]["usable"] == 90
    assert record["doubts"]["source"] == HAND_MADE
    assert {c["name"] for c in record["confounds"]} >= {"the borders", "the tone"}
    assert record["worries"] == []


# --- real data ----------------------------------------------------------------------------------------------------


@cache
def seen(path: Path) -> Health:
    return inspect(load(path))


@pytest.mark.parametrize("name", ["flowers", "seedlings"])
def test_sound_real_data_raise_no_worry(shared: Callable[..., Path], name: str) -> None:
    assert seen(shared(name)).worries == ()


def test_real_tracks_are_proposed_as_groups(shared: Callable[..., Path]) -> None:
    health = seen(shared("traffic_signs"))
    assert kinds(health) == ["groups"]
    assert health.grouping is not None
    assert health.grouping.regex == "^(.*/[0-9]+)"
    assert health.grouping.count == 76
    grouped = load(shared("traffic_signs"), group=health.grouping.regex)
    assert inspect(grouped).worries == ()


def test_real_folds_that_keep_the_tracks_are_no_worry(shared: Callable[..., Path]) -> None:
    data = load(shared("traffic_signs"), splits=shared("traffic_signs", room="splits"))
    health = inspect(data)
    assert health.worries == ()
    assert any("the given folds keep them together" in note for note in health.notes)


def test_the_odd_class_of_the_real_chests_is_told_from_its_files(shared: Callable[..., Path]) -> None:
    (worry,) = (w for w in seen(shared("chest_xray")).worries if w.kind == "confound: file")
    assert "'Covid-19'" in worry.sentence


def test_real_slices_leak_and_the_split_is_shifted(shared: Callable[..., Path]) -> None:
    health = seen(shared("brain_mri"))
    assert kinds(health)[0] == "leakage"
    assert {"contradiction", "series", "shift"} <= set(kinds(health))
    assert len(health.leakage.same) >= 8
