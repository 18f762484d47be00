"""`objectif report` and `objectif compare` as a shell sees them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from objectif.cli import VERBS, compare, main, report
from objectif.runs.folder import RunFolder

Make = Callable[..., RunFolder]


def test_first_lines_are_those_of_the_table() -> None:
    for verb, module in (("report", report), ("compare", compare)):
        assert (module.command.__doc__ or "").splitlines()[0] == VERBS[verb]


def test_report_writes_the_page_and_says_where(fake_run: Make, capsys: pytest.CaptureFixture[str]) -> None:
    folder = fake_run()
    assert main(["report", str(folder.path)]) == 0
    assert capsys.readouterr().out.strip() == str(folder.file("report.html"))
    assert folder.has("report.html")


@pytest.mark.parametrize("verb", [["report"], ["compare", "RUN"]])
def test_what_is_not_a_run_is_one_clear_line(
    fake_run: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: list[str]
) -> None:
    run = str(fake_run().path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    for name in ("absent", "empty", "file"):
        words = [run if w == "RUN" else w for w in verb]
        assert main([*words, str(tmp_path / name)]) == 2
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert error.count("\n") == 1
        assert name in error


def test_an_unfinished_run_says_how_to_go_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = RunFolder.create(tmp_path / "run")
    folder.journal().append("start")
    assert main(["report", str(folder.path)]) == 2
    assert "objectif solve" in capsys.readouterr().err


def test_compare_speaks_and_prints_json_alone(fake_run: Make, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = fake_run("one"), fake_run("two", estimate=0.9)
    assert main(["compare", str(one.path), str(two.path)]) == 0
    assert "700 images that both scored" in capsys.readouterr().out
    assert main(["compare", str(one.path), str(two.path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["shared"] == 700
    assert found["difference"] == 0
    assert found["better"] is None
