"""Layouts of good pictures and defects: what is noticed, what is asked for, what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from objectif.data.good import is_good
from objectif.data.load import load
from objectif.errors import DataError
from objectif.metrics.maps import UNKNOWN, cells, kinds
from objectif.tasks import find


def picture(path: Path, size: tuple[int, int] = (40, 30), value: int = 90) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(0).integers(value, value + 40, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def mask(path: Path, size: tuple[int, int] = (40, 30)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((size[1], size[0]), np.uint8)
    pixels[10:20, 20:40] = 255
    Image.fromarray(pixels).save(path)


@pytest.fixture
def mvtec(tmp_path: Path) -> Path:
    for k in range(4):
        picture(tmp_path / f"train/good/{k:03d}.png")
    for k in range(2):
        picture(tmp_path / f"test/good/{k:03d}.png")
        picture(tmp_path / f"test/scratch/{k:03d}.png")
        picture(tmp_path / f"test/dent/{k:03d}.png")
        mask(tmp_path / f"ground_truth/scratch/{k:03d}_mask.png")
    return tmp_path


def test_mvtec_is_noticed_by_itself(mvtec: Path) -> None:
    found = load(mvtec)
    assert found.task == "anomaly"
    assert (found.classes, found.good, found.layout) == (("good", "dent", "scratch"), 0, "good")
    assert sorted(s.split or "" for s in found.samples) == ["test"] * 6 + ["train"] * 4
    assert any("no mask" in note for note in found.notes)
    truth = find("anomaly").truth(found)
    by_kind = dict(zip(kinds(truth).tolist(), cells(truth), strict=True))
    assert not by_kind[0].any()
    assert (by_kind[1] == UNKNOWN).all()
    assert by_kind[2].mean() == pytest.approx(1 / 6, abs=0.02)


def test_folders_with_masks_beside_the_pictures(tmp_path: Path) -> None:
    for k in range(3):
        picture(tmp_path / f"MT_Free/{k}.jpg")
        picture(tmp_path / f"MT_Crack/{k}.jpg")
        mask(tmp_path / f"MT_Crack/{k}.png")
        picture(tmp_path / f"odd/{k}.png")
        mask(tmp_path / f"odd/{k}_mask.png")
    found = load(tmp_path, task="anomaly")
    assert found.classes == ("MT_Free", "MT_Crack", "odd")
    assert len(found) == 9
    assert [s.mask is not None for s in found.samples] == [s.labels != (0,) for s in found.samples]


def test_nothing_but_good_pictures(tmp_path: Path) -> None:
    for k in range(3):
        picture(tmp_path / f"{k}.png")
    found = load(tmp_path, task="anomaly")
    assert found.tasks == ("anomaly",)
    assert found.classes == ("good",)
    assert any("false-alarm rate can be measured" in note for note in found.notes)


def test_a_manifest_with_labels(tmp_path: Path) -> None:
    for k in range(4):
        picture(tmp_path / f"{k}.png")
    (tmp_path / "all.csv").write_text("path,label\n0.png,ok\n1.png,ok\n2.png,bent\n3.png,torn\n")
    found = load(tmp_path / "all.csv", task="anomaly")
    assert found.classes[found.good or 0] in {"ok", "bent"}
    assert found.classes[-1 if found.good is None else found.good] == "ok"


def test_no_good_picture_is_refused(tmp_path: Path) -> None:
    for k in range(3):
        picture(tmp_path / f"bent/{k}.png")
        picture(tmp_path / f"torn/{k}.png")
    with pytest.raises(DataError, match=r"no class is called good \('bent', 'torn'\).*Name the folder"):
        load(tmp_path, task="anomaly")


def test_two_good_classes_are_refused(tmp_path: Path) -> None:
    for name in ("good", "ok", "bent"):
        picture(tmp_path / name / "0.png")
    with pytest.raises(DataError, match="'good', 'ok' are all called good; expected one"):
        load(tmp_path, task="anomaly")


def test_one_good_picture_is_refused(tmp_path: Path) -> None:
    picture(tmp_path / "good/0.png")
    for k in range(3):
        picture(tmp_path / f"bent/{k}.png")
    with pytest.raises(DataError, match="one good picture of 4; expected at least two"):
        load(tmp_path, task="anomaly")


def test_a_mask_of_another_size_is_refused(mvtec: Path) -> None:
    mask(mvtec / "ground_truth/scratch/001_mask.png", (50, 30))
    with pytest.raises(DataError, match="50 x 30 pixels, expected 40 x 30"):
        find("anomaly").truth(load(mvtec))


def test_truth_without_a_good_class_is_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        picture(tmp_path / name / "0.png")
    with pytest.raises(DataError, match="not said which pictures are good"):
        find("anomaly").truth(load(tmp_path))


@pytest.mark.parametrize(
    ("name", "good"),
    [("good", True), ("MT_Free", True), ("OK", True), ("not good", False), ("goods", False), ("defectFree", True), ("no-ok", False)],
)  # fmt: skip
def test_names_of_good_classes(name: str, good: bool) -> None:
    assert is_good(name) == good


def test_the_user_may_say_which_class_is_good(tmp_path: Path) -> None:
    for k in range(3):
        picture(tmp_path / f"plain/{k}.png")
        picture(tmp_path / f"torn/{k}.png")
    found = load(tmp_path, good="plain")
    assert found.task == "anomaly"
    assert found.good is not None and found.classes[found.good] == "plain"
    with pytest.raises(DataError, match="--good 'whole' is no class; expected one of 'plain', 'torn'"):
        load(tmp_path, good="whole")
    with pytest.raises(DataError, match="expected the task 'anomaly' beside it, not 'classify'"):
        load(tmp_path, good="plain", task="classify")


def test_a_manifest_may_be_asked_for_its_good_class(tmp_path: Path) -> None:
    lines = ["path,label"]
    for k in range(4):
        picture(tmp_path / f"{k}.png")
        lines.append(f"{k}.png,{('torn', 'plain')[k % 2]}")
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    found = load(tmp_path / "labels.csv", good="plain")
    assert found.good is not None and found.classes[found.good] == "plain"
    assert kinds(find("anomaly").truth(found)).astype(bool).sum() == 2
