"""objectif init: what it writes, what it says, what it refuses."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from objectif import cli, problem
from objectif.data.load import load


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ten roses and thirty tulips, 40 x 30 pixels, below the working directory."""
    draw = np.random.default_rng(0)
    for name, count in (("rose", 10), ("tulip", 30)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for k in range(count):
            pixels = draw.integers(0, 256, (30, 40, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"plant{k // 2}_{k}.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "photos"


def comment_of(key: str, path: str = "problem.toml") -> str:
    """The comment above a key of a statement, on one line."""
    block = next(b for b in Path(path).read_text().split("\n\n") if f"\n{key} = " in b)
    return " ".join(line.removeprefix("# ") for line in block.splitlines() if line.startswith("# "))


@pytest.mark.usefixtures("photos")
def test_it_writes_what_it_found_and_names_the_next_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["init", "photos"]) == 0
    said = capsys.readouterr().out
    assert "40 images, 2 classes" in said and said.splitlines()[-1] == "  objectif solve problem.toml"
    made = problem.read("problem.toml")
    assert (made.data, made.format, made.metric) == (Path.cwd() / "photos", "folders", "accuracy")
    assert 'data = "photos"' in Path("problem.toml").read_text()
    assert "40 images in 2 classes: rose 10, tulip 30." in comment_of("data")
    assert "40 x 30 pixels" in comment_of("data")
    assert "'tulip' has an accuracy of 0.75" in comment_of("metric") and "balanced_accuracy" in comment_of(
        "metric"
    )
    assert "5 stratified folds" in comment_of("splits")
    assert "No groups are known" in comment_of("group")


@pytest.mark.usefixtures("photos")
def test_groups_and_lists_are_taken_over(capsys: pytest.CaptureFixture[str]) -> None:
    Path("lists").mkdir()
    names = sorted(str(p) for p in Path("photos").rglob("*.png"))
    Path("lists/test.txt").write_text("\n".join(names[::4]))
    Path("lists/train.txt").write_text("\n".join(n for n in names if n not in names[::4]))
    options = ["--group", r"([a-z]+/plant\d+)_", "--splits", "lists", "--out", "my problem.toml"]
    assert cli.main(["init", "photos", *options]) == 0
    assert capsys.readouterr().out.endswith("  objectif solve 'my problem.toml'\n")
    made = problem.read("my problem.toml")
    assert (made.group, made.splits) == (r"([a-z]+/plant\d+)_", Path.cwd() / "lists")
    dataset = load(made.data, format=made.format, group=made.group, splits=made.splits)
    text = Path("my problem.toml").read_text()
    groups = len({s.group for s in dataset.samples})
    assert groups == 20 and "20 groups; the largest has 2 images." in text
    assert "test 10" in comment_of("splits", "my problem.toml")


def test_tracks_that_nobody_named_are_grouped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three classes of eight tracks of five frames: a frame looks like its track, and like nothing else."""
    draw = np.random.default_rng(0)
    monkeypatch.chdir(tmp_path)
    for name in "abc":
        Path("signs", name).mkdir(parents=True)
        for track in range(8):
            scene = draw.integers(0, 256, (8, 8, 3)).repeat(8, 0).repeat(8, 1)
            for frame in range(5):
                noisy = np.clip(scene + draw.normal(0, 9, scene.shape), 0, 255).astype(np.uint8)
                Image.fromarray(noisy).save(Path("signs", name, f"{track:03}_{frame:03}.png"))
    assert cli.main(["init", "signs"]) == 0
    made = problem.read("problem.toml")
    assert made.group is not None
    assert len({s.group for s in load(made.data, group=made.group).samples}) == 24
    assert "nobody named groups" in capsys.readouterr().out
    assert "Nobody named groups" in comment_of("group")
    assert cli.main(["init", "signs", "--force", "--group", r"(\d+)_"]) == 0
    assert problem.read("problem.toml").group == r"(\d+)_"


@pytest.mark.usefixtures("photos")
def test_costs_are_written_to_be_edited() -> None:
    assert cli.main(["init", "photos", "--metric", "cost"]) == 0
    assert problem.read("problem.toml").cost == ((0.0, 1.0), (1.0, 0.0))
    assert "order of the classes: rose, tulip" in comment_of("cost")


@pytest.mark.usefixtures("photos")
def test_several_labels_an_image_get_a_metric_that_fits() -> None:
    paths = sorted(str(p.relative_to("photos")) for p in Path("photos").rglob("*.png"))
    rows = [f"{path},{'red|small' if k % 2 else 'small' if k % 3 else 'red'}" for k, path in enumerate(paths)]
    Path("photos/labels.csv").write_text("\n".join(["path,labels", *rows]))
    assert cli.main(["init", "photos/labels.csv"]) == 0
    assert problem.read("problem.toml").metric == "average_precision"


@pytest.mark.usefixtures("photos")
def test_a_file_with_edits_is_not_replaced(capsys: pytest.CaptureFixture[str]) -> None:
    Path("problem.toml").write_text("mine")
    assert cli.main(["init", "photos"]) == 2
    assert "--force" in capsys.readouterr().err and Path("problem.toml").read_text() == "mine"
    assert cli.main(["init", "photos", "--force"]) == 0
    assert problem.read("problem.toml")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["nowhere"], "nowhere"),
        (["photos", "--format", "folder"], "did you mean 'folders'"),
        (["photos", "--metric", "acuracy"], "did you mean 'accuracy'"),
        (["photos", "--group", "("], "regular expression"),
        (["photos", "--splits", "nowhere"], "no such folder"),
        (["photos", "--out", "nowhere/problem.toml"], "nowhere/problem.toml"),
        (["photos/rose"], "rose"),
    ],
)
@pytest.mark.usefixtures("photos")
def test_bad_input_ends_in_one_message(
    arguments: list[str], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["init", *arguments]) == 2
    error = capsys.readouterr().err
    assert word in error and error.startswith("error: ") and "Traceback" not in error
    assert not Path("problem.toml").exists()


def test_class_names_cannot_break_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A newline in a folder's name must not end a comment."""
    monkeypatch.chdir(tmp_path)
    for name in ('a\ndata = "evil"\n', "ü '\"\\ #"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for k in range(5):
            Image.fromarray(np.full((9, 9, 3), 20 * k, np.uint8)).save(tmp_path / "data" / name / f"{k}.png")
    assert cli.main(["init", "data", "--metric", "cost"]) == 0
    assert problem.read("problem.toml").data == tmp_path / "data"


def test_real_images(shared: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The statement of a folder with Training/ and Testing/ says so."""
    assert cli.main(["init", str(shared("brain_mri")), "--out", str(tmp_path / "problem.toml")]) == 0  # type: ignore[operator]
    text = (tmp_path / "problem.toml").read_text()
    assert re.search(r"Given: test \d+, train \d+", text)
    assert "given test split" in capsys.readouterr().out
