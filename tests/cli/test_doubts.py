"""`objectif doubts`: planted errors stand first, whoever answered; what cannot be judged is one clear line."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from objectif.cli import main
from objectif.health.heldout import softmax
from objectif.runs.folder import RunFolder
from objectif.runs.result import Result, Standing

CLASSES = ("apple", "pear", "plum")
N, FOLDS, WRONG = 300, 5, 15


def answered(label: NDArray[np.int64], rng: np.random.Generator, sure: float = 4.0) -> NDArray[np.float32]:
    """Probabilities of somebody who mostly knows the class (n,)."""
    logits = rng.normal(size=(len(label), len(CLASSES))) + sure * np.eye(len(CLASSES))[label]
    return softmax(logits).astype(np.float32)


def made(place: Path, *, test: int = 0, many: bool = False, seed: int = 0) -> tuple[RunFolder, set[str]]:
    """A finished run of three good candidates and a bad one, and the paths of its wrong labels; `test` images at the end."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 3, N)
    hot = np.eye(3, dtype=np.int64)[label]
    given = label.copy()
    wrong = rng.permutation(N)[:WRONG]
    given[wrong] = (given[wrong] + rng.integers(1, 3, WRONG)) % 3
    if many:
        given_hot = hot.copy()
        given_hot[wrong, rng.integers(0, 3, WRONG)] ^= 1
    else:
        given_hot = np.eye(3, dtype=np.int64)[given]
    paths = [f"{k:03d}.png" for k in range(N)]
    held_back = np.arange(N) >= N - test
    folder = RunFolder.create(place)
    folder.write_json(
        "splits.json",
        {
            "classes": CLASSES,
            "paths": paths,
            "labels": [[CLASSES[k] for k in np.flatnonzero(row)] for row in given_hot],
            "groups": [None] * N,
            "fold": np.where(held_back, -1, np.arange(N) % FOLDS),
            "test": held_back.astype(int),
        },
    )
    lines, own = [], None
    for name, status, sure in (
        ("a", "winner", 4.0),
        ("b", "tied", 4.0),
        ("c", "tied", 5.0),
        ("d", "beaten", 0.0),
    ):
        scores = answered(label, rng, sure)
        own = scores if own is None else own
        folder.write_trial(f"{name}/seed0", {"scores": scores[~held_back]})
        lines.append(Standing(name, "frozen", name, "cross_entropy", status=status, estimate=0.9))
    assert own is not None
    part = held_back if test else ~held_back
    folder.write_arrays(
        "answers.npz",
        {
            "paths": np.array(paths)[part],
            "truth": (given_hot if many else given)[part],
            "scores": own[part],
            "kind": np.array("test" if test else "out-of-fold"),
            "task": np.array("classify"),
        },
    )
    folder.write_result(Result("a", "accuracy", tuple(lines), seeds=(0,), classes=CLASSES))
    return folder, {paths[k] for k in wrong}


def told(folder: RunFolder, capsys: Any, *options: str) -> Any:
    assert main(["doubts", str(folder.path), "--json", *options]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("test", [0, 100])
@pytest.mark.parametrize("many", [False, True])
def test_planted_errors_stand_first_and_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], test: int, many: bool
) -> None:
    folder, wrong = made(tmp_path / "run", test=test, many=many)
    found = told(folder, capsys, "-n", "1000")
    first = [label["path"] for label in found["labels"][: 2 * WRONG]]
    assert len(wrong & set(first)) >= 0.8 * WRONG
    assert found["judged"] == len(found["labels"]) == N * (3 if many else 1)
    chances = [label["wrong"] for label in found["labels"]]
    assert chances == sorted(chances, reverse=True)
    assert {label["part"] for label in found["labels"]} == (
        {"out-of-fold", "test"} if test else {"out-of-fold"}
    )
    assert sum(part["wrong"] for part in found["parts"]) == pytest.approx(WRONG, rel=0.5)
    assert found["parts"][0]["by"] == ["a", "b", "c"]
    if test:
        assert found["parts"][1]["by"] == ["a"]


def test_honest_labels_are_listed_and_not_accused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, _ = made(tmp_path / "run")
    arrays = folder.read_arrays("answers.npz")
    table = folder.read_json("splits.json")
    rng = np.random.default_rng(3)
    label = rng.integers(0, 3, N)
    for name in "abc":
        folder.write_trial(f"{name}/seed0", {"scores": answered(label, rng, 2.0)})
    folder.write_json("splits.json", {**table, "labels": [[CLASSES[k]] for k in label]})
    folder.write_arrays("answers.npz", {**arrays, "truth": label})
    found = told(folder, capsys)
    assert not found["parts"][0]["worrying"]
    assert max(look["wrong"] for look in found["labels"]) < 0.5
    assert main(["doubts", str(folder.path)]) == 0
    assert "nothing proves that any label is wrong" in " ".join(capsys.readouterr().out.split())


def test_a_run_whose_trials_are_gone_is_judged_by_the_winner(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, wrong = made(tmp_path / "run")
    for file in (folder.path / "trials").iterdir():
        file.unlink()
    found = told(folder, capsys, "-n", "30")
    assert found["parts"][0]["by"] == ["a"]
    assert len(wrong & {label["path"] for label in found["labels"]}) >= 0.7 * WRONG


def test_images_that_nobody_held_out_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, _ = made(tmp_path / "run")
    table = folder.read_json("splits.json")
    kept = [int(k >= N - 50) for k in range(N)]
    table |= {"calibration": kept, "fold": [-1 if k else f for k, f in zip(kept, table["fold"], strict=True)]}
    folder.write_json("splits.json", table)
    for name in "abc":
        trial = folder.read_trial(f"{name}/seed0")
        assert trial is not None
        folder.write_trial(f"{name}/seed0", {"scores": trial["scores"][:-50]})
    found = told(folder, capsys)
    assert found["judged"] == N - 50
    assert found["sentences"][-1].startswith("50 other images were learned from at all times")


def test_tables_say_the_same_as_json(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    folder, _ = made(tmp_path / "run", test=60)
    assert main(["doubts", str(folder.path), "--json", "-n", "20"]) == 0
    labels = json.loads(capsysbinary.readouterr().out)["labels"]
    assert main(["doubts", str(folder.path), "--csv", "-n", "20"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsysbinary.readouterr().out.decode())))
    assert [{k: row[k] for k in ("path", "part", "given", "looks")} for row in rows] == [
        {k: label[k] for k in ("path", "part", "given", "looks")} for label in labels
    ]
    assert main(["doubts", str(folder.path), "-n", "5"]) == 0
    out = capsysbinary.readouterr().out.decode()
    assert all(label["path"] in out for label in labels[:5])
    assert labels[5]["path"] not in out
    assert f"{N - 5} more" in out


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("absent", "does not exist"),
        ("empty", "is not a run folder"),
        ("unfinished", "unfinished"),
        ("silent", "keeps no answers to held-out images"),
        ("nobody", "answers to 0 images"),
        ("restore", "doubts speak for classify"),
        ("unknown", "doubts speak for classify"),
        ("torn", "splits.json is damaged"),
        ("stranger", "names 'x.png'"),
    ],
)
def test_what_cannot_be_judged_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], harm: str, said: str
) -> None:
    folder, _ = made(tmp_path / "run", test=60)
    arrays = folder.read_arrays("answers.npz")
    place = folder.path
    if harm in ("absent", "empty"):
        place = tmp_path / harm
    if harm == "empty":
        place.mkdir()
    elif harm == "unfinished":
        folder.file("result.json").unlink()
        folder.write_text("journal.jsonl", "")
    elif harm == "silent":
        folder.file("answers.npz").unlink()
    elif harm == "nobody":
        folder.write_arrays("answers.npz", {k: v[:0] if v.ndim else v for k, v in arrays.items()})
    elif harm == "restore":
        pictures = np.zeros((60, 4, 4, 1), np.float16)
        folder.write_arrays(
            "answers.npz", {**arrays, "task": np.array("restore"), "truth": pictures, "scores": pictures}
        )
    elif harm == "unknown":
        folder.write_arrays("answers.npz", {**arrays, "task": np.array("divine")})
    elif harm == "torn":
        folder.write_json("splits.json", {"paths": []})
    elif harm == "stranger":
        folder.write_arrays("answers.npz", {**arrays, "paths": np.array(["x.png"] * 60)})
    assert main(["doubts", str(place)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    assert said in error


def test_two_forms_at_once_and_no_labels_at_all_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = made(tmp_path / "run")
    assert main(["doubts", str(folder.path), "--json", "--csv"]) == 2
    assert "expected one of them" in capsys.readouterr().err
    assert main(["doubts", str(folder.path), "-n", "0"]) == 2


@pytest.mark.parametrize("task", ["detect", "segment", "regress", "stages"])
def test_other_tasks_are_listed_by_how_unusual_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], task: str
) -> None:
    folder, _ = made(tmp_path / "run")
    rng = np.random.default_rng(0)
    if task == "detect":
        truth = np.tile([10.0, 10, 30, 30, 0, 0], (20, 1, 1))
        scores = np.tile(np.float32([10, 10, 30, 30, 0.9, 0]), (20, 1, 1))
        truth[4, 0, 4] = -1
    elif task == "segment":
        truth = np.zeros((20, 8, 8), np.uint8)
        scores = truth.copy()
        scores[4, :4] = 1
    else:
        stages = rng.integers(0, 3, 20)
        truth = np.column_stack([stages, np.arange(20)]).astype(float)
        scores = np.column_stack([stages - 0.4, stages, stages + 0.4]).astype(float)
        truth[4, 0] = (truth[4, 0] + 1) % 3
        if task == "stages":
            scores = np.column_stack([scores, 0.9 * np.eye(3)[stages] + 0.1 / 3])
    folder.write_arrays(
        "answers.npz",
        {
            "paths": np.array([f"{k}.png" for k in range(20)]),
            "truth": truth,
            "scores": scores,
            "task": np.array("regress" if task == "stages" else task),
        },
    )
    found = told(folder, capsys)
    assert found["labels"][0]["path"] == "4.png"
    assert (found["labels"][0]["wrong"] is None) == (task != "stages")
    if task != "stages":
        assert "cannot be said" in found["sentences"][0]
