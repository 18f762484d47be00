"""`objectif predict` of masks, as it is called from a shell: a form that goes into a folder, and one table."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from objectif.cli import main
from objectif.solution.file import Solution, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures, one of them a folder further down."""
    for name, size in (("a.png", (64, 64)), ("b.png", (64, 64)), ("c/large.jpg", (300, 200))):
        path = tmp_path / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, (200, 90, 30)).save(path)
    return tmp_path / "pictures"


@pytest.fixture
def segmenter(monkeypatch: pytest.MonkeyPatch, squares: Callable[..., Solution], tmp_path: Path) -> str:
    """A Solution that answers each picture with two objects of class green; red is background."""
    from objectif.answers import Masks
    from objectif.images.photo import read

    class Fake:
        def __init__(self, solution: Solution, **given: Any) -> None:
            self.solution = solution

        def predict(self, named: Any, **given: Any) -> Any:
            for path in named:
                mask = np.zeros(read(Path(path)).shape[:2], np.uint8)
                mask[2:10, 2:12], mask[20:30, 5:9] = 1, 1
                yield Masks(path, self.solution.classes, mask)

    monkeypatch.setattr("objectif.run.predictor.Predictor", Fake)
    monkeypatch.setattr("objectif.run.written.kind", lambda solution: Masks)
    monkeypatch.setattr("objectif.metrics.masks.BACKGROUND", frozenset({"red"}))
    return str(write(tmp_path / "squares.objectif", squares(reference=(64, 64))))


@pytest.mark.parametrize(
    ("form", "names"),
    [
        ("masks", {"a.png", "b.png", "c/large.png"}),
        ("instances", {"a.png", "b.png", "c/large.png"}),
        ("geojson", {"a.geojson", "b.geojson", "c/large.geojson"}),
        ("overlays", {"a.png", "b.png", "c/large.jpg"}),
    ],
)
def test_forms_of_one_picture_go_into_a_folder(
    segmenter: str, folder: Path, tmp_path: Path, capfdbinary: Any, form: str, names: set[str]
) -> None:
    before = {p: p.read_bytes() for p in folder.rglob("*.*")}
    out = tmp_path / "forms"
    assert main(["predict", segmenter, str(folder), "--to", form, "--out", str(out)]) == 0
    assert {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()} == names
    assert capfdbinary.readouterr().out == b""
    for options in ([], ["--out", str(folder / "a.png")]):
        assert main(["predict", segmenter, str(folder), "--to", form, *options]) == 2
        assert b"expected a folder for the" in capfdbinary.readouterr().err
    if form != "geojson":
        assert main(["predict", segmenter, str(folder), "--to", form, "--out", str(folder)]) == 2
        assert b"among the pictures" in capfdbinary.readouterr().err
    assert {p: p.read_bytes() for p in before} == before
    same = [str(folder / "a.png"), str(folder / "a.png")]
    assert main(["predict", segmenter, *same, "--to", form, "--out", str(tmp_path / "flat")]) == 0
    assert len(list((tmp_path / "flat").iterdir())) == 2


def test_objects_as_a_table_and_as_coco(
    segmenter: str, folder: Path, tmp_path: Path, capfdbinary: Any
) -> None:
    assert main(["predict", segmenter, str(folder), "--to", "table"]) == 0
    found = list(csv.DictReader(io.StringIO(capfdbinary.readouterr().out.decode(), newline="")))
    assert [(r["object"], r["label"], r["area_px"]) for r in found] == [
        ("1", "green", "80"),
        ("2", "green", "40"),
    ] * 3
    assert all(float(r["mean_red"]) >= 0 for r in found)
    out = tmp_path / "objects.json"
    assert main(["predict", segmenter, str(folder), "--to", "coco", "--out", str(out)]) == 0
    table = json.loads(out.read_bytes())
    assert table["categories"] == [{"id": 1, "name": "green"}]
    assert [a["area"] for a in table["annotations"]] == [80, 40] * 3
    assert {a["segmentation"]["size"][0] for a in table["annotations"]} == {64, 200}


@pytest.mark.parametrize(
    ("spacing", "unit", "factors"),
    [
        ("0.5", "mm", (0.5, 0.5)),
        ("0.5um", "um", (0.5, 0.5)),
        ("2,.25 \u00b5m", "um", (2, 0.25)),
        ("5e-1, 2nm", "nm", (0.5, 2)),
    ],
)
def test_a_spacing_gives_columns_in_its_unit(
    segmenter: str, folder: Path, capfdbinary: Any, spacing: str, unit: str, factors: tuple[float, float]
) -> None:
    assert main(["predict", segmenter, str(folder / "a.png"), "--csv", "--spacing", spacing]) == 0
    rows = list(csv.DictReader(io.StringIO(capfdbinary.readouterr().out.decode(), newline="")))
    assert [float(r[f"area_{unit}2"]) for r in rows] == [float(r["area_px"]) * np.prod(factors) for r in rows]
    down, across = np.array([[8, 10], [10, 4]]).T
    longest = np.hypot(down * factors[0], across * factors[1])
    assert [float(r[f"feret_max_{unit}"]) for r in rows] == pytest.approx(longest.tolist(), rel=1e-5)
    assert {f"perimeter_{unit}", f"feret_min_{unit}", "feret_max_px"} <= set(rows[0])


@pytest.mark.parametrize(
    "spacing",
    [
        "0",
        "-1",
        "nan",
        "inf",
        "1e999",
        "1e-300",
        "",
        "um",
        "0.25px",
        "0.25 um mm",
        "1,2,3",
        "1,",
        "0,25",
        "1_0",
    ],
)
def test_a_spacing_that_is_none_is_refused(
    segmenter: str, folder: Path, capfdbinary: Any, spacing: str
) -> None:
    assert main(["predict", segmenter, str(folder), "--to", "table", "--spacing", spacing]) == 2
    said = capfdbinary.readouterr()
    assert said.out == b""
    assert f"--spacing {spacing}: expected how much a pixel measures".encode() in said.err
    assert b"Write it as 0.25um" in said.err


@pytest.mark.parametrize("form", ["jsonl", "coco", "geojson", "masks", "instances", "overlays"])
def test_a_spacing_is_of_the_table_alone(
    segmenter: str, folder: Path, tmp_path: Path, capfdbinary: Any, form: str
) -> None:
    out = tmp_path / "out"
    command = ["predict", segmenter, str(folder), "--to", form, "--out", str(out), "--spacing", "2"]
    assert main(command) == 2
    assert (
        f"--spacing with --to {form}: expected the table of objects".encode() in capfdbinary.readouterr().err
    )
    assert not out.exists()


def test_a_spacing_of_boxes_or_labels_means_nothing(
    squares: Callable[..., Solution], folder: Path, tmp_path: Path, capfdbinary: Any
) -> None:
    detector = str(write(tmp_path / "boxes.objectif", squares()))
    assert main(["predict", detector, str(folder), "--csv", "--spacing", "2"]) == 2
    assert b"the task 'detect': expected the table of objects that masks have" in capfdbinary.readouterr().err
