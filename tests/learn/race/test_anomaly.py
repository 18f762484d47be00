"""solve on good pictures: with defects beside them, and with nothing but good ones, made-up defects stand in."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")

from objectif.cli import main
from objectif.learn.race.show import Show
from objectif.learn.race.solve import solve
from objectif.problem import Problem
from objectif.runs.answers import read
from objectif.runs.folder import RunFolder


@pytest.fixture(scope="module")
def plates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 gray plates with a stripe, 24 x 64 x 96; no defect."""
    root = tmp_path_factory.mktemp("data") / "plates"
    root.mkdir()
    for number in range(24):
        rng = np.random.default_rng(number)
        image = rng.normal(110 + 10 * rng.random(), 6, (64, 96, 3))
        image[rng.integers(10, 50) :, 30:40] += 40
        cv2.imwrite(str(root / f"{number:02}.png"), np.clip(image, 0, 255).astype(np.uint8))
    return root


@pytest.fixture(scope="module")
def finished(plates: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "plates"
    problem = Problem(plates, "anomaly", budget=120.0, models=("contrast_z",), folds=2)
    solve(problem, out, show=Show(quiet=True))
    return out


def test_good_pictures_alone_are_compared_by_made_up_defects(finished: Path) -> None:
    result = json.loads((finished / "result.json").read_text())
    assert (result["problem"]["task"], result["metric"]) == ("anomaly", "image_auroc")
    assert any("made up" in note for note in result["notes"])
    answers = read(RunFolder.open(finished))
    assert sum(path.startswith("synthetic/") for path in answers.paths) == 24
    assert answers.decoding is not None
    assert (answers.decoding["good"], answers.decoding["kept"]) == (24, True)


def test_every_verb_works(finished: Path, plates: Path, capsys: pytest.CaptureFixture[str]) -> None:
    solution = next(finished.glob("*.objectif"))
    for verb in (["check", solution], ["report", finished], ["predict", solution, plates / "03.png"]):
        assert main([str(word) for word in verb]) == 0, capsys.readouterr().err
    capsys.readouterr()
    assert main(["evaluate", str(solution), str(plates), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["metrics"]) == {"false_alarm_rate"}
    assert any("image_auroc" in note for note in found["notes"])
    assert "data:image/png" in (finished / "report.html").read_text()
