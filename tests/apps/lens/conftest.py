"""A lens of three colours: real files, made without a race."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from objectif.apps.lens import new
from objectif.apps.lens.folder import Lens
from objectif.problem import Problem
from objectif.problem import write as write_problem
from objectif.runs.folder import ANSWERS, PROBLEM, RunFolder
from objectif.solution.file import Solution

COLOURS = {"red": (220, 40, 40), "green": (40, 220, 40), "blue": (40, 40, 220)}  # RGB


def paint(path: Path, colour: tuple[int, int, int], seed: int = 0, size: tuple[int, int] = (48, 64)) -> Path:
    """A photo of one colour with noise."""
    noise = np.random.default_rng(seed).integers(-30, 31, (*size, 3))
    pixels = np.clip(np.asarray(colour) + noise, 0, 255).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), pixels[:, :, ::-1])
    return path


@pytest.fixture(scope="session")
def run(colours: Callable[..., Solution], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished race, as far as a lens reads it: five photos of each colour, 120 held-out answers, 6 of them wrong."""
    base = tmp_path_factory.mktemp("raced")
    for label, colour in COLOURS.items():
        for number in range(5):
            paint(base / "data" / label / f"{number}.jpg", colour, number)
    folder = RunFolder.create(base / "run")
    write_problem(Problem(base / "data"), folder.file(PROBLEM))
    truth = np.arange(120) % 3
    scores = np.full((120, 3), 0.02)
    scores[np.arange(120), truth] = 0.96
    scores[:6] = np.roll(scores[:6], 1, axis=1)  # red is called green, green blue, blue red
    paths = [f"photo {k}" for k in range(120)]
    folder.write_arrays(ANSWERS, {"paths": np.array(paths), "truth": truth, "scores": scores})
    colours().save(folder.file("colours.objectif"))
    return folder.path


@pytest.fixture
def lens(run: Path, tmp_path: Path) -> Lens:
    """The lens of that race, in English and German."""
    return new.make(run, tmp_path / "colours.lens", title="Colours", languages=("en", "de"))
