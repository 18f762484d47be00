"""A race with promises, as its user meets it: images kept apart, the winner's proof in file and report, infeasible told."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")

from objectif.errors import InfeasibleError, LeakageError, ProblemError
from objectif.learn.race.show import Show
from objectif.learn.race.solve import solve
from objectif.problem import Problem, read
from objectif.run.predictor import load
from objectif.runs.folder import RunFolder
from objectif.solution.file import read as read_solution


@pytest.fixture(scope="module")
def stripes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows and columns, 70 noisy pictures each, easily told apart."""
    root = tmp_path_factory.mktemp("data") / "stripes"
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:40, :40]
    for label, wave in (("rows", y), ("columns", x)):
        (root / label).mkdir(parents=True)
        for number in range(70):
            base = 127 + 60 * np.sin(wave / rng.uniform(2.0, 4.0) + rng.uniform(0, 6))
            image = base[..., None] + rng.normal(0, 40, (40, 40, 3))
            cv2.imwrite(str(root / label / f"{number}.png"), np.clip(image, 0, 255).astype(np.uint8))
    return root


def problem(data: Path, promise: str, **more: object) -> Problem:
    options = {
        "budget": 60.0,
        "models": ("hog",),
        "losses": ("cross_entropy",),
        "preparations": ("plain",),
        "folds": 3,
        "promises": [promise],
        "calibration": 0.5,
    }
    return Problem(data, **{**options, **more})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def kept(stripes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "kept"
    solve(problem(stripes, "recall[rows] >= 0.8"), out, show=Show(quiet=True))
    return out


def test_what_is_promised_is_in_the_file_the_result_and_the_report(kept: Path) -> None:
    folder = RunFolder.open(kept)
    result, solution = folder.result(), read_solution(folder.solution())
    assert result.metric == "work_saved" and result.kept
    assert result.objective().name == "work_saved"
    assert solution.promises == result.promises
    assert solution.promises is not None and solution.promises["kept"] is True
    record = solution.promises["records"][0]
    assert record["reached"] >= 0.8 and record["work_low"] > 0
    assert solution.promises["data"]["images"] == 70
    assert solution.calibration is not None and solution.calibration["n"] == 70
    page = (kept / "report.html").read_text()
    assert "What is promised?" in page and "recall[rows] &gt;= 0.8" in page
    assert read(kept / "problem.toml").promises == ("recall[rows] >= 0.8",)


def test_images_that_prove_promises_train_and_choose_nothing(kept: Path) -> None:
    splits = RunFolder.open(kept).read_json("splits.json")
    apart, fold = np.array(splits["calibration"], bool), np.array(splits["fold"])
    assert apart.sum() == 70 and (fold[apart] == -1).all()
    answered = np.load(kept / "answers.npz")["paths"].tolist()
    assert not {path for path, yes in zip(splits["paths"], apart, strict=True) if yes} & set(answered)


def test_answers_say_what_may_be_done_with_them(kept: Path, stripes: Path) -> None:
    predictor = load(next(kept.glob("*.objectif")))
    found = list(predictor.predict(str(stripes)))
    acts = [one.judgement.act for one in found if one.judgement is not None]  # type: ignore[union-attr]
    assert len(acts) == len(found) == 140
    assert "answer" in acts
    missed = [
        one
        for one in found
        if "rows" in one.path and one.label != "rows" and one.judgement.act == "answer"  # type: ignore[union-attr]
    ]
    assert len(missed) <= 0.2 * 70


def test_a_promise_that_cannot_be_proved_leaves_all_to_a_person(stripes: Path, tmp_path: Path) -> None:
    out = tmp_path / "broken"
    with pytest.raises(InfeasibleError, match=r"infeasible: .*best promise at 95 % is recall\[rows\] >= 0\."):
        solve(problem(stripes, "recall[rows] >= 0.999"), out, show=Show(quiet=True))
    predictor = load(next(out.glob("*.objectif")))
    found = list(predictor.predict(str(stripes / "rows")))
    assert {one.judgement.act for one in found} == {"defer"}  # type: ignore[union-attr]
    assert "could not be proved" in (found[0].judgement.reason)  # type: ignore[union-attr]
    assert "could not be proved" in (out / "report.html").read_text()


def test_pictures_that_prove_promises_must_not_be_learned_from(stripes: Path, tmp_path: Path) -> None:
    lists = tmp_path / "lists"
    lists.mkdir()
    root = tmp_path / "doubled"
    for label in ("rows", "columns"):
        (root / label).mkdir(parents=True)
        for number in range(20):
            content = (stripes / label / f"{number % 18}.png").read_bytes()
            (root / label / f"{number}.png").write_bytes(content)
    names = [f"{label}/{k}.png" for label in ("rows", "columns") for k in range(20)]
    (lists / "calibration.txt").write_text("\n".join(n for k, n in enumerate(names) if k % 20 >= 12))
    (lists / "train.txt").write_text("\n".join(n for k, n in enumerate(names) if k % 20 < 12))
    with pytest.raises(LeakageError, match="to prove promises by are the same pictures"):
        solve(
            problem(root, "recall[rows] >= 0.6", splits=lists, allow_leakage=True),
            tmp_path / "run",
            show=Show(quiet=True),
        )


def test_a_promise_about_an_unknown_class_stops_before_the_race(stripes: Path, tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match="did you mean 'rows'"):
        solve(problem(stripes, "recall[row] >= 0.8"), tmp_path / "run", show=Show(quiet=True))


def test_work_ranks_whatever_metric_is_named_and_it_is_said(stripes: Path, tmp_path: Path) -> None:
    from objectif.learn.race.ground import survey

    ground = survey(problem(stripes, "recall[rows] >= 0.8", metric="auroc"), tmp_path)
    assert ground.problem.metric == "work_saved"
    assert any("not by auroc" in note for note in ground.notes)


def test_scores_are_kept_for_drift_where_images_were_kept_apart(
    kept: Path, stripes: Path, tmp_path: Path
) -> None:
    def columns(run: Path) -> set[str]:
        known = read_solution(next(run.glob("*.objectif"))).known
        return {name.removeprefix("drift_column_") for name in known if name.startswith("drift_column_")}

    assert {"score:rows", "surest score", "level"} <= columns(kept)
    solve(
        problem(stripes, "recall[rows] >= 0.8", promises=[], calibration="auto"),
        tmp_path / "plain",
        show=Show(quiet=True),
    )
    plain = columns(tmp_path / "plain")
    assert "level" in plain and not any("score" in name for name in plain)
