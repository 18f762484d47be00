"""objectif convert: labels in another layout, with what was lost."""

from __future__ import annotations

import json
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
from PIL import Image

from objectif import testing
from objectif.cli import main
from objectif.data.load import load
from objectif.data.save import save


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    (tmp_path / "made").mkdir()
    save(testing.boxed(tmp_path / "made"), tmp_path / "cells", format="voc")
    return tmp_path / "cells"


def test_words_for_people(cells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", str(cells), str(tmp_path / "new"), "--to", "yolo"]) == 0
    out = capsys.readouterr().out
    assert "voc -> yolo: 12 images, 12 objects, 3 classes in" in out
    assert "nothing was lost" in out
    assert load(tmp_path / "new").layout == "yolo"


def test_losses_are_listed(cells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["convert", str(cells), str(tmp_path / "new"), "--to", "yolo", "--group", "([a-z]+)-"]
    assert main([*arguments, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["from"], told["to"], told["images"], told["objects"]) == ("voc", "yolo", 12, 12)
    assert told["lost"] == ["groups: of 12 image(s)"]


def test_what_the_reader_left_behind_is_lost_too(cells: Path, tmp_path: Path) -> None:
    save(load(cells), tmp_path / "yolo", format="yolo")
    label = next(f for f in sorted((tmp_path / "yolo/labels").rglob("*.txt")) if f.read_text())
    label.write_text(label.read_text() + "0 .1 .1 .5 .1 .5 .5\n")
    assert lost(tmp_path / "yolo", tmp_path / "new", "coco") == ["polygons: 1 became the boxes around them"]


def test_whole_pixels_written_as_fractions_come_back_whole(tmp_path: Path) -> None:
    (tmp_path / "from").mkdir()
    Image.new("RGB", (1003, 677)).save(tmp_path / "from/a.png")
    rows = [f"a.png,{k},{k + 1},{k * 3 + 7},{k * 2 + 9},x" for k in range(300)]
    (tmp_path / "from/boxes.csv").write_text("\n".join(["path,x1,y1,x2,y2,label", *rows, ""]))
    save(load(tmp_path / "from"), tmp_path / "yolo", format="yolo")
    assert lost(tmp_path / "yolo", tmp_path / "voc", "voc") == []
    (tmp_path / "from/boxes.csv").write_text("path,x1,y1,x2,y2,label\na.png,1,2,30.01,40,x\n")
    assert lost(tmp_path / "from", tmp_path / "one", "voc") == ["fractions of a pixel: 1 box(es) rounded"]


def lost(source: Path, target: Path, to: str) -> list[str]:
    """What `convert` lists."""
    printed = StringIO()
    with redirect_stdout(printed):
        assert main(["convert", str(source), str(target), "--to", to, "--json"]) == 0
    told: list[str] = json.loads(printed.getvalue())["lost"]
    return told


def test_images_that_cannot_be_used_are_lost(
    cells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    next((cells / "JPEGImages").iterdir()).unlink()
    assert main(["convert", str(cells), str(tmp_path / "new"), "--to", "coco", "--from", "voc"]) == 0
    out = capsys.readouterr().out
    assert "lost:" in out and "unusable: " in out and "the format 'voc' was asked for" in out


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--to", "vok"], "did you mean 'voc'"),
        (["--to", "coco", "--images", "move"], "expected copy, link, none"),
        (["--to", "folders"], "'folders' only reads"),
        ([], "--to"),
    ],
)
def test_misuse(
    cells: Path, tmp_path: Path, more: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["convert", str(cells), str(tmp_path / "new"), *more]) == 2
    assert said in capsys.readouterr().err


def test_nothing_is_overwritten(cells: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", str(cells), str(cells), "--to", "coco"]) == 2
    assert "Nothing is overwritten" in capsys.readouterr().err
