"""objectif inspect: words for people, JSON alone for machines, files where --out says."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from objectif.cli import main


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """40 smooth pictures of two classes; one stands under both, one is broken."""
    rng = np.random.default_rng(0)
    for kind in "ab":
        (tmp_path / "my data" / kind).mkdir(parents=True)
        for i in range(20):
            small = rng.integers(0, 255, (8, 8, 3), dtype=np.uint8)
            picture = cv2.resize(small, (80, 80), interpolation=cv2.INTER_CUBIC)
            cv2.imwrite(str(tmp_path / "my data" / kind / f"{i}.png"), picture)
    root = tmp_path / "my data"
    (root / "b" / "twin.png").write_bytes((root / "a" / "0.png").read_bytes())
    (root / "b" / "broken.png").write_bytes(b"")
    return root


def test_words_for_people(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(data)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "3 worries, the gravest first" in out
    assert "the same picture stands under different labels" in out
    assert "b/broken.png: the file is empty" in out
    assert f"next: objectif solve '{data}'" in out


def test_json_alone(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(data), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["counts"]["usable"] == 41
    assert list(record["unreadable"]) == ["b/broken.png"]
    assert record["worries"][0]["kind"] == "contradiction"
    assert record["worries"][0]["images"] == [["a/0.png", "b/twin.png"]]


def test_out_writes_the_record_and_the_page(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "deep" / "health"
    assert main(["inspect", str(data), "--out", str(out)]) == 0
    assert sorted(p.name for p in out.iterdir()) == ["inspect.html", "inspect.json"]
    assert json.loads((out / "inspect.json").read_text())["name"]
    assert (out / "inspect.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "wrote" in capsys.readouterr().out


def test_an_out_that_cannot_be_written_is_one_clear_message(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "file"
    taken.write_text("here already")
    assert main(["inspect", str(data), "--out", str(taken)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: cannot make the folder")
    assert "Choose another --out" in error


def test_an_option_that_was_given_comes_back_in_the_next_command(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(data), "--format", "folders", "--group", "([0-9]+)"]) == 0
    assert "--format folders --group '([0-9]+)'" in capsys.readouterr().out


def test_data_that_are_not_there_are_one_clear_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "/nowhere/at/all"]) == 2
    assert "no such file or folder" in capsys.readouterr().err
