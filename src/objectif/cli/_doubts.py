"""The list behind `objectif doubts`: answers of a run (runs/) judged by what is known of wrong labels (health/)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from objectif.errors import RunError
from objectif.health.doubts import FEWEST_TRAINING, Doubts, doubts_of_answers
from objectif.health.second_look import SecondLook, of_boxes, of_masks, of_numbers
from objectif.health.words import count
from objectif.runs.answers import Answers
from objectif.runs.folder import RunFolder
from objectif.runs.held_out import HeldOut, answers_of, held_out
from objectif.runs.result import Result


@dataclass(frozen=True)
class Listing:
    """looks: all labels that were judged, worst first. sentences: what the list is, for people. facts: the same for machines."""

    looks: tuple[SecondLook, ...]
    sentences: tuple[str, ...]
    facts: dict[str, Any]

    def to_dict(self, most: int) -> dict[str, Any]:
        """JSON-ready, with the first `most` labels."""
        labels = [asdict(look) for look in self.looks[:most]]
        return {**self.facts, "sentences": self.sentences, "judged": len(self.looks), "labels": labels}


def listing(folder: RunFolder) -> Listing:
    """All labels of a finished run, worst first; RunError where there is nothing to judge them by."""
    result, answers = answers_of(folder)
    if answers.task not in SPEAKS_FOR:
        raise RunError(
            f"{folder.path} is of the task {answers.task!r}; doubts speak for {', '.join(SPEAKS_FOR)}, where an answer can "
            "contradict a label. Look at the report's examples instead."
        )
    return SPEAKS_FOR[answers.task](folder, result, answers)


def _classes(folder: RunFolder, result: Result, answers: Answers) -> Listing:
    parts, others = held_out(folder, result, answers)
    found = _listed(answers.task, result.classes, parts)
    if not others:
        return found
    said = (
        f"{count(others, 'other image was', 'other images were')} learned from at all times, or kept for promises: "
        "nothing judges their labels."
    )
    return replace(found, sentences=(*found.sentences, said))


def _listed(task: str, classes: tuple[str, ...], parts: list[HeldOut]) -> Listing:
    """A list in order of how likely a label is wrong."""
    looks: list[SecondLook] = []
    sentences, facts = [], []
    for part in parts:
        known = np.broadcast_to(part.learned >= FEWEST_TRAINING, part.chances.shape)
        found = doubts_of_answers(
            part.chances, part.truth, classes, known, part.units, source=", ".join(part.by)
        )
        looks += _looks(part, found)
        sentences.append(_sentence(part, found))
        facts.append(
            {
                "part": part.kind,
                "images": len(part.paths),
                "by": part.by,
                "wrong": round(found.wrong, 1),
                "likely": found.likely,
                "p": found.p,
                "worrying": found.worrying,
            }
        )
    looks.sort(key=lambda look: look.rank, reverse=True)
    return Listing(tuple(looks), tuple(sentences), {"task": task, "parts": facts})


def _looks(part: HeldOut, found: Doubts) -> list[SecondLook]:
    n = max(1, len(found.shown) - 1)
    return [
        SecondLook(part.paths[d.row], part.kind, d.given, d.looks, d.wrong, 1 - k / n)
        for k, d in enumerate(found.shown)
    ]


def _sentence(part: HeldOut, found: Doubts) -> str:
    what = "held-out" if part.kind == "out-of-fold" else "test"
    by = f"by the mean of {len(part.by)} candidates" if len(part.by) > 1 else f"by {part.by[0]}"
    head = f"{len(part.paths):,} {what} images, {found.accuracy:.1%} right {by}:"
    if found.worrying:
        return f"{head} about {found.wrong:.0f} labels are wrong; {found.likely} are more likely wrong than right."
    return f"{head} nothing proves that any label is wrong; these are the least plausible ones."


def _stages(folder: RunFolder, result: Result, answers: Answers) -> Listing:
    """Stages as classes, with the probabilities that were answered; numbers by their intervals."""
    truth, scores = answers.truth, answers.scores
    if scores.shape[1] == 3:
        return _unusual(answers, of_numbers(answers.paths, truth, scores, answers.kind), _NUMBERS)
    chances = scores[:, 3:]
    subjects = np.unique(truth[:, 1], return_inverse=True)[1]
    stages = truth[:, 0].astype(np.int64)
    everything = np.full(chances.shape, FEWEST_TRAINING, np.int64)
    by = (result.winner or "",)
    return _listed(
        answers.task,
        result.classes,
        [HeldOut(answers.paths, stages, chances, answers.kind, everything, subjects, by)],
    )


def _boxes(folder: RunFolder, result: Result, answers: Answers) -> Listing:
    looks = of_boxes(answers.paths, result.classes, answers.truth, answers.scores, answers.kind)
    return _unusual(answers, looks, _BOXES)


def _masks(folder: RunFolder, result: Result, answers: Answers) -> Listing:
    looks = of_masks(answers.paths, result.classes, answers.truth, answers.scores, answers.kind)
    return _unusual(answers, looks, _MASKS)


def _unusual(answers: Answers, looks: list[SecondLook], what: str) -> Listing:
    """A list in order of how unusual a disagreement is."""
    part = "held-out" if answers.kind == "out-of-fold" else "test"
    sentences = [
        f"{len(answers):,} {part} images: {what} How likely a label is wrong cannot be said; against it stands the share of "
        "comparable ones that agree better."
    ]
    if answers.kind == "test":
        sentences.append(
            "Images that were not in the test split are not covered: their labels are not kept beside answers."
        )
    facts = {"part": answers.kind, "images": len(answers)}
    return Listing(tuple(looks), tuple(sentences), {"task": answers.task, "parts": [facts]})


_NUMBERS = "numbers that lie farthest from what was answered, in widths of their intervals, come first."
_BOXES = "objects answered surely where none is labelled, and labels that nothing answers, come first."
_MASKS = "pictures whose labels and answers agree least come first."

SPEAKS_FOR: dict[str, Callable[[RunFolder, Result, Answers], Listing]] = {
    "classify": _classes,
    "detect": _boxes,
    "segment": _masks,
    "regress": _stages,
}
