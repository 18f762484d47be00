"""solve for numbers, pictures and identities: from data to a Solution that answers, by what is fitted at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")

from objectif.cli import main
from objectif.errors import InfeasibleError
from objectif.learn.race.show import Show
from objectif.learn.race.solve import solve
from objectif.problem import Problem
from objectif.run.predictor import Predictor
from objectif.solution.file import read


def numbers(root: Path) -> dict[str, Any]:
    """24 gray pictures of 12 subjects; what is known beside them tells the number, the picture does not."""
    rng = np.random.default_rng(0)
    lines = ["path,subject,value weight,age"]
    for k in range(24):
        cv2.imwrite(str(root / f"{k}.png"), np.full((32, 32, 3), rng.integers(60, 200), np.uint8))
        lines.append(f"{k}.png,s{k // 2},{3 * k},{k}")
    (root / "numbers.csv").write_text("\n".join(lines) + "\n")
    return {"data": root / "numbers.csv", "task": "regress", "models": ("columns_only", "mean_colour")}


def pictures(root: Path) -> dict[str, Any]:
    """12 clean pictures of rectangles, of several sizes, to be given with noise."""
    rng = np.random.default_rng(0)
    for k in range(12):
        image = np.full((48 + k, 64 - k), 60, np.uint8)
        y, x = rng.integers(4, 20, 2)
        image[y : y + 20, x : x + 24] = 180
        cv2.imwrite(str(root / f"{k}.png"), image)
    return {"data": root, "task": "restore", "degrade": "noise 20", "models": ("wavelet",)}


def identities(root: Path) -> dict[str, Any]:
    """12 identities with 4 pictures each, a pattern of their own in another light."""
    rng = np.random.default_rng(0)
    for who in range(12):
        (root / f"p{who}").mkdir()
        pattern = rng.integers(60, 200, (8, 8, 3))
        for k in range(4):
            light = np.clip(pattern + rng.integers(-30, 30) + rng.normal(0, 4, pattern.shape), 0, 255)
            large = cv2.resize(light.astype(np.uint8), (64, 64), interpolation=cv2.INTER_NEAREST)
            cv2.imwrite(str(root / f"p{who}" / f"{k}.png"), large)
    return {"data": root, "task": "identify", "models": ("fisher",)}


@pytest.mark.parametrize("make", [numbers, pictures, identities])
def test_from_data_to_answers(
    make: Callable[[Path], dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "data"
    root.mkdir()
    stated = make(root)
    out = tmp_path / "run"
    solve(Problem(budget=60.0, folds=3, **stated), out, show=Show(quiet=True))
    result = json.loads((out / "result.json").read_text())
    assert result["problem"]["task"] == stated["task"]
    assert result["winner"].startswith(stated["models"][0])
    solution = next(out.glob("*.objectif"))
    assert main(["check", str(solution)]) == 0, capsys.readouterr().out
    known = ["--columns", str(stated["data"])] if stated["task"] == "regress" else []
    capsys.readouterr()
    image = next(root.rglob("*.png"))
    assert main(["predict", str(solution), str(image), *known]) == 0, capsys.readouterr().err
    assert json.loads(capsys.readouterr().out)["path"] == str(image)
    _knows_its_kind(solution, sorted(map(str, root.rglob("*.png"))), stated)


def _knows_its_kind(solution: Path, images: list[str], stated: dict[str, Any]) -> None:
    """Images as it learned from pass its gate, a black one does not; of fewer than 20 groups nothing is kept for drift."""
    predictor = Predictor(read(solution)).suppose()
    assert predictor.gate is not None
    rng, given = np.random.default_rng(1), [cv2.imread(name, cv2.IMREAD_COLOR) for name in images]
    if stated["task"] == "restore":  # it learned from noisy ones; clean ones are strange to it
        given = [
            np.clip(p[:, :, :1] + rng.normal(0, 20, (*p.shape[:2], 1)), 0, 255).astype(np.uint8)
            for p in given
        ]  # type: ignore[index, union-attr]
    black = np.zeros((64, 64, given[0].shape[2]), np.uint8)  # type: ignore[union-attr]
    found = list(predictor.predict([*given, black]))  # type: ignore[list-item]
    rejected = [getattr(getattr(answer, "judgement", None), "act", "") == "reject" for answer in found]
    assert np.mean(rejected[:-1]) <= 0.15
    assert rejected[-1]
    assert not any(name.startswith("drift_") for name in predictor.solution.known)


def test_no_name_is_in_what_is_promised_of_people(tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    stated = {**identities(root), "promises": ["fpir <= 0.3"], "budget": 60.0, "folds": 3}
    for number in range(12, 24):  # enough people for some to be kept apart
        (root / f"p{number}").mkdir()
        for old in (root / f"p{number - 12}").iterdir():
            turned = cv2.rotate(cv2.imread(str(old)), cv2.ROTATE_180)  # type: ignore[arg-type]
            cv2.imwrite(str(root / f"p{number}" / old.name), turned)
    with pytest.raises(InfeasibleError, match="cannot tell from fewer than ten groups"):
        solve(Problem(**stated), tmp_path / "run", show=Show(quiet=True))
    solution = read(next((tmp_path / "run").glob("*.objectif")))
    written = json.dumps([solution.promises, solution.calibration, solution.gate, solution.card])
    assert solution.promises is not None and solution.promises["data"]["images"] > 0
    assert not [f"p{k}" for k in range(24) if f'"p{k}"' in written]
