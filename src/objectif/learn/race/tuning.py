"""The stage of fine-tuning: how long a network may train is worked out from its measured speed before it starts.

Successive halving: variants (loss, size of the image) train a short while on the first fold; the best goes on to all
folds with a training length fixed beforehand, which the delivered network repeats on all images.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from objectif.learn.models import find_model
from objectif.learn.models.base import Model
from objectif.learn.race.candidate import Candidate
from objectif.learn.race.executor import TRAINING, Event, Job
from objectif.learn.race.folds import Speed, affordable, file_name, train_all, train_job

if TYPE_CHECKING:
    from objectif.learn.race.race import Race

FEWEST, MOST = 6, 40  # epochs: fewer do not pay, more gain little
PRETRAINED = "lite0_tuned"
HOPELESS = 0.1  # behind the leader after a third of the training: the rest will not make that good


def fine_tune(race: Race) -> None:
    """Probe, plan, halve, train. Says why where it does not. A resume goes on with the plan that was made."""
    if race.tuned is not None:
        train_all(race, race.tuned, race.speeds[race.tuned])
        return
    models = _models(race)
    speeds = {(m, s): _probe(race, m, s) for m in models for s in _sides(race)}
    able = {key: speed for key, speed in speeds.items() if speed is not None}
    if not able:
        return
    epochs = {key: affordable(race, speed.seconds, race.left() * 0.95) for key, speed in able.items()}
    able = {key: speed for key, speed in able.items() if epochs[key] >= FEWEST}
    if not able:
        race.notes.append(
            f"Fine-tuning was left out: in {max(0, race.left()):.0f} s it would reach "
            f"{max(epochs.values())} passes over the images, at least {FEWEST} pay. A longer --budget includes it."
        )
        return
    chosen = _halve(race, able)
    if chosen is None:
        return
    model, side, loss = chosen
    most = affordable(race, able[model, side].seconds, race.left() * 0.92)
    if most < FEWEST:
        race.notes.append("Fine-tuning ended at its first rung: too little time was left for all folds.")
        return
    candidate = Candidate("finetune", model, loss, side=side, epochs=min(MOST, most))
    speed = able[model, side]
    race.board.journal.append(
        "tune", trial=candidate.id, status="planned", candidate=asdict(candidate), speed=asdict(speed)
    )
    train_all(race, candidate, speed)


def worth_tuning(race: Race) -> bool:
    """A rough guess, before any time is spent on it, whether half of the time left could fine-tune a network.

    A training image at 128 px on one core takes about 7 times as long as an answer at 224 px on two.
    """
    if not _models(race):
        return False
    known = [
        c.latency_ms for (m, side), c in race.board.costs.items() if m.startswith("lite0") and side == 224
    ]
    seconds = 7e-3 * min([k for k in known if k is not None] or [6.0])
    seconds *= (_sides(race)[0] / 128) ** 2
    return affordable(race, seconds, 0.55 * race.left()) >= FEWEST


def _models(race: Race) -> list[str]:
    """Networks to train: the pretrained one; new ones only where asked for, or where images are many."""
    able = [m for m in race.named(Model) if find_model(m).approach == "finetune"]
    few = race.problem.models == "auto" and len(race.ground.dataset) < 3000
    return [m for m in able if m == PRETRAINED] if few else able


def _sides(race: Race) -> list[int]:
    """Sizes of the image that could pay: near the pictures' own size, small ones first."""
    own = race.ground.side
    if own < 80:
        return [96]
    return [128] if own < 140 or race.problem.budget < 900 else [128, 160]


def _probe(race: Race, model: str, side: int) -> Speed | None:
    found: list[Speed] = []
    candidate = Candidate("finetune", model, race.default_loss, side=side)

    def handle(event: Event) -> None:
        if event.kind == "done":
            found.append(Speed(event.payload["seconds_per_image"], event.payload))
            race.board.journal.append("probe", trial=f"{model}@{side}", **event.payload)
        elif event.kind == "failed":
            race.board.fail(candidate, None, event.payload)

    arguments = {
        "context": race.context_file,
        "model": model,
        "side": side,
        "loss": race.default_loss,
        "threads": 1,
    }
    race.push(Job(f"speed of {model}@{side}", "probe", arguments, seconds=60, module=TRAINING), handle)
    race.weigh(candidate)
    race.drain(race.now() + race.left() * 0.3)
    return None if not found or race.board.over(candidate) else found[0]


def _halve(race: Race, able: dict[tuple[str, int], Speed]) -> tuple[str, int, str] | None:
    """Variants on the first fold for a third of the length; the best of them, None where all are far behind."""
    losses = _losses(race)
    variants = [(m, s, loss) for (m, s) in able for loss in losses]
    plan, left = race.ground.plan, race.left()
    first = len(plan.train(0))
    cheapest = min(speed.seconds for speed in able.values())
    epochs = int(0.22 * left * race.executor.cores / (len(variants) * first * cheapest))
    if len(variants) == 1 or epochs < 3:
        fastest = min(able, key=lambda key: able[key].seconds)
        return (*fastest, losses[0])
    epochs = min(epochs, 12)
    found: dict[Candidate, float] = {}
    for model, side, loss in variants:
        candidate = Candidate("finetune", model, loss, side=side, epochs=epochs)
        _submit(race, candidate, able[model, side], 0, race.now() + 0.4 * left, found)
    race.drain(race.now() + 0.45 * left)
    if not found:
        fastest = min(able, key=lambda key: able[key].seconds)
        return (*fastest, losses[0])
    best = max(found, key=lambda c: found[c])
    goes_on = found[best] > _leader_on_first_fold(race) - HOPELESS
    for candidate in found:
        said = ", went on" if candidate == best and goes_on else ""
        race.board.drop(candidate, 0, f"trained {epochs} epochs on fold 1 only{said}")
    if not goes_on:
        race.notes.append(
            f"Fine-tuning ended at its first rung: after {epochs} epochs it was more than {HOPELESS} behind the leader "
            "on the first fold."
        )
        return None
    return best.model, best.side, best.loss


def _leader_on_first_fold(race: Race) -> float:
    """The metric of the leading candidate on the images of the first fold, more being better."""
    ranked = race.board.ranked(within_limits=False)
    if not ranked:
        return float("-inf")
    leader = ranked[0]
    scores = race.board.one(leader)
    own = race.ground.plan.fold[race.ground.plan.scored()] == 0
    metric = race.board.metric
    return metric.sign * metric.value(race.board.truth[own], scores[own])


def _losses(race: Race) -> list[str]:
    """The usual loss and the one that did best on fixed features."""
    ranked = [c.loss for c in race.board.ranked()]
    return list(dict.fromkeys([race.default_loss, *ranked[:1]]))


def _submit(
    race: Race, candidate: Candidate, speed: Speed, fold: int, until: float, found: dict[Candidate, float]
) -> None:
    target = race.work / f"rung-{file_name(candidate.id)}-{fold}"

    def handle(event: Event) -> None:
        if event.kind == "done":
            scores = np.load(target.with_suffix(".npy"))
            truth = race.ground.context.truth()[race.ground.plan.held(fold)]
            metric = race.board.metric
            found[candidate] = metric.sign * metric.value(truth, scores)
            race.board.journal.append(
                "rung", trial=candidate.id, status="done", metric=metric.value(truth, scores)
            )
        elif event.kind == "failed":
            race.board.fail(candidate, None, event.payload)

    race.push(train_job(race, candidate, speed, fold, until - race.now(), target, 1), handle)
