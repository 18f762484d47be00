"""The sheet of each type of answer: as many cells as columns, one row at least, and the judgement last."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import numpy as np
import pytest

from objectif.answers import (
    AnomalyMap,
    Answer,
    Boxes,
    Candidate,
    Identity,
    Judgement,
    Label,
    Masks,
    Picture,
    Quantity,
)
from objectif.cli._forms import writer
from objectif.metrics.masks import packed
from objectif.run.sheets import SHEETS
from objectif.run.written import csv_header, csv_rows
from objectif.solution.file import Solution

CLASSES = ("background", "cell")
ONE = np.ones(1, np.float32)
MASK = np.zeros((9, 9), np.int64)
MASK[2:5, 2:5] = 1
ANSWERS: dict[str, Answer] = {
    "label": Label("a.png", CLASSES, np.array([0.25, 0.75], np.float32), ("cell",)),
    "boxes": Boxes("a.png", CLASSES, np.array([[1, 2, 3, 4]] * 2, np.float32), ONE.repeat(2), ("cell",) * 2),
    "no boxes": Boxes("a.png", CLASSES, np.zeros((0, 4), np.float32), np.zeros(0, np.float32), ()),
    "masks": Masks("a.png", CLASSES, packed(MASK, MASK)),
    "no masks": Masks("a.png", CLASSES, packed(MASK * 0, MASK * 0)),
    "number": Quantity("a.png", ("grams",), 2.0, 1.0, 3.0, 0.9),
    "stage": Quantity("a.png", CLASSES, 1.0, 0.0, 1.0, 0.9, np.array([0.25, 0.75], np.float32)),
    "picture": Picture("a.png", np.zeros((9, 9, 3), np.float32)),
    "identity": Identity("a.png", None, None, None, (Candidate("Ann", 0.5),), "below the threshold", ONE),
    "anomaly": AnomalyMap("a.png", 0.5, 0.4, np.zeros((3, 3), np.float32), 9, 9),
}
JUDGED = Judgement("defer", "not sure, as a person decides")


def test_each_type_of_answer_has_a_sheet() -> None:
    assert set(SHEETS) == set(get_args(Answer)) == {type(answer) for answer in ANSWERS.values()}


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("judgement", [None, JUDGED])
def test_rows_fill_the_columns_and_end_with_the_judgement(name: str, judgement: Judgement | None) -> None:
    answer = ANSWERS[name]
    classes = answer.classes if isinstance(answer, Quantity) else CLASSES
    plain, judged = (
        list(
            csv.reader(
                io.StringIO(
                    (
                        csv_header(type(answer), classes, 3, "um", judged=asked)
                        + csv_rows(
                            replace(answer, judgement=judgement),
                            np.zeros((9, 9, 3)),
                            3,
                            (0.5, 0.5),
                            judged=asked,
                        )
                    ).decode()
                )
            )
        )
        for asked in (False, True)
    )
    assert len(plain) == (3 if name == "boxes" else 2)
    assert len({len(row) for row in plain}) == 1
    assert all(row[0] == "a.png" for row in plain[1:])
    last = ["", ""] if judgement is None else [judgement.act, judgement.reason]
    assert judged == [plain[0] + ["act", "why"], *(row + last for row in plain[1:])]


@pytest.mark.parametrize("fitted", [{}, {"gate": {}}, {"promises": {}}, {"calibration": {}}])
def test_predict_tells_acts_where_somebody_judges(
    fitted: dict[str, object], colours: Callable[..., Solution], tmp_path: Path
) -> None:
    solution, out = replace(colours(), **fitted), tmp_path / "answers.csv"  # type: ignore[arg-type]
    answer = Label("a.png", solution.classes, np.array([1, 0, 0], np.float32), ("red",), JUDGED)
    with writer("csv", SimpleNamespace(solution=solution), ["a.png"], out) as write:  # type: ignore[arg-type]
        write(answer)
    [row] = csv.DictReader(io.StringIO(out.read_text()))
    assert (row.get("act"), row.get("why")) == ((JUDGED.act, JUDGED.reason) if fitted else (None, None))
