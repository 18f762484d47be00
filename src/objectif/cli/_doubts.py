"""The list behind `objectif doubts`: answers of a run (runs/) judged by what is known of wrong labels (health/)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from objectif.errors import RunError
from objectif.health.doubts import FEWEST_TRAINING, Doubts, doubts_of_answers
from objectif.health.second_look import SecondLook
from objectif.runs.answers import Answers
from objectif.runs.folder import RunFolder
from objectif.runs.held_out import HeldOut, answers_of, held_out
from objectif.runs.result import Result


@dataclass(frozen=True)
class Listing:
    """looks: all labels that were judged, worst first. sentences: what the list is, for people. by: whose answers."""

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
    looks: list[SecondLook] = []
    sentences, facts = [], []
    for part in held_out(folder, result, answers):
        known = part.learned >= FEWEST_TRAINING
        found = doubts_of_answers(
            part.chances, part.truth, result.classes, known, part.units, source=", ".join(part.by)
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
    return Listing(tuple(looks), tuple(sentences), {"task": answers.task, "parts": facts})


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


SPEAKS_FOR: dict[str, Callable[[RunFolder, Result, Answers], Listing]] = {"classify": _classes}
