"""Training all folds of one candidate: what it takes, the jobs, and its scores when the last fold is done.

How long a network may train is worked out from its measured speed before it starts, so that all folds and the network
that is delivered get the same, and nobody is cut short.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from objectif.learn.fit.augment import Augment
from objectif.learn.models import find
from objectif.learn.models.base import Learner
from objectif.learn.race.candidate import AGAIN, PLAIN, Candidate
from objectif.learn.race.executor import LESSON, TRAINING, Event, Job

if TYPE_CHECKING:
    from objectif.learn.race.race import Race

LEAST, LEAST_OF_ONE = 0.6, 0.1
"""Share of the planned passes of the longest training, and of the delivered network, that is still worth having; where
there is one fold, no other has to be as long."""
OVERHEAD = 6.0  # seconds a fold for building, exporting and answering


@dataclass(frozen=True)
class Speed:
    """Measured seconds for one training image on one core, and the setting that gave them."""

    seconds: float
    setting: dict[str, Any]


def gain(threads: int) -> float:
    """How much quicker several threads train one network."""
    return 1 + 0.5 * (threads - 1)


def fold_threads(race: Race) -> int:
    """Cores for each fold's training: folds stand side by side where there are as many as cores."""
    return max(1, race.executor.cores // race.ground.plan.folds)


def goes_on(candidate: Candidate) -> bool:
    """Whether the delivered network starts from a fold's weights instead of the beginning."""
    return isinstance(find(candidate.model), Learner)


def fold_seconds(race: Race, seconds: float, *, many: bool = False) -> float:
    """Time of one pass over the training images of all folds, at `seconds` an image on one core.

    many: among other candidates, so that every core is at work on a fold of its own.
    """
    plan, threads = race.ground.plan, fold_threads(race)
    rows = [len(plan.train(k)) for k in range(plan.folds)]
    if many:
        return sum(rows) * seconds / race.executor.cores
    return waves(race) * max(rows) * seconds / gain(threads)


def waves(race: Race) -> int:
    """How often folds start side by side until all have had their turn."""
    return int(np.ceil(race.ground.plan.folds * fold_threads(race) / race.executor.cores))


def again_seconds(race: Race, seconds: float) -> float:
    """Time of one pass over all development images with every core."""
    return len(race.ground.plan.development()) * seconds / gain(race.executor.cores)


def fewest(race: Race, learner: Learner) -> int:
    """The fewest passes that pay: where images are few, more of them make up the steps."""
    rows = len(race.ground.plan.train(0)) * race.ground.context.parts(learner.sizes[0])
    return max(learner.epochs[0], -(-learner.steps * learner.batch // max(1, rows)))


def rounds(race: Race) -> int:
    """How often something starts: folds one after the other, and the network that is delivered."""
    return waves(race) + 1


def affordable(race: Race, seconds: float, time: float, *, again: float = 1.0) -> int:
    """Passes over the images for which all folds fit into `time`, and a refit of `again` times as many."""
    one = fold_seconds(race, seconds) + again * again_seconds(race, seconds)
    return int(max(0.0, time - rounds(race) * OVERHEAD) / max(1e-9, one))


def refit_seconds(race: Race, candidate: Candidate) -> float:
    """Time to train the delivered network on all images with every core."""
    speed = race.speeds.get(candidate)
    if speed is None:
        return 0.0
    share = AGAIN if goes_on(candidate) else 1.0
    return OVERHEAD + 1.15 * share * candidate.epochs * again_seconds(race, speed.seconds)


def fold_file(race: Race, candidate: Candidate, fold: int) -> Path:
    """Where a fold's network and answers are kept, without a suffix."""
    return race.work / f"fold-{file_name(candidate.id)}-{fold}"


def file_name(name: str) -> str:
    """A name as part of a file's: no folders, no drives, and no dot, behind which a suffix would begin."""
    return re.sub(r"[/:.\\]", "_", name)


def train_job(
    race: Race,
    candidate: Candidate,
    speed: Speed,
    fold: int | None,
    seconds: float,
    target: Path,
    threads: int,
    least: float = 1.0,
) -> Job:
    """The job that trains one fold (None: the network to be delivered); least: see fit.train."""
    arguments: dict[str, Any] = {
        "context": race.context_file,
        "candidate": candidate,
        "fold": fold,
        "seed": race.problem.seed,
        "threads": threads,
        "seconds": max(5.0, seconds),
        "target": target,
    }
    name = f"train {candidate.id} " + ("on all images" if fold is None else f"fold {fold + 1}")
    if isinstance(find(candidate.model), Learner):
        start = None if fold is not None else fold_file(race, candidate, 0).with_suffix(".pt")
        arguments |= {
            "symmetries": race.symmetries,
            "start": start,
            "least": least if fold is not None else LEAST_OF_ONE,  # it only goes on from a fold's network
        }
        return Job(name, "learn", arguments, threads=threads, seconds=max(5.0, seconds) + 30, module=LESSON)
    arguments |= {
        "augment": augment(race.symmetries),
        "speed": speed.setting,
        "features": start_features(race, candidate),
    }
    return Job(name, "train", arguments, threads=threads, seconds=max(5.0, seconds) + 30, module=TRAINING)


def augment(symmetries: Sequence[str]) -> Augment:
    """The views that keep the class, as training sees them."""
    return Augment(mirror="mirror" in symmetries, flip="flip" in symmetries, turn="turn" in symmetries)


def start_features(race: Race, candidate: Candidate) -> Path | None:
    """Features of the untouched extractor, where they were computed at any size: where the head starts from."""
    model = find(candidate.model)
    if isinstance(model, Learner) or not model.pretrained:
        return None
    keys = [k for k in race.files if k[0] == model.features and k[2] == PLAIN and k[3] == "plain"]
    return race.files[keys[0]] if keys else None


def submit(
    race: Race, candidate: Candidate, speed: Speed, seconds: float, threads: int = 1, least: float = 1.0
) -> None:
    """Queue all folds of one candidate; its scores reach the board when the last fold is done."""
    plan, board = race.ground.plan, race.board
    board.order[candidate] = None
    race.speeds[candidate] = speed
    if board.recall(candidate, race.problem.seed):
        return
    done: dict[int, Path] = {}

    def finish(fold: int, path: Path) -> None:
        done[fold] = path
        if len(done) == plan.folds:
            board.add(candidate, race.problem.seed, together(race, done), 0.0)

    def handler(fold: int, path: Path) -> Callable[[Event], None]:
        def handle(event: Event) -> None:
            if event.kind == "done":
                board.journal.append(
                    "fold", trial=f"{candidate.id}/fold{fold}", status="done", **event.payload
                )
                observe(race, candidate, fold, float(event.payload["seconds"]) * gain(threads))
                finish(fold, path)
            elif event.kind == "failed" and candidate not in board.failed:
                board.fail(candidate, race.problem.seed, event.payload)

        return handle

    for fold in range(plan.folds):
        target = fold_file(race, candidate, fold)
        path = target.with_suffix(".npy")
        if path.exists():
            finish(fold, path)
        else:
            job = train_job(race, candidate, speed, fold, seconds, target, threads, least)
            race.push(job, handler(fold, path))


def observe(race: Race, candidate: Candidate, fold: int, seconds: float) -> None:
    """Learn from a finished fold what training really takes on one core: beside other work, with all its views."""
    images = candidate.epochs * len(race.ground.plan.train(fold))
    one = max(0.0, seconds - OVERHEAD / 2) / max(1, images)
    if images and candidate.model in race.paces:
        race.paces[candidate.model] = one / float(np.prod(race.ground.context.size(candidate.side)))


def together(race: Race, done: dict[int, Path]) -> np.ndarray[Any, Any]:
    """(n_scored, ...) the folds' answers in the order of the scored images."""
    plan = race.ground.plan
    parts = {fold: np.load(path) for fold, path in done.items()}
    first = next(iter(parts.values()))
    kind = np.result_type(*(part.dtype for part in parts.values()))
    everything = np.zeros((len(race.ground.dataset), *first.shape[1:]), kind)
    for fold, scores in parts.items():
        everything[plan.held(fold)] = scores
    return everything[plan.scored()]


def train_all(race: Race, candidate: Candidate, speed: Speed, least: float | None = None) -> None:
    """All folds of one candidate, now; the time to refit it is kept. least: see fit.train, None: by the folds."""
    if least is None:
        least = LEAST if race.ground.plan.folds > 1 else LEAST_OF_ONE
    race.speeds[candidate] = speed
    left = race.left() - refit_seconds(race, candidate)
    each = left / waves(race) - OVERHEAD / 2
    submit(race, candidate, speed, each, fold_threads(race), least)
    race.drain(race.now() + left)
    if candidate not in race.board.scores and candidate not in race.board.failed:
        trained = sum(
            fold_file(race, candidate, k).with_suffix(".npy").exists() for k in range(race.ground.plan.folds)
        )
        reason = f"out of time: {trained} of {race.ground.plan.folds} folds were trained"
        race.board.fail(candidate, race.problem.seed, reason)
