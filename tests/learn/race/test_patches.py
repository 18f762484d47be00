"""Parts that training sees: all of every picture, noise that is drawn anew or kept, whole pictures held apart."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")

from objectif.data.load import load
from objectif.data.splits import plan
from objectif.learn.fit.train import Lesson, _plain, _view
from objectif.learn.models.restore.networks import DNCNN
from objectif.learn.models.restore.wavelet import WAVELET
from objectif.learn.race.candidate import Candidate, Context
from objectif.learn.race.lesson import lesson_of
from objectif.learn.race.pairings import combinations, usual_loss
from objectif.learn.race.patches import patches

SIZES = ((40, 70), (20, 33), (64, 64))
ROWS = np.array([0, 2])


def context(folder: Path, degrade: str) -> Context:
    rng = np.random.default_rng(0)
    for k, size in enumerate(SIZES):
        cv2.imwrite(str(folder / f"{k}.png"), rng.integers(0, 256, size).astype(np.uint8))
    data, work = load(folder, degrade=degrade), folder / "work"
    work.mkdir()
    return Context(
        data, plan(data, folds=3, seed=0), np.arange(3), work, 1, True, "restore", "PSNR", (40, 64)
    )


def lesson(known: Context, loss: str) -> Lesson:
    return lesson_of(known, WAVELET, Candidate("classical", "wavelet", loss, side=16), ROWS, 0, (), 1)


def test_parts_cover_each_picture(tmp_path: Path) -> None:
    known = context(tmp_path, "noise 10")
    given, truth, owner = patches(
        known, Candidate("classical", "wavelet", "picture_l2", side=16), quiet=False
    )
    assert np.bincount(owner).tolist() == [2 * 3, 1 * 2, 2 * 2]
    assert np.array_equal(given, truth[..., 1:])
    assert np.isfinite(truth).all()
    whole = known.truth()[2, :64, :64]
    assert np.array_equal(truth[owner == 2][3], whole[32:, 32:])
    assert np.array_equal(truth[owner == 0][5], known.truth()[0, 8:40, 38:70])


def test_noise_is_drawn_anew_unless_nothing_clean_may_be_seen(tmp_path: Path) -> None:
    known = context(tmp_path, "noise 10")
    fresh, fixed = lesson(known, "picture_l2"), lesson(known, "sure")
    assert (fresh.fresh, fixed.fresh, fresh.noise, fixed.noise) == (True, False, 10, 10)
    assert len(fresh.images) == 10  # parts of two of the three pictures
    rows, generator = np.arange(10), np.random.default_rng(0)
    (one, right), (other, _) = (_view(WAVELET, fresh, rows, generator, 0.5) for _ in range(2))
    assert float((one - right[..., :1]).std()) == pytest.approx(10, rel=0.1)
    assert not np.array_equal(one, other)
    seen, told = _plain(fixed.images, fixed.truth, fixed, WAVELET)
    assert np.array_equal(seen, told[..., 1:])


@pytest.mark.parametrize(
    ("degrade", "noise"), [("blur 1.5, noise 5", 5), ("shrink 2", None), ("shrink 2, noise 5", None)]
)
def test_what_comes_before_the_noise_is_kept(tmp_path: Path, degrade: str, noise: Any) -> None:
    found = lesson(context(tmp_path, degrade), "picture_l2")
    assert (found.noise, found.fresh) == (noise, noise is not None)
    assert not np.array_equal(found.images, found.truth[..., :1])
    if noise:
        assert float((found.images - found.truth[..., 1:]).std()) < 4 * noise


def test_of_noisy_pictures_the_one_with_more_noise_is_seen_and_a_target_told(tmp_path: Path) -> None:
    known = context(tmp_path, "given, noise 10")
    candidate = Candidate("classical", "wavelet", "picture_l2", side=16)
    given, truth, _ = patches(known, candidate, quiet=False)
    assert (given.shape[3], truth.shape[3]) == (1, 3)
    assert np.array_equal(given, truth[..., 1:2])
    for loss in ("picture_l2", "sure"):
        found = lesson(known, loss)
        assert not found.fresh
        assert found.noise == pytest.approx(10 * 1.1**0.5)


def test_without_clean_pictures_only_losses_that_need_none_are_tried() -> None:
    problem, dataset = SimpleNamespace(losses="auto"), SimpleNamespace(noisy=True)
    race: Any = SimpleNamespace(problem=problem, ground=SimpleNamespace(dataset=dataset))
    assert usual_loss(race, DNCNN) == "sure"
    assert combinations(race, DNCNN) == ["sure", "noise2void", "picture_l2"]
    dataset.noisy = False
    assert usual_loss(race, DNCNN) == "charbonnier"
    assert "ssim" in combinations(race, DNCNN)
