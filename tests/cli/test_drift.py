"""`objectif drift`: a verdict in words, JSON alone on standard output, exit codes as diff has them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from objectif.cli import main
from objectif.run.drift import kept, numbers
from objectif.run.gate_fit import fit
from objectif.run.predictor import Predictor
from objectif.solution.file import Solution, write

N = 60


def photo(rng: np.random.Generator, light: float = 0.0) -> NDArray[np.uint8]:
    base = rng.normal(
        rng.normal((140 + light, 110 + light, 80 + light), 12), rng.uniform(35, 55), (24, 24, 3)
    )
    return np.clip(base, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def solution(colours: Callable[..., Solution], tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Solution that was judged on such pictures."""
    rng, plain = np.random.default_rng(0), colours()
    open_gate = fit(np.tile(np.arange(6, dtype=np.float32), (20, 1)), None, None, "tests")
    whole = replace(plain, gate={**open_gate.table(), "limits": {}})
    pairs: list[Any] = list(Predictor(whole).measured([photo(rng) for _ in range(100)]))
    rows = [numbers(answer, measures, None) for answer, measures in pairs]
    path = tmp_path_factory.mktemp("drift") / "a.objectif"
    return str(write(path, replace(whole, known=kept(rows, None))))


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., str]:
    """folder("a", light=30) is a folder of such pictures, darker or lighter, as names d0-0.png, d0-1.png, d1-2.png, ..."""

    def make(name: str, light: float = 0.0, n: int = N) -> str:
        rng = np.random.default_rng(1)
        (tmp_path / name).mkdir()
        for k in range(n):
            Image.fromarray(photo(rng, light)).save(tmp_path / name / f"d{k // 2}-{k}.png")
        return str(tmp_path / name)

    return make


def run(capfd: Any, *arguments: str) -> tuple[int, str, str]:
    code = main(["drift", *arguments])
    out, err = capfd.readouterr()
    return code, out, err


def test_images_of_the_same_kind(solution: str, folder: Callable[..., str], capfd: Any) -> None:
    code, out, _ = run(capfd, solution, folder("same"))
    assert code == 0
    assert out.startswith("No difference is seen between these 60 images")


def test_lighter_images_are_told(solution: str, folder: Callable[..., str], capfd: Any) -> None:
    path = folder("lighter", light=40)
    code, out, _ = run(capfd, solution, path)
    assert code == 1
    assert out.startswith("These 60 images look different: ")
    assert "moved most:" in out
    code, out, _ = run(capfd, solution, path, "--json")
    assert code == 1
    found = json.loads(out)
    assert found["differs"] is True
    assert found["images"] == 60
    assert found["compared_with"] == 100
    assert len(found["moved_most"]) == 10
    assert {"name", "p", "adjusted_p", "median_before", "median_now"} <= set(found["measures"][0])


def test_of_each_group_one_image_counts(solution: str, folder: Callable[..., str], capfd: Any) -> None:
    code, out, _ = run(capfd, solution, folder("grouped"), "--group", r"(d\d+)-", "--json")
    assert code == 0
    assert json.loads(out)["images"] == 30
    code, _, err = run(capfd, solution, folder("again"), "--group", "(")
    assert code == 2
    assert "--group '(': no regular expression" in err


def test_too_few_images(solution: str, folder: Callable[..., str], capfd: Any) -> None:
    code, _, err = run(capfd, solution, folder("few", n=19))
    assert code == 2
    assert err == (
        "error: 19 images to compare; expected at least 20, because fewer say nothing about a drift. Give more; single "
        "images are judged by `objectif predict`.\n"
    )


def test_an_older_file(
    colours: Callable[..., Solution], tmp_path: Path, folder: Callable[..., str], capfd: Any
) -> None:
    old = write(tmp_path / "old.objectif", colours())
    code, _, err = run(capfd, str(old), folder("any"))
    assert code == 2
    assert "keeps nothing of the images that it was judged on" in err
    assert "Solve again" in err


def test_a_picture_that_cannot_be_read_is_left_out(
    solution: str, folder: Callable[..., str], capfd: Any
) -> None:
    path = Path(folder("broken"))
    (path / "d0-0.png").write_bytes(b"no picture")
    code, out, err = run(capfd, solution, str(path), "--json")
    assert code == 5
    assert json.loads(out)["images"] == 59
    assert "1 images could not be read" in err
