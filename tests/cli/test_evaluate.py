"""`objectif evaluate`: JSON alone on standard output, a table for people, the exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from objectif.cli import main
from objectif.solution.file import Solution, write

Paint = Callable[..., Path]


@pytest.fixture
def solution(colours: Callable[..., Solution], tmp_path: Path) -> str:
    return str(write(tmp_path / "colours.objectif", colours()))


@pytest.fixture
def data(paint: Paint, tmp_path: Path) -> str:
    for colour in ("red", "green", "blue"):
        for k in range(6):
            paint(f"data/{colour}/p{k // 2}-{k}.png", colour)
    return str(tmp_path / "data")


def run(capfd: Any, *arguments: str) -> tuple[int, str, str]:
    code = main(["evaluate", *arguments])
    out, err = capfd.readouterr()
    return code, out, err


def test_json_is_alone_on_standard_output(solution: str, data: str, capfd: Any) -> None:
    code, out, err = run(capfd, solution, data, "--json")
    whole = json.loads(out)
    assert code == 0
    assert "folders" in err
    assert (whole["n"], whole["groups"]) == (18, 18)
    accuracy = whole["metrics"]["accuracy"]
    assert accuracy["estimate"] == 1.0
    assert 0.7 < accuracy["low"] < accuracy["high"] <= 1.0
    assert whole["metrics"]["log_loss"]["higher_is_better"] is False


def test_people_get_a_table(solution: str, data: str, capfd: Any) -> None:
    code, out, _ = run(capfd, solution, data)
    assert code == 0
    for word in ("18 images", "accuracy", "1.000", "lower"):
        assert word in out


def test_groups_are_the_unit(solution: str, data: str, capfd: Any) -> None:
    code, out, _ = run(capfd, solution, data, "--json", "--group", r"(\w+/p\d)")
    assert code == 0
    whole = json.loads(out)
    assert (whole["n"], whole["groups"]) == (18, 9)
    assert whole["metrics"]["accuracy"]["low"] is None  # nine groups are too few for an interval


def test_a_given_test_split_is_what_is_scored(
    solution: str, data: str, paint: Paint, tmp_path: Path, capfd: Any
) -> None:
    for part, count in (("train", 3), ("test", 2)):
        for k in range(count):
            for colour in ("red", "blue"):
                paint(f"split/{part}/{colour}/{k}.png", colour)
    path = str(tmp_path / "split")
    assert json.loads(run(capfd, solution, path, "--json")[1])["n"] == 4
    assert json.loads(run(capfd, solution, path, "--json", "--split", "train")[1])["n"] == 6
    assert json.loads(run(capfd, solution, path, "--json", "--split", "all")[1])["n"] == 10
    code, out, err = run(capfd, solution, path, "--json", "--split", "val")
    assert (code, out) == (2, "")
    assert "expected one of test, train, all" in err


def test_bad_images_exit_with_5_and_the_rest_is_scored(solution: str, data: str, capfd: Any) -> None:
    Path(data, "red", "p0-0.png").write_bytes(b"\x89PNG broken")
    code, out, err = run(capfd, solution, data, "--json")
    assert code == 5
    assert json.loads(out)["n"] == 17
    assert "p0-0.png" in err
    assert "1 images could not be read" in err


def test_an_unknown_class_is_one_clear_error(solution: str, data: str, capfd: Any) -> None:
    Path(data, "blue").rename(Path(data, "Blue"))
    code, out, err = run(capfd, solution, data, "--json")
    assert (code, out) == (2, "")
    assert "'Blue' may be 'blue'" in err


def test_images_that_it_was_fitted_on_are_recognised(
    colours: Callable[..., Solution], data: str, tmp_path: Path, capfd: Any
) -> None:
    from objectif.data.fingerprint import fingerprint
    from objectif.data.load import load

    card = {"data": {"fingerprint": fingerprint(load(Path(data)))}}
    path = str(write(tmp_path / "own.objectif", colours(card=card)))
    assert "too good" in run(capfd, path, data)[2]
    Path(data, "red", "p0-0.png").unlink()
    assert "too good" not in run(capfd, path, data)[2]
