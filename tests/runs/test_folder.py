"""A run folder: files whole or absent, one writer, errors that say what to do."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from objectif.errors import RunError
from objectif.runs.folder import RunFolder, slug
from objectif.runs.result import Result, Standing


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "run")


def refuse(code: int) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    return fail


def test_a_path_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x")
    with pytest.raises(RunError, match="taken is a file"):
        RunFolder.create(tmp_path / "taken")
    with pytest.raises(RunError, match="--out"):
        RunFolder.create(tmp_path / "taken" / "run")
    assert (tmp_path / "taken").read_text() == "x"


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "weeds.objectif").write_text("x")
    with pytest.raises(RunError, match=r"something else than a run \(such as 'weeds\.objectif'\).*--out"):
        RunFolder.create(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["weeds.objectif", "work"]


def test_a_run_that_was_killed_at_once_goes_on(folder: RunFolder) -> None:
    for name in (".lock", ".writable", "problem.json"):
        folder.file(name).write_text("{}")
    RunFolder.create(folder.path)
    folder.file("work").mkdir()
    folder.file("journal.jsonl").write_text("")
    assert RunFolder.create(folder.path) == folder
    assert folder.file("work").is_dir(), "what the killed run had computed is kept"


@pytest.mark.parametrize("name", ["absent", "empty", "file"])
def test_only_a_run_folder_opens(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    with pytest.raises(RunError, match=name):
        RunFolder.open(tmp_path / name)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, "disk is full"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "not allowed"),
        (errno.EIO, "I/O|error"),
    ],
)
def test_a_write_that_fails_keeps_the_old_file_and_leaves_no_litter(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch, code: int, words: str
) -> None:
    folder.write_text("plan.json", "old")
    monkeypatch.setattr(os, "fsync", refuse(code))
    with pytest.raises(RunError, match=words) as caught:
        folder.write_text("plan.json", "new")
    assert "Remedy" in str(caught.value)
    assert folder.file("plan.json").read_text() == "old"
    assert not list(folder.path.glob(".*.tmp"))


def test_a_read_only_folder_is_refused_before_the_race(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "replace", refuse(errno.EROFS))
    with pytest.raises(RunError, match=r"read-only.*--out"):
        RunFolder.create(tmp_path / "run")


def test_create_leaves_nothing_but_the_folder_for_trials(folder: RunFolder) -> None:
    assert [p.name for p in folder.path.iterdir()] == ["trials"]


def test_arrays_come_back_and_objects_are_refused(folder: RunFolder) -> None:
    scores = np.random.default_rng(0).random((7, 3)).astype(np.float32)
    folder.write_trial("frozen/läte2: ce", {"scores": scores})
    found = folder.read_trial("frozen/läte2: ce")
    assert found is not None
    np.testing.assert_array_equal(found["scores"], scores)
    with pytest.raises(TypeError, match="objects"):
        folder.write_arrays("bad.npz", {"a": np.array([object()])})


def test_a_damaged_trial_counts_as_not_run(folder: RunFolder) -> None:
    place = folder.write_trial("a", {"scores": np.zeros((100, 3))})
    place.write_bytes(place.read_bytes()[:300])
    assert folder.read_trial("a") is None
    assert folder.read_trial("never") is None
    with pytest.raises(RunError, match="damaged"):
        folder.read_arrays("trials/a.npz")


def test_slugs_are_safe_and_differ() -> None:
    names = [
        "a b",
        "a-b",
        "a/b",
        "../../etc",
        "",
        ".",
        "é",
        "è",
        "x" * 300,
        "x" * 301,
        "a\nb",
        "A",
        "a",
        "\udcff",
    ]
    slugs = [slug(n) for n in names]
    assert len(set(slugs)) == len(names)
    for s in slugs:
        assert 0 < len(s) <= 100
        assert "/" not in s
        assert not s.startswith(".")
        assert s.isascii()


def test_json_has_no_nan(folder: RunFolder) -> None:
    folder.write_json(
        "plan.json",
        {"a": float("nan"), "b": np.float32(0.5), "c": np.arange(2), "d": Path("x"), 3: (np.inf,)},
    )

    def strict(word: str) -> None:
        raise AssertionError(word)

    found = json.loads(folder.file("plan.json").read_text(), parse_constant=strict)
    assert found == {"a": None, "b": 0.5, "c": [0, 1], "d": "x", "3": [None]}


def test_text_with_an_undecodable_name_is_written(folder: RunFolder) -> None:
    folder.write_json("plan.json", {"path": "ros\udce9.jpg"})
    assert folder.read_json("plan.json") == {"path": "ros?.jpg"}


def hold(path: Path, ready: multiprocessing.synchronize.Event) -> None:
    with RunFolder(path).locked():
        ready.set()
        signal.pause()


def test_one_writer_at_a_time_and_a_killed_one_lets_go(folder: RunFolder) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    other = context.Process(target=hold, args=(folder.path, ready))
    other.start()
    assert ready.wait(30)
    with pytest.raises(RunError, match=str(other.pid)), folder.locked(patience=0.1):
        pass
    litter = folder.file(".plan.json.1.tmp")
    litter.write_text("half")
    os.kill(other.pid or 0, signal.SIGKILL)
    other.join()
    with folder.locked():
        assert not litter.exists()


def test_result_comes_back_whole(folder: RunFolder) -> None:
    line = Standing("a", loss="ce", status="winner", estimate=0.9, low=0.8, high=0.95, params=10, seeds=3)
    result = Result(
        "a",
        "accuracy",
        (line, Standing("b", status="failed", reason="out of memory")),
        estimate=0.89,
        seeds=(0, 1),
    )
    folder.write_result(result)
    assert folder.result() == result
    head, first, second = folder.file("leaderboard.csv").read_text().splitlines()
    assert head.startswith("rank,id,approach,model,loss")
    assert first.startswith("1,a,")
    assert second.startswith("2,b,")


def test_result_of_a_newer_version_is_read_and_another_file_is_not(folder: RunFolder) -> None:
    folder.write_json(
        "result.json", {"winner": None, "metric": "m", "leaderboard": [{"id": "a", "soul": 1}], "new": 2}
    )
    assert folder.result().leaderboard == (Standing("a"),)
    damaged: tuple[object, ...] = ([], {"winner": 1}, {"winner": "a", "metric": "m", "leaderboard": [3]})
    for content in damaged:
        folder.write_json("result.json", content)
        with pytest.raises(RunError, match=r"result\.json"):
            folder.result()


def test_the_one_solution(folder: RunFolder) -> None:
    with pytest.raises(RunError, match="exactly one"):
        folder.solution()
    folder.write_bytes("a.objectif", b"")
    assert folder.solution().name == "a.objectif"
    folder.write_bytes("b.objectif", b"")
    with pytest.raises(RunError, match=r"a\.objectif, b\.objectif"):
        folder.solution()
