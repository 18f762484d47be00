"""What may be done with an answer: promises veto or let pass, unproved ones leave all to a person, sets are told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from objectif.errors import SolutionError
from objectif.problem.promises import parse
from objectif.promises import Guard, Record, Rule
from objectif.run.predictor import Predictor
from objectif.solution.file import Solution, read

PROMISE = "recall[red] >= 0.9"


def made(classes: tuple[str, ...], *, kept: bool, limit: float = 0.0) -> dict[str, Any]:
    """Promises as a Solution has them, their limit in log-odds."""
    rule = Rule("classify", classes, False, (Guard(parse(PROMISE), limit),))
    record = Record(
        PROMISE, kept, "said", 1.0, 0.95, 90, 60, "positives", 60, "image", 0.95, 0.95, 0.3, 0.2, 0.4
    )
    return {
        "kept": kept,
        "rule": rule.to_dict(),
        "records": [record.to_dict()],
        "hold": "jointly",
        "data": {},
    }


def judged(solution: Solution, colour: tuple[int, int, int]) -> Any:
    pixels = np.full((40, 40, 3), colour, np.uint8)
    (answer,) = Predictor(solution).predict([pixels])
    return answer


def test_a_guarded_answer_is_given_or_left_to_a_person(colours: Callable[..., Solution]) -> None:
    plain = colours()
    blue = next(name for name in plain.classes if name != "red")
    free = colours(promises=made(plain.classes, kept=True, limit=-np.inf))
    strict = colours(promises=made(plain.classes, kept=True, limit=30.0))
    tint = {"green": (0, 255, 0), "blue": (0, 0, 255)}[blue]
    assert judged(plain, tint).judgement is None
    assert judged(free, tint).judgement.act == "answer"
    assert judged(strict, tint).judgement.act == "defer"
    assert "red cannot be ruled out at recall >= 0.9" in judged(strict, tint).judgement.reason
    own = judged(strict, (255, 0, 0))
    assert own.label == "red" and own.judgement.act == "answer"
    assert own.as_dict()["why"] == "no promise is about this answer"


def test_what_could_not_be_proved_is_never_served(colours: Callable[..., Solution]) -> None:
    solution = colours(promises=made(colours().classes, kept=False))
    answer = judged(solution, (255, 0, 0))
    assert answer.judgement.act == "defer"
    assert answer.judgement.reason == f"{PROMISE} could not be proved, so a person decides"
    assert "defer" in str(answer)


def test_sets_are_told_where_nothing_is_promised(colours: Callable[..., Solution]) -> None:
    sets = {"sets": {"coverage": 0.9, "threshold": 1e-9}}
    answer = judged(colours(calibration=sets), (255, 0, 0))
    assert answer.judgement.act == "answer" and answer.judgement.among[0] == "red"
    assert set(answer.judgement.among) <= set(colours().classes) and len(answer.judgement.among) > 1
    sure = judged(colours(calibration={"sets": {"coverage": 0.9, "threshold": 1.0}}), (255, 0, 0))
    assert sure.judgement.among == ()


def test_promises_survive_the_file_and_altered_ones_are_refused(
    colours: Callable[..., Solution], tmp_path: Path
) -> None:
    promises = made(colours().classes, kept=True)
    path = colours(promises=promises).save(tmp_path / "a.objectif")
    assert read(path).promises == promises
    for odd in ({**promises, "rule": {}}, {**promises, "records": 3}, {"kept": True}):
        with pytest.raises(SolutionError):
            Predictor(colours(promises=odd))
