"""What a Learner takes and what it is worth, by a first look: its speed on a few images, its answers on the first fold.

A network that is trained there and goes on to all folds is not trained there again: its file is the fold's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from objectif.learn.models.base import Learner
from objectif.learn.race.candidate import Candidate
from objectif.learn.race.executor import LESSON, Event, Job
from objectif.learn.race.folds import Speed, fold_file, observe, train_job
from objectif.learn.race.pairings import usual_loss

if TYPE_CHECKING:
    from objectif.learn.race.race import Race


def on_first_fold(
    race: Race, candidate: Candidate, speed: Speed, seconds: float, found: dict[Candidate, float]
) -> None:
    """Queue the training of the first fold alone; its value, more is better, goes to `found`."""
    target = fold_file(race, candidate, 0)

    def value() -> None:
        truth = race.ground.context.truth()[race.ground.plan.held(0)]
        met = race.board.metric.value(truth, np.load(target.with_suffix(".npy")))
        found[candidate] = race.board.metric.sign * met
        race.board.journal.append("rung", trial=candidate.id, status="done", metric=met)

    def handle(event: Event) -> None:
        if event.kind == "done":
            observe(race, candidate, 0, float(event.payload["seconds"]))
            value()
        elif event.kind == "failed":
            race.board.fail(candidate, None, event.payload)

    if target.with_suffix(".npy").exists():
        value()
    else:
        race.push(train_job(race, candidate, speed, 0, seconds, target, 1), handle)


def drop(race: Race, candidate: Candidate, value: float, why: str) -> None:
    """A candidate that was trained on the first fold alone, with its value there."""
    if candidate in race.board.scores:  # the same training stands on the board already
        return
    passes = f"{candidate.epochs} pass{'es' if candidate.epochs > 1 else ''}"
    said = f"{race.board.metric.name} {abs(value):.3f} on fold 1 after {passes}; {why}"
    race.board.drop(candidate, 0, said)


def speeds_of(race: Race, sized: list[tuple[Learner, int]], until: float) -> dict[tuple[Learner, int], Speed]:
    """What one training image takes at each size, and what the exported file costs; those over a limit are left out.

    Measured once for a Learner, at its smallest size; convolutions take time as the pixels.
    """
    paces = race.paces
    for learner in {one.name: one for one, _ in sized if one.name not in paces}.values():
        _time(race, learner)
    for learner, side in sized:
        race.weigh(Candidate(learner.approach, learner.name, usual_loss(race, learner), side=side))
    race.drain(until)
    found = {}
    for learner, side in sized:
        weighed = Candidate(learner.approach, learner.name, usual_loss(race, learner), side=side)
        able = weighed not in race.board.failed and not race.board.over(weighed)
        if learner.name in paces and able:
            found[learner, side] = Speed(
                paces[learner.name] * float(np.prod(race.ground.context.size(side))), {}
            )
    return found


def _time(race: Race, learner: Learner) -> None:
    """Queue the measurement of a Learner's seconds for one pixel of a training image, on one core."""
    side = learner.sizes[0]
    candidate = Candidate(learner.approach, learner.name, usual_loss(race, learner), side=side)

    def handle(event: Event) -> None:
        if event.kind == "done":
            seconds = float(event.payload["seconds_per_image"])
            race.paces[learner.name] = seconds / float(np.prod(race.ground.context.size(side)))
            race.board.journal.append("probe", trial=f"{learner.name}@{side}", **event.payload)
        elif event.kind == "failed":
            race.notes.append(f"{learner.name} cannot be trained: {event.payload}")

    arguments = {"context": race.context_file, "candidate": candidate, "threads": 1}
    race.push(Job(f"speed of {learner.name}@{side}", "pace", arguments, seconds=90, module=LESSON), handle)
