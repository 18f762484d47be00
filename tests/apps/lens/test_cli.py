"""`objectif lens`: made, asked, taught, checked in the terminal; the race itself is played by files of one that is done."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from objectif import cli
from objectif.apps.lens import new
from objectif.apps.lens.folder import Lens
from objectif.errors import InputError, RunError

from .conftest import COLOURS, paint


def test_a_lens_is_made_asked_taught_and_checked(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(new, "solve", lambda data, folder, budget: shutil.copytree(run, folder / "run"))
    place = str(tmp_path / "c.lens")
    made = [
        "lens",
        "new",
        str(run.parent / "data"),
        "--out",
        place,
        "--languages",
        "de, en",
        "--accuracy",
        "0.8",
        "--no-serve",
    ]
    assert cli.main(made) == 0
    said = capsys.readouterr().out
    assert "Mindestens 80 % der Antworten stimmen" in said
    assert f"objectif lens ask {place} PHOTO" in said
    photo = paint(tmp_path / "a.jpg", COLOURS["blue"])
    (tmp_path / "b.jpg").write_bytes(b"")
    assert cli.main(["lens", "ask", place, str(photo), str(tmp_path / "b.jpg"), "--language", "en-US"]) == 5
    said, complained = capsys.readouterr()
    assert said.splitlines()[1].startswith("blue (")
    assert "b.jpg: the file is empty" in complained
    assert cli.main(["lens", "ask", place, str(photo), "--json", "--language", "de"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["path"], told["heading"], told["language"]) == (str(photo), "blue", "de")
    yellow = [str(paint(tmp_path / f"y{k}.jpg", (200, 200, 30), k)) for k in range(3)]
    assert cli.main(["lens", "teach", place, *yellow, "--name", "yellow"]) == 0
    assert (
        "yellow: 3 of its 3 photos are recognised by the others; 0 of 15 examples" in capsys.readouterr().out
    )
    assert cli.main(["lens", "accept", place, "--name", "yellow"]) == 0
    assert cli.main(["lens", "check", place]) == 0
    assert "1 taught and accepted, 0 waiting" in capsys.readouterr().out
    assert cli.main(["lens", "forget", place, "--name", "yellow"]) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["new", "x", "--languages", "english!"],
            "'english!' is no code of a language; expected some such as en,de.",
        ),
        (["new", "x", "--accuracy", "2"], "--accuracy 2: expected a share between 0.5 and 1"),
        (["new", "nowhere"], "nowhere: no such file or folder"),
        (["ask", "."], "holds 0 Solutions; a lens holds exactly one"),
    ],
)
def test_what_makes_no_sense_is_told(
    words: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["lens", *words]) == 2
    assert message in capsys.readouterr().err


def test_a_lens_wants_photos_and_names(lens: Lens, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["lens", "ask", str(lens.folder)]) == 2
    assert "no photo is given" in capsys.readouterr().err
    assert cli.main(["lens", "accept", str(lens.folder)]) == 2
    assert "--name is missing" in capsys.readouterr().err
    assert cli.main(["lens", "forget", str(lens.folder), "--name", "teal"]) == 2
    assert "nothing waits or was accepted here as 'teal'; there is nothing yet." in capsys.readouterr().err


def test_a_race_that_fails_is_told(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(RunError, match="`objectif solve` ended with exit code 1"):
        new.solve(run.parent / "data", tmp_path / "l.lens", budget="10s")
    paint(tmp_path / "other" / "a" / "1.jpg", COLOURS["red"])
    paint(tmp_path / "other" / "b" / "1.jpg", COLOURS["blue"])
    with pytest.raises(InputError, match=r"l\.lens is the lens of .*; expected another --out for"):
        new.solve(tmp_path / "other", tmp_path / "l.lens")
