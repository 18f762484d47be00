"""What a race has decided and said is recalled from its journal: dropped candidates, notes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

from objectif.learn.race.board import Board
from objectif.learn.race.candidate import Candidate
from objectif.learn.race.notes import Notes
from objectif.runs.folder import RunFolder
from objectif.runs.journal import Journal

TRUTH = np.array([0, 1, 0, 1])
A, B, C = (Candidate("learned", name, "cross_entropy", side=64, epochs=3) for name in "abc")


def board(folder: Path) -> Board:
    """A sitting: the board of a run folder as it stands."""
    context: Any = SimpleNamespace(
        truth=lambda: TRUTH, plan=SimpleNamespace(scored=lambda: np.arange(len(TRUTH)))
    )
    metric: Any = SimpleNamespace(sign=1, value=lambda truth, scores: (scores.argmax(1) == truth).mean())
    journal = Journal.resume(folder / "journal.jsonl")
    return Board(RunFolder(folder), journal, context, metric, {})


def test_a_resumed_leaderboard_tells_the_same_dropped_candidates(tmp_path: Path) -> None:
    whole = board(tmp_path)
    whole.drop(A, 0, "0.2 on fold 1 only; another did better in the same time")
    whole.drop(B, 0, "0.3 on fold 1 only; it went on")
    assert not whole.recall(C, 0)  # as the queue asks first
    whole.add(C, 0, np.eye(2, dtype=np.float32)[TRUTH], 1.0)
    again = board(tmp_path)
    assert again.dropped == whole.dropped
    assert list(again.order) == list(whole.order)
    told = [(e.id, e.status, e.rung, e.reason) for e in whole.entries()]
    assert [(e.id, e.status, e.rung, e.reason) for e in again.entries()] == told


def test_what_went_on_after_it_was_dropped_has_its_scores(tmp_path: Path) -> None:
    first = board(tmp_path)
    first.drop(A, 0, "no time for all folds")
    first.add(A, 0, np.eye(2, dtype=np.float32)[TRUTH], 1.0)
    again = board(tmp_path)
    assert not again.dropped and again.entries()[0].status == "ran"


def test_what_was_stopped_with_scores_goes_on_in_the_next_sitting(tmp_path: Path) -> None:
    first = board(tmp_path)
    first.add(A, 0, np.eye(2, dtype=np.float32)[TRUTH], 1.0)
    first.drop(A, 1, "stopped before it could be trained on all images")
    again = board(tmp_path)
    assert not again.dropped and 0 in again.scores[A]


def test_notes_are_told_again_once_each(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    notes = Notes(Journal.resume(path))
    notes.append("x was left out: it takes 30 s.", about="x left out")
    notes.append("Views were judged.")
    notes.append("Delivered from one fold.", written=False)
    again = Notes(Journal.resume(path))
    assert list(again) == ["x was left out: it takes 30 s.", "Views were judged."]
    again.append("x was left out: it takes 31 s.", about="x left out")
    again.append("Views were judged.")
    assert list(again) == ["x was left out: it takes 31 s.", "Views were judged."]
    assert list(Notes(Journal.resume(path))) == list(again)


@pytest.mark.parametrize(
    ("model", "epochs", "said"),
    [
        ("nlm", 1, "64 px, solved at once"),
        ("dncnn", 1, "64 px, 1 epoch"),
        ("dncnn", 30, "64 px, 30 epochs"),
        ("not installed", 2, "64 px, 2 epochs"),
        ("lite0", 0, "64 px"),
    ],
)
def test_how_long_a_candidate_was_trained_is_said_in_words(
    tmp_path: Path, model: str, epochs: int, said: str
) -> None:
    sitting = board(tmp_path)
    candidate = Candidate("learned", model, "none", side=64, epochs=epochs)
    sitting.recall(candidate, 0)
    sitting.add(candidate, 0, np.eye(2, dtype=np.float32)[TRUTH], 1.0)
    assert sitting.entries()[0].setting == said
