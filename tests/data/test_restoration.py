"""Pairs of pictures and clean pictures with a stated degradation, as data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from objectif.data.load import load
from objectif.data.restoration import wanted
from objectif.errors import DataError, ProblemError
from objectif.metrics.pictures import extent
from objectif.problem import Problem
from objectif.report import sliders
from objectif.tasks import find


def put(file: Path, pixels: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(file), np.asarray(pixels))


def level(value: int, height: int = 20, width: int = 24, kind: Any = np.uint8) -> Any:
    return np.full((height, width), value, kind)


def test_pairs_are_found_by_their_stems_and_others_said(tmp_path: Path) -> None:
    for k in range(3):
        put(tmp_path / "noisy" / f"{k}.png", level(50 + k, 20 + k))
        put(tmp_path / "clean" / f"{k}.bmp", level(60 + k, 20 + k))
    put(tmp_path / "noisy" / "lone.png", level(1))
    put(tmp_path / "clean" / "other.png", level(1))
    put(tmp_path / "noisy" / "size.png", level(1))
    put(tmp_path / "clean" / "size.png", level(1, 10, 30))
    data = load(tmp_path)
    assert (data.task, data.layout, len(data)) == ("restore", "pairs", 3)
    assert "no clean picture" in data.problems["noisy/lone.png"]
    assert "nothing of this name" in data.problems["clean/other.png"]
    assert "is 24 x 20 pixels, its clean picture size.png 30 x 10" in data.problems["noisy/size.png"]
    truth = find("restore").truth(data)
    assert truth.shape == (3, 22, 24, 2)
    assert [extent(t) for t in truth] == [(20, 24), (21, 24), (22, 24)]
    assert (truth[1, 0, 0] == [61, 51]).all()


def test_no_pair_at_all_is_an_error(tmp_path: Path) -> None:
    put(tmp_path / "noisy" / "a.png", level(1))
    put(tmp_path / "clean" / "b.png", level(1))
    with pytest.raises(DataError, match="no two pictures are a pair"):
        load(tmp_path, task="restore")
    with pytest.raises(DataError, match=r"no pairs; expected a folder such as noisy/"):
        load(tmp_path / "noisy", task="restore")


def test_sixteen_bit_pairs_keep_their_levels(tmp_path: Path) -> None:
    put(tmp_path / "noisy" / "a.png", level(257 * 10 + 100, kind=np.uint16))
    put(tmp_path / "clean" / "a.png", level(257 * 10, kind=np.uint16))
    truth = find("restore").truth(load(tmp_path))
    assert truth[0, 0, 0, 0] == 10
    assert truth[0, 0, 0, 1] == pytest.approx(10 + 100 / 257, abs=1e-4)


def test_clean_pictures_are_degraded_by_their_place_in_the_split(tmp_path: Path) -> None:
    for part in ("train", "test"):
        for k in range(2):
            put(tmp_path / part / f"{k}.png", level(100))
    data = load(tmp_path, degrade="noise 10")
    assert [(s.split, s.number) for s in data.samples] == [
        ("test", 0),
        ("test", 1),
        ("train", 0),
        ("train", 1),
    ]
    truth = find("restore").truth(data)
    expected = 100 + np.random.default_rng(1).normal(0, 10, (20, 24))
    assert np.allclose(truth[1, :, :, 1], expected, atol=1e-3)
    assert (wanted(data, 0) == 100).all()


def test_bad_statements_are_refused(tmp_path: Path) -> None:
    put(tmp_path / "a.png", level(1))
    with pytest.raises(DataError, match="is not known"):
        load(tmp_path, degrade="rain 2")
    with pytest.raises(DataError, match="is no folder"):
        load(tmp_path / "a.png", degrade="noise 2")
    with pytest.raises(ProblemError, match=r"degrade = .*above 0"):
        Problem(tmp_path, degrade="noise -2")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no pictures below it"):
        load(tmp_path / "empty", degrade="noise 2")


def test_more_than_memory_holds_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "a.png", level(1))
    monkeypatch.setattr("objectif.tasks.restore.MOST_BYTES", 100)
    with pytest.raises(DataError, match="Cut the large pictures"):
        find("restore").truth(load(tmp_path, degrade="noise 2"))


def noisy_folder(folder: Path, sigma: float = 12.0, count: int = 4) -> Path:
    for k in range(count):
        noise = np.random.default_rng(k).normal(0, sigma, (40, 48))
        put(
            folder / "train" / f"{k}.png",
            np.clip(np.rint(level(120, 40, 48) + noise), 0, 255).astype(np.uint8),
        )
    return folder


@pytest.mark.parametrize("words", ["given", "given, noise 12", "given, gray"])
def test_noisy_pictures_alone_are_data_and_say_what_is_unknown(tmp_path: Path, words: str) -> None:
    data = load(noisy_folder(tmp_path), degrade=words)
    assert (data.task, data.layout, data.noisy, str(data.degradation)) == ("restore", "noisy", True, words)
    assert "No clean picture is known" in data.notes[0] and "SURE" in data.notes[0]
    truth = find("restore").truth(data)
    assert truth.shape == (4, 40, 48, 3)
    target, seen, own = np.moveaxis(truth, 3, 0)
    assert np.array_equal(own[0], np.float32(cv2.imread(str(tmp_path / "train" / "0.png"), 0)))
    assert np.allclose(target[0] - own[0], -10 * (seen[0] - own[0]), atol=1e-3)  # opposite, by 1 / SHARE
    assert Problem(tmp_path, degrade=words).settled(data).metric == "SURE"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("given, blur 2", "noisy as they are"),
        ("given, shrink 2", "noisy as they are"),
        ("given 3", "'given' takes no number"),
        ("noise 3, given", "too late"),
    ],
)
def test_contradictions_of_noisy_pictures_are_refused(tmp_path: Path, words: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        load(noisy_folder(tmp_path), degrade=words)


def test_pictures_without_noise_are_refused_unless_it_is_stated(tmp_path: Path) -> None:
    put(tmp_path / "flat.png", level(90))
    data = load(tmp_path, degrade="given")
    with pytest.raises(
        DataError, match=r"flat.png: its noise is estimated as 0.00 levels .*state the strength"
    ):
        find("restore").truth(data)
    assert find("restore").truth(load(tmp_path, degrade="given, noise 3")).shape[3] == 3


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"metric": "PSNR"}, "metric = .PSNR.: needs clean pictures"),
        ({"losses": ["charbonnier"]}, "losses = .charbonnier.: needs clean pictures"),
    ],
)
def test_what_needs_clean_pictures_is_refused_without_them(
    tmp_path: Path, stated: dict[str, Any], said: str
) -> None:
    data = load(noisy_folder(tmp_path), degrade="given")
    with pytest.raises(ProblemError, match=said):
        Problem(tmp_path, degrade="given", **stated).settled(data)
    for name in ("sure", "noise2void", "picture_l2"):
        assert Problem(tmp_path, degrade="given", losses=[name]).settled(data).task == "restore"


def test_a_report_of_noisy_pictures_claims_no_clean_one(tmp_path: Path) -> None:
    truth = find("restore").truth(load(noisy_folder(tmp_path), degrade="given"))
    sheet, cases = find("restore").exhibits(
        [f"{k}.png" for k in range(4)], ("picture",), truth, truth[..., 1:2]
    )
    assert "unknown" in sheet.caption
    assert sheet.rows[0][1] == pytest.approx(1.1 * 12**2, rel=0.3)
    assert all(case.clean is None for case in cases.cases)
    page = str(sliders.draw(cases.cases[0], 10**7)[0])
    assert "Restored" in page and "Clean" not in page
