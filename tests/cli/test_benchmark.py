"""`objectif benchmark`: figures for named images, as a table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from objectif.cli import main
from objectif.solution.file import Solution, write

QUICK = ["--count", "8", "--rounds", "1", "--seconds", "0.05"]


def test_figures_for_named_images(
    colours: Callable[..., Solution], paint: Callable[..., Path], tmp_path: Path, capfd: Any
) -> None:
    path = str(write(tmp_path / "a.objectif", colours()))
    folder = str(paint("d/a.jpg", "red").parent)
    assert main(["benchmark", path, folder, "--json", *QUICK]) == 0
    speeds = json.loads(capfd.readouterr().out)["speeds"]
    assert [s["precision"] for s in speeds] == ["fp32", "int8"]
    assert all(s["ratio"] > 0 and s["memory_mb"] > 20 for s in speeds)
    assert main(["benchmark", path, folder, *QUICK]) == 0
    out = capfd.readouterr().out
    assert "1 files" in out
    assert "int8 / fp32" in out


def test_no_image_is_a_usage_error(colours: Callable[..., Solution], tmp_path: Path, capfd: Any) -> None:
    path = str(write(tmp_path / "a.objectif", colours()))
    assert main(["benchmark", path, str(tmp_path / "none*.jpg"), *QUICK]) == 2
    assert "no image" in capfd.readouterr().err
