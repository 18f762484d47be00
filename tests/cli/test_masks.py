"""--images, --masks and --legend: through inspect and init, into problem.toml and back."""

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
    assert {"images", "masks", "legend", "task", "format", "group", "splits"} == problem.reading().keys()
