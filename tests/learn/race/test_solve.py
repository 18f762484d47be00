"""solve, as its user meets it: a folder of images in, a finished run folder out, whatever happens on the way."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")

from objectif.cli import main
from objectif.errors import LeakageError, RunError
from objectif.learn.race.executor import Job, LocalExecutor
from objectif.learn.race.show import Show
from objectif.learn.race.solve import solve
from objectif.problem import Problem
from objectif.run.predictor import load
from objectif.runs.folder import RunFolder

KEYS = {
    "problem", "winner", "metric", "estimate", "low", "high", "baseline", "beats_baseline", "feasible", "leaderboard",
    "elapsed_s", "seeds", "versions", "data_fingerprint",
}  # fmt: skip


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three kinds of pattern, 14 noisy pictures each."""
    root = tmp_path_factory.mktemp("data") / "patterns"
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:72, :72]
    for label, wave in (("rows", y), ("columns", x), ("diagonals", x + y)):
        (root / label).mkdir(parents=True)
        for number in range(14):
            base = 127 + 60 * np.sin(wave / rng.uniform(2.0, 4.0) + rng.uniform(0, 6))
            image = base[..., None] + rng.normal(0, 40, (72, 72, 3))
            cv2.imwrite(str(root / label / f"{number}.png"), np.clip(image, 0, 255).astype(np.uint8))
    return root


def problem(data: Path, **more: object) -> Problem:
    options = {
        "budget": 90.0,
        "models": ("hog",),
        "losses": ("cross_entropy", "focal"),
        "preparations": ("plain",),
        "folds": 3,
    }
    return Problem(data, **{**options, **more})  # type: ignore[arg-type]


def test_the_winner_shows_where_it_looked_by_a_network_that_did_not_learn_from_the_pictures(
    finished: Path,
) -> None:
    looked = json.loads((finished / "why.json").read_text())
    splits = json.loads((finished / "splits.json").read_text())
    fold = dict(zip(splits["paths"], splits["fold"], strict=True))
    assert "first fold" in looked["network"]
    assert looked["cases"]
    assert {fold[case["path"]] for case in looked["cases"]} == {0}
    names = [test["test"].split(":")[0] for test in looked["tests"]]
    assert set(names) == {"Deletion", "Insertion"}  # fixed operators have no weights to forget
    assert all(test["map"]["n"] >= 1 for test in looked["tests"])
    assert 'id="why"' in (finished / "report.html").read_text()


@pytest.fixture(scope="module")
def finished(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "patterns"
    solve(problem(photos), out, show=Show(quiet=True))
    return out


def test_a_finished_run_folder_holds_what_scripts_rely_on(finished: Path) -> None:
    names = {p.name for p in finished.iterdir()}
    assert {
        "result.json",
        "leaderboard.csv",
        "report.html",
        "journal.jsonl",
        "problem.toml",
        "splits.json",
    } <= names
    assert len(list(finished.glob("*.objectif"))) == 1
    result = json.loads((finished / "result.json").read_text())
    assert set(result) >= KEYS
    assert result["estimate"] > 0.8
    assert result["beats_baseline"] is True
    assert {row["status"] for row in result["leaderboard"]} <= {
        "winner",
        "tied",
        "beaten",
        "dropped",
        "failed",
        "over_limit",
    }
    for line in (finished / "journal.jsonl").read_text().splitlines():
        assert {"event", "trial", "status", "elapsed_s"} <= set(json.loads(line))


def test_a_budget_too_short_for_all_candidates_is_kept_and_ends_with_a_solution(
    photos: Path, tmp_path: Path
) -> None:
    started = time.monotonic()
    result = solve(Problem(photos, budget=25.0), tmp_path / "run", show=Show(quiet=True))
    assert time.monotonic() - started < 27.5
    assert load(RunFolder.open(tmp_path / "run").solution())
    assert result.winner is not None


def test_the_solution_answers_for_the_images_as_the_race_did(finished: Path, photos: Path) -> None:
    predictor = load(next(finished.glob("*.objectif")))
    answers = list(predictor.predict(str(photos / "*" / "*.png")))
    right = [Path(a.path).parent.name == a.label for a in answers]  # type: ignore[union-attr]
    assert len(answers) == 42
    assert np.mean(right) > 0.85
    assert predictor.gate is not None
    assert np.mean([a.judgement.act == "reject" for a in answers]) <= 0.1  # type: ignore[union-attr]


def test_the_report_and_check_commands_work_on_it(finished: Path) -> None:
    before = (finished / "report.html").read_text()
    assert main(["report", str(finished)]) == 0
    assert len((finished / "report.html").read_text()) == pytest.approx(len(before), rel=0.01)
    assert main(["check", str(next(finished.glob("*.objectif")))]) == 0


def test_a_finished_race_is_not_run_again(finished: Path, photos: Path) -> None:
    before = (finished / "journal.jsonl").read_bytes()
    solve(problem(photos), finished, show=Show(quiet=True))
    assert (finished / "journal.jsonl").read_bytes() == before


def test_kill_9_at_any_moment_then_the_same_command_goes_on(photos: Path, tmp_path: Path) -> None:
    statement = tmp_path / "problem.toml"
    statement.write_text(
        f'data = "{photos}"\n[search]\nbudget = "120s"\nmodels = ["hog"]\npreparations = ["plain"]\nfolds = 3\n'
    )
    command = [sys.executable, "-m", "objectif", "solve", str(statement), "--out", str(tmp_path / "run")]
    victim = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    journal = tmp_path / "run" / "journal.jsonl"
    until = time.monotonic() + 60
    while time.monotonic() < until and (not journal.exists() or journal.read_text().count('"done"') < 3):
        time.sleep(0.05)
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    before = [line["trial"] for line in lines if line["event"] == "trial" and line["status"] == "done"]
    with open(journal, "a") as file:
        file.write('{"event": "trial", "tri')  # a torn last line
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    done = [
        event["trial"]
        for event in map(json.loads, journal.read_text().splitlines())
        if event["event"] == "trial" and event["status"] == "done"
    ]
    assert len(done) == len(set(done)), "a finished trial was repeated"
    result = RunFolder.open(tmp_path / "run").result()
    assert result.winner
    scored = {row.id for row in result.leaderboard if row.estimate is not None}
    assert {name.rsplit("/", 1)[0] for name in before} <= scored, (
        "what was finished before the kill still counts"
    )


def test_ctrl_c_delivers_the_best_so_far(photos: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "objectif",
        "solve",
        str(photos),
        "--budget",
        "120s",
        "--out",
        str(tmp_path / "run"),
    ]
    running = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # a shell that starts the suite in the background has its children ignore Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    journal = tmp_path / "run" / "journal.jsonl"
    until = time.monotonic() + 60
    while time.monotonic() < until and (not journal.exists() or '"trial": "' not in journal.read_text()):
        time.sleep(0.05)
    while time.monotonic() < until and journal.read_text().count('"event": "trial"') < 3:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    assert running.wait(60) == 0
    assert load(RunFolder.open(tmp_path / "run").solution())


def test_images_with_several_labels(photos: Path, tmp_path: Path) -> None:
    lines = ["path,label"]
    for name in ("rows", "columns", "diagonals"):
        lines += [f"{photos / name / f'{k}.png'},{name}{'|odd' if k % 2 else ''}" for k in range(14)]
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    statement = problem(tmp_path / "labels.csv", metric="average_precision", losses=("bce", "asymmetric"))
    result = solve(statement, tmp_path / "run", show=Show(quiet=True))
    assert result.estimate is not None
    assert result.baseline is not None
    assert result.estimate > result.baseline
    answer = next(
        iter(load(RunFolder.open(tmp_path / "run").solution()).predict(str(photos / "rows" / "0.png")))
    )
    assert "rows" in answer.labels  # type: ignore[union-attr]


def test_limits_that_nobody_keeps_are_said_and_a_solution_is_still_written(
    photos: Path, tmp_path: Path
) -> None:
    statement = tmp_path / "problem.toml"
    statement.write_text(
        f'data = "{photos}"\n[limits]\nsize_mb = 0.001\n[search]\nbudget = "90s"\nmodels = ["hog"]\n'
        'losses = ["cross_entropy"]\npreparations = ["plain"]\nfolds = 3\n'
    )
    assert main(["solve", str(statement), "--out", str(tmp_path / "run")]) == 3
    assert RunFolder.open(tmp_path / "run").result().feasible is False
    assert load(RunFolder.open(tmp_path / "run").solution())


def test_the_same_picture_in_training_and_test_is_refused_with_exit_code_4(
    photos: Path, tmp_path: Path
) -> None:
    for split, numbers in (("train", range(8)), ("test", range(8, 14))):
        for label in ("rows", "columns"):
            (tmp_path / "data" / split / label).mkdir(parents=True)
            for number in numbers:
                shutil.copy(
                    photos / label / f"{number}.png", tmp_path / "data" / split / label / f"{number}.png"
                )
    shutil.copy(tmp_path / "data/train/rows/0.png", tmp_path / "data/test/rows/copy.png")
    assert main(["solve", str(tmp_path / "data"), "--out", str(tmp_path / "run")]) == 4
    assert not list((tmp_path / "run").glob("*.objectif"))


class Unlucky(LocalExecutor):
    """Every second portion of heads crashes."""

    count = 0

    def submit(self, job: Job) -> None:
        if job.work == "heads":
            self.count += 1
            if self.count % 2 == 0:
                job = replace(job, work="crashes", arguments={}, module="fixtures_work")
        super().submit(job)


def test_trials_that_crash_are_written_down_and_the_race_goes_on(photos: Path, tmp_path: Path) -> None:
    result = solve(problem(photos), tmp_path / "run", show=Show(quiet=True), executor=Unlucky)
    lines = map(json.loads, (tmp_path / "run" / "journal.jsonl").read_text().splitlines())
    failed = [line for line in lines if line["status"] == "failed"]
    assert failed
    assert all("SIGSEGV" in line["reason"] for line in failed)
    assert result.winner is not None
    assert result.standing(result.winner).seeds < 3, "the seeds that crashed are not counted"  # type: ignore[union-attr]


def test_refused_for_leakage_then_allowed_in_the_same_folder(photos: Path, tmp_path: Path) -> None:
    for split, numbers in (("train", range(8)), ("test", range(7, 14))):
        for label in ("rows", "columns"):
            (tmp_path / "data" / split / label).mkdir(parents=True)
            for number in numbers:
                shutil.copy(photos / label / f"{number}.png", tmp_path / "data" / split / label)
    with pytest.raises(LeakageError, match="allow-leakage"):
        solve(problem(tmp_path / "data"), tmp_path / "run", show=Show(quiet=True))
    result = solve(problem(tmp_path / "data", allow_leakage=True), tmp_path / "run", show=Show(quiet=True))
    assert any("leaked" in note for note in result.notes), "figures are quoted with and without them"
    assert result.estimate_of == "network"


def test_changed_data_do_not_go_on_in_the_same_folder(finished: Path, photos: Path, tmp_path: Path) -> None:
    half, data = tmp_path / "half", tmp_path / photos.name
    shutil.copytree(finished, half)
    (half / "result.json").unlink()
    shutil.copytree(photos, data)
    (data / "rows" / "0.png").unlink()
    statement = json.loads((half / "problem.json").read_text())
    (half / "problem.json").write_text(json.dumps({**statement, "data": str(data)}))
    with pytest.raises(RunError, match="have changed"):
        solve(problem(data), half, show=Show(quiet=True))


def test_another_statement_does_not_go_on_in_the_same_folder(
    finished: Path, photos: Path, tmp_path: Path
) -> None:
    half = tmp_path / "half"
    shutil.copytree(finished, half)
    (half / "result.json").unlink()
    for folder in (half, finished):
        with pytest.raises(RunError, match="another statement"):
            solve(problem(photos, seed=5), folder, show=Show(quiet=True))
