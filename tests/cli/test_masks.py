"""--images, --masks, --legend and --turn-masks: through inspect and init, into problem.toml and back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from objectif.cli import main
from objectif.data.load import load
from objectif.problem import Problem, read


@pytest.fixture
def field(tmp_path: Path) -> Path:
    """Six pictures with two kinds of masks."""
    root = tmp_path / "field"
    for part in ("photos", "crop_masks", "weed_masks"):
        (root / part).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for k in range(6):
        mask = np.zeros((32, 40), np.uint8)
        mask[4:12, 5 + k : 15] = 1
        mask[20:28, 5:15] = mask[20:28, 25:35] = 2
        Image.fromarray(rng.integers(0, 256, (32, 40, 3), dtype=np.uint8)).save(root / f"photos/{k}.png")
        Image.fromarray(mask).save(root / f"crop_masks/{k}.png")
        Image.fromarray(mask[::-1].copy()).save(root / f"weed_masks/{k}.png")
    (root / "names.txt").write_text("0 background\n1 crop\n2 weed\n")
    return root


def test_inspect_asks_and_takes_the_answer(field: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(field)]) == 2
    assert "Pick one: objectif inspect" in capsys.readouterr().err
    named = ["--images", "photos", "--masks", "weed_masks", "--legend", "names.txt"]
    assert main(["inspect", str(field), *named, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["masks"]["by_class"].keys() == {"background", "crop", "weed"}
    assert main(["inspect", str(field), *named]) == 0
    again = f"objectif solve {field} --images photos --masks weed_masks --legend names.txt"
    assert again in capsys.readouterr().out


def test_init_writes_the_folders_and_read_finds_them(
    field: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init", "field", "--masks", "weed_masks", "--legend", "field/names.txt"]) == 0
    text = (tmp_path / "problem.toml").read_text()
    assert 'masks = "field/weed_masks"' in text and 'legend = "field/names.txt"' in text
    assert 'images = "auto"' in text
    problem = read(tmp_path / "problem.toml")
    assert (problem.masks, problem.images) == (field / "weed_masks", None)
    assert problem.task == "segment"
    assert load(problem.data, **problem.reading()).classes == ("background", "crop", "weed")


def test_a_problem_keeps_its_folders(field: Path) -> None:
    problem = Problem(field, masks=field / "weed_masks", legend=field / "names.txt")
    assert Problem(**problem.to_dict()) == problem
    named = {
        "images",
        "masks",
        "legend",
        "turn_masks",
        "degrade",
        "good",
        "task",
        "format",
        "group",
        "splits",
    }
    assert problem.reading().keys() == named


@pytest.fixture
def upside_down(tmp_path: Path) -> Path:
    """Eight pictures with one bright square each, near a corner; their masks are turned by 180 degrees."""
    root = tmp_path / "turned"
    for part in ("images", "masks"):
        (root / part).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for k in range(8):
        mask = np.zeros((32, 40), np.uint8)
        mask[2:12, 2 + k : 14] = 1
        picture = rng.integers(0, 60, (32, 40, 3)) + 150 * mask[:, :, None]
        Image.fromarray(picture.astype(np.uint8)).save(root / f"images/{k}.png")
        Image.fromarray(np.rot90(mask, 2).copy()).save(root / f"masks/{k}.png")
    (root / "classes.txt").write_text("0 background\n1 crop\n")
    return root


def test_inspect_advises_the_turn_and_is_content_with_it(
    upside_down: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(upside_down)]) == 0
    assert f"next:  objectif solve {upside_down} --turn-masks 180" in capsys.readouterr().out
    assert main(["inspect", str(upside_down), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["turn"]["option"] == 180 and told["worries"][0]["kind"] == "turned masks"
    assert main(["inspect", str(upside_down), "--turn-masks", "180"]) == 0
    out = capsys.readouterr().out
    assert f"objectif inspect {upside_down} --turn-masks 180 --out health" in out
    assert "Masks do not lie" not in out
    assert main(["inspect", str(upside_down), "--turn-masks", "45"]) == 2
    assert "expected one of 0, 90, 180, 270" in capsys.readouterr().err


def test_init_writes_the_turn_and_the_race_reads_it(
    upside_down: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init", "turned", "--turn-masks", "180"]) == 0
    assert "\nturn_masks = 180\n" in (tmp_path / "problem.toml").read_text()
    problem = read(tmp_path / "problem.toml")
    assert load(problem.data, **problem.reading()).turned == 180


def test_solve_hands_the_turn_on(upside_down: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Problem] = []

    def solve(problem: Problem, out: Path, **_: object) -> None:
        asked.append(problem)

    monkeypatch.setattr("objectif.learn.race.solve.solve", solve)
    monkeypatch.setattr("objectif.cli.solve.present", lambda *_: None)
    assert main(["solve", str(upside_down), "--turn-masks", "180"]) == 0
    assert asked[0].turn_masks == 180
