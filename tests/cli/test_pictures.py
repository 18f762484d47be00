"""Restored pictures from the shell: PNGs of as many bits as were given, figures by the stated degradation, what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from objectif.cli import main
from objectif.solution.file import Solution, write

RNG = np.random.default_rng(0)


@pytest.fixture
def path(mirror: Callable[..., Solution], tmp_path: Path) -> Path:
    return write(tmp_path / "mirror.objectif", mirror())


def picture(file: Path, kind: Any, height: int = 30, width: int = 41) -> Any:
    pixels = RNG.integers(0, np.iinfo(kind).max + 1, (height, width, 3)).astype(kind)
    file.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(file), pixels)
    return pixels


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_pictures_come_back_with_their_bits(path: Path, tmp_path: Path, kind: Any) -> None:
    pixels = {
        name: picture(tmp_path / "in" / f"{name}.png", kind, side) for name, side in (("a", 30), ("b", 1))
    }
    out = tmp_path / "out"
    assert main(["predict", str(path), str(tmp_path / "in"), "--to", "pictures", "--out", str(out)]) == 0
    for name, expected in pixels.items():
        found = cv2.imread(str(out / f"{name}.png"), cv2.IMREAD_UNCHANGED)
        assert found.dtype == kind
        assert np.array_equal(found, expected)


def test_large_pictures_in_tiles_are_the_same(path: Path, tmp_path: Path) -> None:
    expected = picture(tmp_path / "in" / "a.png", np.uint8, 100, 130)
    out = tmp_path / "out"
    arguments = ["predict", str(path), str(tmp_path / "in"), "--tile", "48", "--to", "pictures"]
    assert main([*arguments, "--out", str(out)]) == 0
    assert np.array_equal(cv2.imread(str(out / "a.png")), expected)


def test_forms_that_do_not_fit_are_refused(path: Path, tmp_path: Path, capfd: Any) -> None:
    picture(tmp_path / "in" / "a.png", np.uint8)
    assert (
        main(["predict", str(path), str(tmp_path / "in"), "--to", "masks", "--out", str(tmp_path / "out")])
        == 2
    )
    assert "Use --to jsonl, csv or pictures." in capfd.readouterr().err
    assert main(["predict", str(path), str(tmp_path / "in"), "--to", "pictures"]) == 2
    assert "expected a folder for the pictures" in capfd.readouterr().err


def test_evaluate_states_the_degradation(path: Path, tmp_path: Path, capfd: Any) -> None:
    for k in range(3):
        picture(tmp_path / "in" / f"{k}.png", np.uint8, 64, 64 + k)
    arguments = ["evaluate", str(path), str(tmp_path / "in"), "--json"]
    assert main([*arguments, "--degrade", "noise 25"]) == 0
    found = json.loads(capfd.readouterr().out)["metrics"]
    assert found["PSNR"]["estimate"] == pytest.approx(20 * np.log10(255 / 25), abs=0.1)
    assert main([*arguments, "--degrade", "noise -25"]) == 2
    assert "above 0" in capfd.readouterr().err
    assert main(arguments) == 2
    assert "no pairs; expected a folder such as noisy/" in capfd.readouterr().err
