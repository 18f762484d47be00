"""Where it looked: maps over pictures in the page, nothing of a hostile name as markup, and words for each test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from objectif.report.page import write
from objectif.runs.folder import WHY, RunFolder

from .reading import Page

Make = Callable[..., RunFolder]
EVIL = '<img src=x onerror="alert(1)">'


def found(mean: float, low: float | None, high: float | None) -> dict[str, Any]:
    return {"mean": mean, "low": low, "high": high, "n": 12}


def why(path: str, gain: dict[str, Any] | None) -> dict[str, Any]:
    case = {
        "path": path,
        "right": False,
        "truth": EVIL,
        "told": f"{EVIL} 0.70",
        "sentence": "half of what speaks for it lies in 10% of the picture",
        "method": "cam",
        "unit": "log-odds",
        "hot": 4.0,
        "cells": [[0.0, 1.0, 4.0], [-1.0, 0.5, 2.0]],
    }
    beside = {"the picture's centre": found(0.4, 0.3, 0.5)}
    test = {
        "test": "Pointing game",
        "better": "higher",
        "map": found(0.8, 0.7, 0.9),
        "beside": beside,
        "gain": gain,
    }
    return {
        "method": "cam",
        "network": "the delivered network on test images",
        "cases": [case],
        "tests": [test],
    }


def page(folder: RunFolder, content: dict[str, Any]) -> Page:
    folder.write_json(WHY, content)
    return Page(write(folder).read_text("utf-8"))


def shown(folder: RunFolder) -> str:
    """A picture that is there, by its path in the data."""
    root = Path(folder.result().problem["data"])
    return next(root.rglob("*.jpg")).relative_to(root).as_posix()


def test_the_map_lies_over_its_picture(fake_run: Make) -> None:
    folder = fake_run()
    read = page(folder, why(shown(folder), found(0.4, 0.2, 0.6)))
    assert "why" in read.sections()
    images = [a["href"] for t, a in read.tags if t == "image"]
    assert any(h.startswith("data:image/jpeg") for h in images)
    assert any(h.startswith("data:image/png") for h in images)
    assert "hottest: 4.000 log-odds" in read.text
    assert f"is {EVIL}" in read.text
    assert "0.800 [0.700, 0.900]" in read.text
    assert not [a for _, a in read.tags if any(k.startswith("on") for k in a)]


@pytest.mark.parametrize(
    ("gain", "words"),
    [
        (found(0.4, 0.2, 0.6), "better than the picture's centre"),
        (found(0.1, -0.2, 0.3), "not told apart from the picture's centre"),
        (found(-0.3, -0.5, -0.1), "worse than the picture's centre"),
        (found(0.4, None, None), "too few images"),
    ],
)
def test_the_verdict_says_what_the_interval_allows(fake_run: Make, gain: dict[str, Any], words: str) -> None:
    folder = fake_run()
    assert words in page(folder, why(shown(folder), gain)).text


def test_a_picture_that_is_gone_is_named_and_a_path_out_of_the_data_is_not_read(fake_run: Make) -> None:
    folder = fake_run()
    for path in ("daisy/gone.jpg", "../../secret.jpg"):
        read = page(folder, why(path, None))
        assert "not shown" in read.text
    assert "leads out of the data" in read.text
    assert "depends too little on the weights" in read.text


def test_a_run_without_maps_has_no_such_section(fake_run: Make) -> None:
    assert "why" not in Page(write(fake_run()).read_text("utf-8")).sections()
