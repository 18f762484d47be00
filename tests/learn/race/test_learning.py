"""solve on boxes: networks that are trained as a whole, from annotated pictures to a detector in a file."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")

from objectif.cli import main
from objectif.errors import ProblemError, TrialError
from objectif.learn.race.candidate import Candidate
from objectif.learn.race.ground import usual_shape
from objectif.learn.race.pairings import combinations
from objectif.learn.race.show import Show
from objectif.learn.race.solve import solve
from objectif.problem import Problem
from objectif.run.predictor import load
from objectif.runs.answers import read
from objectif.runs.folder import RunFolder


@pytest.fixture(scope="module")
def discs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """36 pictures with up to three bright discs on gray noise, one of them empty; a CSV file of boxes."""
    root = tmp_path_factory.mktemp("data") / "discs"
    root.mkdir()
    rng = np.random.default_rng(0)
    lines = ["path,x1,y1,x2,y2,label"]
    for number in range(36):
        image = rng.normal(90, 12, (160, 200, 3))
        for _ in range(number % 4):
            radius = int(rng.integers(18, 24))
            x, y = int(rng.integers(radius, 200 - radius)), int(rng.integers(radius, 160 - radius))
            cv2.circle(image, (x, y), radius, (230, 230, 60), -1)
            lines.append(f"{number:02}.png,{x - radius},{y - radius},{x + radius},{y + radius},disc")
        cv2.imwrite(str(root / f"{number:02}.png"), np.clip(image, 0, 255).astype(np.uint8))
    (root / "boxes.csv").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture(scope="module")
def finished(discs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "discs"
    losses = ("quality_focal", "giou", "dense_bce")
    solve(Problem(discs, budget=300.0, models=("blobs",), losses=losses, folds=2), out, show=Show(quiet=True))
    return out


def test_the_run_folder_tells_of_the_task_it_found(finished: Path) -> None:
    result = json.loads((finished / "result.json").read_text())
    assert (result["problem"]["task"], result["metric"]) == ("detect", "mAP50")
    assert result["estimate"] > 0.2
    assert result["beats_baseline"] is True
    assert {row["loss"] for row in result["leaderboard"]} == {"quality_focal+giou", "dense_bce+giou"}
    answers = read(RunFolder.open(finished))
    assert answers.decoding is not None and len(answers.decoding["thresholds"]) == 1
    assert answers.task == "detect" and answers.truth.shape[2] == answers.scores.shape[2] == 6


def test_every_verb_works_on_the_detector(
    finished: Path, discs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    solution = next(finished.glob("*.objectif"))
    found = list(load(solution).predict(str(discs / "*.png")))
    assert len(found) == 36
    assert max(len(answer.boxes) for answer in found) > 0  # type: ignore[union-attr]
    for verb in (
        ["check", solution],
        ["evaluate", solution, discs],
        ["report", finished],
        ["compare", finished, finished],
        ["predict", solution, discs / "03.png"],
    ):
        assert main([str(word) for word in verb]) == 0, capsys.readouterr().err


def test_losses_are_compared_one_kind_at_a_time(discs: Path) -> None:
    from types import SimpleNamespace
    from typing import Any, cast

    from objectif.learn.models import find_learner

    learner = find_learner("blobs")
    clean = SimpleNamespace(dataset=SimpleNamespace(noisy=False))
    race = cast(Any, SimpleNamespace(problem=SimpleNamespace(losses="auto"), ground=clean))
    tried = combinations(race, learner)
    assert tried[0] == "+".join(learner.usual)
    assert all(sum(a != b for a, b in zip(t.split("+"), learner.usual, strict=True)) <= 1 for t in tried)
    race.problem.losses = ("varifocal+ciou",)
    assert "varifocal+ciou" in combinations(race, learner)


def test_pictures_that_stand_and_lie_get_a_square() -> None:
    assert usual_shape(np.array([[480, 640]] * 9)) == (480, 640)
    height, width = usual_shape(np.array([[480, 640], [640, 480]] * 5))
    assert height == width


def test_a_candidate_is_named_by_what_tells_it_apart() -> None:
    made = Candidate("finetune", "lite0_fpn", "quality_focal+giou", side=320, epochs=20)
    assert made.id == "lite0_fpn@320/20ep/quality_focal+giou"


def test_a_race_without_anybody_says_why(discs: Path, tmp_path: Path) -> None:
    asked = Problem(discs, budget=30.0, models=("lite0",), folds=2)
    with pytest.raises(ProblemError, match="lite0 is of the task 'classify'"):
        solve(asked, tmp_path / "run", show=Show(quiet=True))


def test_what_cannot_be_exported_is_not_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace
    from typing import Any

    from objectif.learn.race import lesson

    def refuse(*given: Any) -> bytes:
        raise RuntimeError("no such operator\nmore")

    known = SimpleNamespace(
        channels=3,
        dataset=SimpleNamespace(classes=("a",), columns=()),
        size=lambda side: (32, 32),
        floating=False,
    )
    monkeypatch.setattr(lesson, "read_context", lambda path: known)
    monkeypatch.setattr(lesson, "export_whole", refuse)
    with pytest.raises(TrialError, match=r"blobs cannot be exported to ONNX \(no such operator\)"):
        lesson.weigh(context=Path(), model="blobs", side=32, memory=False, tell=lambda said: None)
