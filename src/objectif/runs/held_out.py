"""What a finished race answered to images that it had not learned from: the evidence for doubts about labels.

A run keeps the out-of-fold answers of every candidate that came to an end (trials/) and the delivered answers
(answers.npz). Labels are judged by the mean probability of the candidates that were not told apart from the best: their own
mistakes differ, a wrong label contradicts them all. One for each model, because under another loss the same features make
the same mistakes. Where there was a test split, the delivered network alone has answered it, once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.errors import RunError
from objectif.runs.answers import Answers
from objectif.runs.answers import read as read_answers
from objectif.runs.folder import ANSWERS, SPLITS, RunFolder
from objectif.runs.result import Result

MEMBERS = 5
"""Candidates whose answers are averaged, at most."""
_GOOD = ("winner", "tied")
_NO_FOLD = -2


@dataclass(frozen=True)
class HeldOut:
    """Answers (n, C), probabilities, to n images that took no part in making the network that answered.

    paths: n. truth: (n,) or (n, C). kind: 'out-of-fold' or 'test'. learned: (n, C) images of each class that were learned
    from. units: (n,) relatives that count as one. by: whose answers, ids of candidates.
    """

    paths: tuple[str, ...]
    truth: NDArray[np.int64]
    chances: NDArray[np.float64]
    kind: str
    learned: NDArray[np.int64]
    units: NDArray[np.int64]
    by: tuple[str, ...]


def answers_of(folder: RunFolder) -> tuple[Result, Answers]:
    """The result and the delivered answers; RunError where the race has not ended or no image was held out."""
    result = folder.result()
    if not folder.has(ANSWERS):
        raise RunError(
            f"{folder.path} keeps no answers to held-out images ({ANSWERS}); labels can only be judged by whoever did not "
            "learn from them. Remedy: run `objectif solve` again in another folder."
        )
    answers = read_answers(folder)
    if not len(answers):
        raise RunError(
            f"{folder.file(ANSWERS)} has answers to 0 images; expected those that were held out. Remedy: run "
            "`objectif solve` again in another folder."
        )
    return result, answers


def held_out(folder: RunFolder, result: Result, answers: Answers) -> tuple[list[HeldOut], int]:
    """The development images out of fold, and the test images where there were any; of answers that name classes.

    And how many other images there are: learned from beside given validation images, or kept for promises. RunError where files do not fit together.
    """
    table = _Table.read(folder, answers)
    parts = []
    scored = np.flatnonzero(table.fold >= 0)
    by, chances = _mean(folder, result, len(scored))
    if not by and answers.kind == "out-of-fold":
        scored, by, chances = table.rows(answers.paths), (result.winner or "",), answers.scores
    if by:
        held = {k: table.learned(k) for k in np.unique(table.fold[scored]).tolist()}
        learned = np.array([held[k] for k in table.fold[scored].tolist()])
        parts.append(table.part(scored, chances, "out-of-fold", learned, by))
    if answers.kind == "test":
        rows = table.rows(answers.paths)
        learned = np.tile(table.learned(_NO_FOLD), (len(rows), 1))
        parts.append(table.part(rows, answers.scores, "test", learned, (result.winner or "",)))
    return parts, len(table.paths) - sum(len(part.paths) for part in parts)


def _mean(folder: RunFolder, result: Result, n: int) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """The candidates that are as good as the best, and the mean of their probabilities (n, C); none where none are kept."""
    found: dict[str, NDArray[np.float64]] = {}
    models = set()
    for line in result.leaderboard:
        if line.status not in _GOOD or line.model in models or len(found) == MEMBERS:
            continue
        trials = [folder.read_trial(f"{line.id}/seed{seed}") for seed in result.seeds]
        scores = [t["scores"] for t in trials if t is not None and len(t.get("scores", ())) == n]
        if scores:
            models.add(line.model)
            found[line.id] = np.mean(scores, axis=0, dtype=np.float64)
    if not found:
        return (), np.zeros((0, 0))
    return tuple(found), np.mean(list(found.values()), axis=0)


@dataclass(frozen=True)
class _Table:
    """splits.json: all images of the data. truth: (N,) or (N, C). fold (N,): -1 where never held out.

    apart (N,): never learned from, for a test or for promises.
    """

    paths: tuple[str, ...]
    truth: NDArray[np.int64]
    hot: NDArray[np.int64]
    fold: NDArray[np.int64]
    apart: NDArray[np.bool_]
    units: NDArray[np.int64]

    @classmethod
    def read(cls, folder: RunFolder, answers: Answers) -> _Table:
        values = folder.read_json(SPLITS)
        try:
            return _table(values, answers)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise RunError(
                f"{folder.file(SPLITS)} is damaged ({error!r}). Remedy: run `objectif solve` again in another folder."
            ) from error

    def learned(self, fold: int) -> NDArray[np.int64]:
        """(C,) images of each class that are learned from while `fold` is held out."""
        return np.asarray(self.hot[~self.apart & (self.fold != fold)].sum(0))

    def rows(self, paths: tuple[str, ...]) -> NDArray[np.int64]:
        place = {path: k for k, path in enumerate(self.paths)}
        lost = next((p for p in paths if p not in place), None)
        if lost is not None:
            raise RunError(
                f"{ANSWERS} names {lost!r}, {SPLITS} does not. Remedy: run `objectif solve` again."
            )
        return np.array([place[p] for p in paths], np.int64)

    def part(
        self,
        rows: NDArray[np.int64],
        chances: NDArray[np.float64],
        kind: str,
        learned: NDArray[np.int64],
        by: tuple[str, ...],
    ) -> HeldOut:
        units = np.unique(self.units[rows], return_inverse=True)[1]
        paths = tuple(self.paths[i] for i in rows)
        return HeldOut(paths, self.truth[rows], np.asarray(chances, np.float64), kind, learned, units, by)


def _table(values: Mapping[str, Any], answers: Answers) -> _Table:
    place = {name: k for k, name in enumerate(values["classes"])}
    hot = np.zeros((len(values["paths"]), len(place)), np.int64)
    for row, names in enumerate(values["labels"]):
        hot[row, [place[name] for name in names]] = 1
    named = [f"\0{i}" if g is None else str(g) for i, g in enumerate(values["groups"])]
    units = np.unique(named, return_inverse=True)[1]
    fold, apart = np.array(values["fold"], np.int64), np.array(values["test"], bool)
    apart = apart | np.array(values.get("calibration", np.zeros(len(apart))), bool)
    if not len(hot) == len(fold) == len(apart) == len(units) or hot.shape[1] != answers.scores.shape[1]:
        raise ValueError(f"{hot.shape} labels, {len(fold)} folds, {answers.scores.shape} answers")
    truth = hot if answers.multilabel else hot.argmax(1)
    return _Table(tuple(values["paths"]), truth, hot, fold, apart, units)
