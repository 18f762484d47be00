"""Every task's tiny Solution goes through the same rooms; the table at the top is all that knows which tasks there are."""

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
from objectif.data.dataset import Dataset
from objectif.data.load import load as load_data
from objectif.errors import InputError, SolutionError
from objectif.run.benchmark import benchmark
from objectif.run.check import check_solution
from objectif.run.evaluate import evaluate
from objectif.run.inputs import Failure
from objectif.run.predictor import Predictor
from objectif.solution.file import Solution, read, write
from objectif.tasks import NAMES, find

MADE = {
    "classify": "colours",
    "detect": "squares",
    "segment": "regions",
    "regress": "brightness",
    "restore": "mirror",
    "identify": "hues",
    "anomaly": "lights",
}
PERFECT = {
    "classify": "accuracy",
    "detect": "mAP50",
    "segment": "mIoU",
    "regress": "coverage",
    "restore": "SSIM",
    "identify": "tpir",
    "anomaly": "image_auroc",
}


@pytest.fixture(params=NAMES)
def made(request: pytest.FixtureRequest) -> Callable[..., Solution]:
    """The maker of a task's Solution."""
    maker: Callable[..., Solution] = request.getfixturevalue(MADE[request.param])
    return maker


@pytest.fixture
def path(made: Callable[..., Solution], tmp_path: Path) -> Path:
    return write(tmp_path / "made.objectif", made())


@pytest.fixture
def data(made: Callable[..., Solution], tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Twelve labelled images that the Solution answers rightly."""
    folder = tmp_path / "data"
    if MADE[made().task] in ("colours", "hues"):
        for k in range(12):
            name = ("red", "green", "blue")[k % 3]
            pixels = np.zeros((30, 40, 3), np.uint8)
            pixels[..., k % 3] = 200
            (folder / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / name / f"{k}.png")
        return folder
    if MADE[made().task] == "lights":
        for k in range(12):
            name = "test/spot" if k % 3 == 0 else "test/good" if k % 3 == 1 else "train/good"
            pixels = np.full((30, 40, 3), 60, np.uint8)
            pixels[5:15, 8:20] = 250 if name == "test/spot" else 70
            (folder / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / name / f"{k}.png")
        return folder
    rectangles = request.getfixturevalue("rectangles")
    folder.mkdir()
    if MADE[made().task] == "mirror":
        for part in ("noisy", "clean"):
            (folder / part).mkdir()
            for k in range(12):
                Image.fromarray(rectangles(60 + k, 64, k)[0]).save(folder / part / f"{k}.png")
        return folder
    if MADE[made().task] == "brightness":
        for k in range(12):
            Image.fromarray(np.full((30, 40, 3), 20 * k, np.uint8)).save(folder / f"{k}.png")
        (folder / "numbers.csv").write_text(
            "path,value\n" + "".join(f"{k}.png,{20 * k}\n" for k in range(12))
        )
        return folder
    rectangles = request.getfixturevalue("rectangles")
    if MADE[made().task] == "regions":
        for part in ("images", "masks"):
            (folder / part).mkdir()
        (folder / "classes.txt").write_text("background\nred\ngreen\n")
        for k in range(12):
            pixels, boxes = rectangles(64, 64, k)
            mask = np.zeros((64, 64), np.uint8)
            for x1, y1, x2, y2, c in boxes.astype(int):
                mask[y1:y2, x1:x2] = c + 1
            Image.fromarray(pixels).save(folder / "images" / f"{k}.png")
            Image.fromarray(mask).save(folder / "masks" / f"{k}.png")
        return folder
    lines = ["path,x1,y1,x2,y2,label"]
    for k in range(12):
        pixels, boxes = rectangles(64, 64, k)
        Image.fromarray(pixels).save(folder / f"{k}.png")
        lines += [f"{k}.png,{x1},{y1},{x2},{y2},{('red', 'green')[int(c)]}" for x1, y1, x2, y2, c in boxes]
        lines += [] if len(boxes) else [f"{k}.png,,,,,"]
    (folder / "boxes.csv").write_text("\n".join(lines) + "\n")
    return folder


def files(dataset: Dataset) -> list[str]:
    return [str(sample.file) for sample in dataset.samples]


def test_what_is_written_comes_back(made: Callable[..., Solution], tmp_path: Path) -> None:
    solution = made(reference=(480, 640))
    back = read(solution.save(tmp_path / "a.objectif"))
    assert (back.task, back.decoding, back.reference) == (solution.task, solution.decoding, (480, 640))
    assert back.decoding == find(solution.task).decoding(solution.decoding.to_dict())


def test_it_proves_itself(path: Path, made: Callable[..., Solution], tmp_path: Path) -> None:
    checks = check_solution(path)
    assert len(checks) > 10
    assert all(check.ok for check in checks), [c for c in checks if not c.ok]
    for name in find(made().task).outputs:
        wrong = dict(made().probes)
        wrong[f"{name}_fp32"] = wrong[f"{name}_fp32"].copy()
        wrong[f"{name}_fp32"][..., 0] += 1
        failed = [c.name for c in check_solution(write(tmp_path / "b", made(probes=wrong))) if not c.ok]
        assert failed == ["fp32: parity"]


def test_answers_are_as_exact_as_the_network(path: Path, data: Path) -> None:
    result = evaluate(Predictor(read(path)), load_data(data))
    metric, found = result.metrics[PERFECT[read(path).task]]
    assert found.estimate == pytest.approx(1.0)
    assert metric.higher_is_better
    assert (result.n, result.failures) == (12, ())
    json.dumps(result.to_dict(), allow_nan=False)


def test_predict_gives_answers_and_decoded_their_arrays(path: Path, data: Path) -> None:
    predictor = Predictor(read(path))
    sources: list[Any] = [*files(load_data(data)), Failure("x", "why"), b"no image", "missing.png"]
    answers, rows = list(predictor.predict(iter(sources))), list(predictor.decoded(iter(sources)))
    assert [a.path for a in answers] == [*sources[:12], "x", "image 13", "missing.png"]
    assert [isinstance(a, Failure) for a in answers] == [False] * 12 + [True] * 3
    assert [isinstance(r, Failure) for r in rows] == [False] * 12 + [True] * 3
    empty = predictor.task.empty(1, len(predictor.solution.classes))
    assert all(isinstance(r, Failure) or (r.shape[0], r.ndim) == (1, empty.ndim) for r in rows)


def test_numbers_that_are_not_finite_are_no_answer(
    path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = Predictor(read(path), batch=3, workers=1)
    plain = predictor._narrow.outputs

    def endless(batch: Any, names: Any) -> Any:
        found = plain(batch, names)
        for values in found.values():
            values[0].flat[-1] = np.nan
        return found

    monkeypatch.setattr(predictor._narrow, "outputs", endless)
    found = list(predictor.predict(files(load_data(data))[:3]))
    assert isinstance(found[0], Failure)
    assert "no finite" in found[0].reason


def test_classes_that_the_network_does_not_have_are_refused(made: Callable[..., Solution]) -> None:
    if made().task == "anomaly":
        pytest.skip("its network does not tell classes")
    solution = made(classes=("a", "b", "c", "d"))
    if "scores" not in find(solution.task).outputs:
        return  # it answers with no class
    pixels = np.zeros((40, 40, 3), np.uint8)
    with pytest.raises(SolutionError, match=r"expected \(.*[45]\)"):
        list(Predictor(solution).predict([pixels]))


def test_benchmark_measures_it(path: Path, data: Path) -> None:
    speeds = benchmark(path, {"a": files(load_data(data))}, count=8, seconds=0.05, rounds=1)
    assert all(s.ratio > 0 and s.memory_mb > 20 for s in speeds)


def test_the_shell_predicts_evaluates_and_checks(path: Path, data: Path, tmp_path: Path, capfd: Any) -> None:
    pictures = next((data / part for part in ("images", "noisy") if (data / part).is_dir()), data)
    assert main(["predict", str(path), str(pictures)]) == 0
    rows = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert len(rows) == 12
    assert main(["predict", str(path), str(pictures), "--to", "csv", "--out", str(tmp_path / "a.csv")]) == 0
    table = list(csv.DictReader(io.StringIO((tmp_path / "a.csv").read_text())))
    assert {row["path"] for row in table} == {row["path"] for row in rows}
    assert main(["evaluate", str(path), str(data), "--json"]) == 0
    assert main(["check", str(path)]) == 0


def test_tiles_are_for_answers_that_have_places(path: Path, data: Path) -> None:
    predictor = Predictor(read(path))
    for rule in (7, "often", True):
        with pytest.raises(InputError, match=r"expected auto"):
            predictor.predict([], tile=rule)  # type: ignore[arg-type]
    if predictor.task.tiled:
        assert len(list(predictor.predict(files(load_data(data)), tile=48))) == 12
    else:
        with pytest.raises(InputError, match="as a whole"):
            predictor.predict([], tile=48)
