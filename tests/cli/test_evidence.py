"""objectif evidence: what is promised, as text, JSON and a page that asks nobody; NPV by prevalence; medicine is marked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from objectif.cli import main
from objectif.problem.promises import parse
from objectif.promises import Calibration, Record, fit
from objectif.promises.statement import RESEARCH, medical, npv_table
from objectif.solution.file import Solution


def promises(classes: tuple[str, ...], text: str, n: int = 600) -> dict[str, Any]:
    """What can be promised of scores that tell the classes well."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, len(classes), n)
    odds = rng.normal(0, 1, (n, len(classes))) + 4 * np.eye(len(classes))[truth]
    p = np.exp(odds) / np.exp(odds).sum(1, keepdims=True)
    found = fit([parse(text)], Calibration("classify", classes, False, truth, p.astype(np.float32)))
    data = {
        "name": "fields",
        "images": n,
        "groups": None,
        "classes": dict.fromkeys(classes, n // len(classes)),
        "date": "2026-05-03",
    }
    return {**found.to_dict(), "hold": "jointly", "data": data}


@pytest.fixture
def promised(colours: Callable[..., Solution], tmp_path: Path) -> Callable[[str], Path]:
    """promised(text) is a Solution file that promises it, or says that it could not be proved."""

    def make(text: str) -> Path:
        solution = colours(promises=promises(colours().classes, text))
        return solution.save(tmp_path / "colours.objectif")

    return make


def test_a_kept_promise_is_told_with_its_cost_and_its_npv(
    promised: Callable[[str], Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = promised("recall[red] >= 0.9")
    assert main(["evidence", str(file)]) == 0
    said = capsys.readouterr().out
    assert "recall[red] >= 0.9: kept" in said and "NPV at least" in said
    assert "Of images that are truly red, at least 90 in 100" in said and "What this does not say" in said
    assert main(["evidence", str(file), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["kept"] is True and told["promises"][0]["work_low"] > 0 and told["medical"] is None
    assert main(["evidence", str(file), "--out", str(tmp_path / "e.html")]) == 0
    page = (tmp_path / "e.html").read_text()
    assert "default-src" in page and "recall[red] &gt;= 0.9" in page and "<script" not in page


def test_an_unproved_promise_says_what_would_be(
    promised: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evidence", str(promised("recall[red] >= 0.999"))]) == 0
    said = capsys.readouterr().out
    assert "NOT kept" in said and "the best promise at 95 % is recall[red] >= 0." in said


def test_nothing_promised_and_a_wrong_ending(
    colours: Callable[..., Solution], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = colours().save(tmp_path / "plain.objectif")
    assert main(["evidence", str(file)]) == 0
    assert "Nothing is promised" in capsys.readouterr().out
    assert main(["evidence", str(file), "--out", str(tmp_path / "e.pdf")]) == 2
    assert "ends in .html or .json" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("names", "expected"),
    [(["chest_xray"], True), (["brain tumour"], True), (["roses", "tulips"], False), (["Pneumonia"], True)],
)
def test_medicine_is_marked(names: list[str], expected: bool) -> None:
    assert medical(*names) is expected
    assert "not a medical device" in RESEARCH


@given(st.floats(0.5, 1.0), st.floats(0.05, 0.9), st.integers(20, 200))
@settings(max_examples=60, deadline=None)
def test_the_npv_falls_as_the_class_grows_common(reached: float, saved: float, positives: int) -> None:
    n = 3 * positives
    record = Record(
        "recall[a] >= 0.5", True, "", reached, reached, n, positives, "positives", positives, "image",
        0.95, 0.95, saved, 0.01, 1.0,
    )  # fmt: skip
    rows = npv_table(parse(record.promise), record)
    assert rows is not None
    npv = [row["npv"] for row in rows]
    assert all(0 <= value <= 1 for value in npv)
    assert npv == sorted(npv, reverse=True)
