"""`objectif check`: a Solution by its file, a plug-in by its name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from objectif.cli import main
from objectif.solution.file import Solution, write


def test_a_solution_passes_and_a_damaged_one_fails(
    colours: Callable[..., Solution], tmp_path: Path, capfd: Any
) -> None:
    path = write(tmp_path / "a.objectif", colours())
    assert main(["check", str(path), "--json"]) == 0
    whole = json.loads(capfd.readouterr().out)
    assert whole["ok"]
    assert all(row["ok"] for row in whole["checks"])
    path.write_bytes(path.read_bytes()[:1000])
    assert main(["check", str(path)]) == 2
    out, err = capfd.readouterr()
    assert "FAILED" in out
    assert "checks failed: file" in err


def test_a_missing_file_is_not_taken_for_a_name(capfd: Any) -> None:
    assert main(["check", "missing.objectif"]) == 2
    assert "no Solution at" in capfd.readouterr().out


def test_a_format_is_checked_by_its_name(capfd: Any) -> None:
    assert main(["check", "formats:folders", "--json"]) == 0
    assert len(json.loads(capfd.readouterr().out)["checks"]) > 4


def test_an_unknown_name_lists_what_there_is(capfd: Any) -> None:
    assert main(["check", "folderz"]) == 2
    err = capfd.readouterr().err
    assert "'folderz'" in err
    assert "folders" in err
