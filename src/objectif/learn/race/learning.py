"""The stage of networks that are trained as a whole: short trainings compare them and their losses, the best gets the rest.

1. Every Learner under its usual losses at its smallest size, for the fewest passes that pay, on the first fold; the quick
   ones first, as many as fit into their share of the time. The best goes on to all folds, and others where there is time.
2. Which mirrored and turned views keep the truth, by what the best of them loses on held-out images seen so.
3. Losses on the best of them: every loss of each kind beside the usual others, of the same length, on all folds. So
   losses are compared with each other on the same images, under the same network.
4. The best, what was too dear for step 1, and other sizes and the second best, under the losses that did best, for equal
   time on the first fold: as many as can have a time that tells something.
5. The best variant trains on all folds for as long as the budget allows, and what is delivered goes on from there on all
   development images.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import numpy as np

from objectif import plugins
from objectif.errors import ProblemError
from objectif.learn.models import find, find_learner
from objectif.learn.models.base import Learner, Model
from objectif.learn.race.candidate import AGAIN, NO_LOSS, Candidate
from objectif.learn.race.executor import LESSON, Event, Job
from objectif.learn.race.folds import (
    OVERHEAD,
    Speed,
    affordable,
    fewest,
    fold_file,
    fold_seconds,
    observe,
    submit,
    train_all,
    train_job,
)

if TYPE_CHECKING:
    from objectif.learn.race.race import Race

VIEWS = ("mirror", "flip", "turn")
FIRST_SHARE, LOSS_SHARE, RUNG_SHARE = 0.3, 0.25, 0.2  # of the time that is left when a step begins
LONGEST_SHARE = 0.95
"""Of the time that is left: what the longest training is planned for, as it ends in time even where the plan was wrong."""
CHEAP_SHARE = 0.05
"""Of the time that is left: a classical network that takes less is compared on all folds whatever it is worth."""
FEWEST_LOSSES = 3
"""Other losses that must fit: a table of two says too little for what it takes."""
TOLERATED = 0.04
"""What a view may cost of the metric before it counts as another truth: a network is never quite symmetric."""
COMPETENT = 0.3
"""Metric from which a network may judge views: a weak one loses nothing because it knows nothing."""
LARGER = 1.5
"""Pictures are not blown up to more than this many times their own size."""


def learn(race: Race) -> None:
    """The whole stage; a resume goes on with the plan that was made."""
    if race.tuned is not None and isinstance(find(race.tuned.model), Learner):
        train_all(race, race.tuned, race.speeds[race.tuned])
        return
    learners = _able(race)
    if not learners:
        if not race.named(Model):
            raise ProblemError(f"nobody can take part in this race. {' '.join(race.notes)}")
        return
    race.show.stage("short trainings of whole networks")
    _first(race, learners)
    leaders = _leaders(race)
    if leaders:
        _symmetries(race, leaders[0])
        race.show.stage("every loss on the best network")
        _losses(race)
    race.show.stage("the best network for the rest of the time")
    _longest(race, learners)
    if not race.board.scores:
        _something(race, learners)


def _able(race: Race) -> list[Learner]:
    """Learners of this task that are asked for and can be built here; a note says which cannot."""
    found = []
    for name in race.named(Learner):
        one = find_learner(name)
        lacking = one.available()
        if lacking is None:
            found.append(one)
        else:
            race.notes.append(f"{name} takes no part: {lacking}")
    return found


# --- losses -----------------------------------------------------------------


def usual_loss(race: Race, learner: Learner) -> str:
    """The losses that a Learner starts from, or those of the statement where it names some."""
    if not learner.losses:
        return NO_LOSS
    wanted = race.problem.losses
    if wanted == "auto":
        return "+".join(learner.usual)
    whole = [name for name in wanted if name.count("+") + 1 == len(learner.losses)]
    return whole[0] if whole else "+".join(combine(learner, [w for w in wanted if "+" not in w])[0])


def combinations(race: Race, learner: Learner) -> list[str]:
    """Losses to compare: each loss of each kind beside the usual ones of the other kinds; or those of the statement."""
    if not learner.losses:
        return [NO_LOSS]
    wanted = race.problem.losses
    if wanted != "auto":
        whole = [name for name in wanted if "+" in name or len(learner.losses) == 1]
        parts = [name for name in wanted if name not in whole]
        return list(dict.fromkeys([*whole, *("+".join(c) for c in combine(learner, parts) if parts)]))
    return list(dict.fromkeys("+".join(c) for c in combine(learner, list(plugins.names("losses")))))


def combine(learner: Learner, names: list[str]) -> list[tuple[str, ...]]:
    """The usual losses, then with one of them exchanged for each of `names` of the same kind."""
    found = [learner.usual]
    for place, kind in enumerate(learner.losses):
        for name in names:
            if plugins.load("losses", name).kind == kind and name not in learner.usual:
                found.append((*learner.usual[:place], name, *learner.usual[place + 1 :]))
    return found


# --- short trainings --------------------------------------------------------


def _first(race: Race, learners: list[Learner]) -> None:
    """Each Learner for the fewest passes that pay: all on the first fold, then the best on the others too.

    The quick ones first; a note says who did not fit. Classical ones take next to no time, and show what learning adds:
    they are compared on all folds wherever that is cheap.
    """
    until = race.now() + FIRST_SHARE * race.left()
    speeds = _speeds(race, [(one, one.sizes[0]) for one in learners], until)
    variants: dict[Candidate, Speed] = {}
    used, patience = 0.0, race.executor.cores * (until - race.now())
    rows = len(race.ground.plan.train(0))
    for (learner, side), speed in sorted(speeds.items(), key=lambda e: e[1].seconds * fewest(race, e[0][0])):
        passes = fewest(race, learner)
        takes = passes * rows * speed.seconds + OVERHEAD / 2
        if used + takes > patience:
            race.notes.append(
                f"{learner.name} was left out: {passes} passes over the images of a fold, the fewest that pay, take "
                f"{takes:.0f} s. A longer --budget includes it."
            )
            continue
        used += takes
        loss = usual_loss(race, learner)
        variants[Candidate(learner.approach, learner.name, loss, side=side, epochs=passes)] = speed
    found: dict[Candidate, float] = {}
    for candidate, speed in variants.items():
        _on_first_fold(race, candidate, speed, 2 * patience, found)
    race.drain(max(until, race.now() + 1.5 * used / race.executor.cores))
    until = race.now() + FIRST_SHARE * race.left()
    for candidate in sorted(found, key=lambda c: -found[c]):
        takes = candidate.epochs * fold_seconds(race, variants[candidate].seconds, many=True)
        takes *= 1 - 1 / race.ground.plan.folds
        cheap = candidate.approach == "classical" and takes < CHEAP_SHARE * race.left()
        if found[candidate] == max(found.values()) or cheap or takes < until - race.now():
            until -= takes
            submit(race, candidate, variants[candidate], 3 * takes + 60)
        else:
            _drop(race, candidate, found[candidate], "no time for all folds, and another did better")
    race.drain(race.now() + 0.6 * race.left())


def _on_first_fold(
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


def _drop(race: Race, candidate: Candidate, value: float, why: str) -> None:
    if candidate in race.board.scores:  # the same training stands on the board already
        return
    said = f"{race.board.metric.name} {abs(value):.3f} on fold 1 after {candidate.epochs} passes; {why}"
    race.board.drop(candidate, 0, said)


def _leaders(race: Race) -> list[Candidate]:
    """What was trained as a whole so far, the best first."""
    return [c for c in race.board.ranked() if isinstance(find(c.model), Learner)]


def _losses(race: Race) -> None:
    """The other losses on the best network that composes any, all of the same length, as many as fit."""
    able = [c for c in _leaders(race) if find_learner(c.model).losses]
    if not able:
        return
    leader = next((c for c in able if c.approach != "classical"), able[0])  # what will be trained for longest
    until = race.now() + LOSS_SHARE * race.left()
    others = [loss for loss in combinations(race, find_learner(leader.model)) if loss != leader.loss]
    speed = race.speeds[leader]
    each = leader.epochs * fold_seconds(race, speed.seconds, many=True) + OVERHEAD / 2
    fit = max(0, int((until - race.now()) / each))
    if fit < min(FEWEST_LOSSES, len(others)):
        race.notes.append(
            f"Losses were not compared: {each:.0f} s for each of {len(others)} others is more than the budget bears. A longer "
            "--budget includes them."
        )
        return
    if fit < len(others):
        race.notes.append(
            f"{len(others) - fit} of {len(others) + 1} losses were not compared: the budget is too short for them."
        )
    for loss in others[:fit]:
        candidate = Candidate(leader.approach, leader.model, loss, side=leader.side, epochs=leader.epochs)
        submit(race, candidate, speed, 2 * (until - race.now()) + 30)
    race.drain(until + each)


def _something(race: Race, learners: list[Learner]) -> None:
    """Where nobody's training fits into the budget, the quickest one is trained for as long as there is."""
    speeds = _speeds(race, [(one, one.sizes[0]) for one in learners], race.now() + 0.3 * race.left())
    if not speeds:
        return
    learner, side = min(speeds, key=lambda key: speeds[key].seconds)
    speed = speeds[learner, side]
    epochs = max(1, affordable(race, speed.seconds, 0.7 * race.left(), again=AGAIN))
    race.notes.append(
        f"{epochs} passes over the images fit into the budget; at least {fewest(race, learner)} pay."
    )
    candidate = Candidate(learner.approach, learner.name, usual_loss(race, learner), side=side, epochs=epochs)
    train_all(race, candidate, speed, least=0.0)  # whatever comes of it: a race ends with a Solution


def _symmetries(race: Race, leader: Candidate) -> None:
    """Decide, by evidence, unless stated, which views keep the truth; once for a race."""
    if race.symmetries or any(e["event"] == "views" for e in race.board.journal.events):
        return
    square = len(set(race.ground.context.size(leader.side))) == 1
    wanted = tuple(v for v in VIEWS if v != "mirror" or race.problem.mirror is not False)
    asked = wanted if square else tuple(v for v in wanted if v != "turn")
    arguments = {
        "context": race.context_file,
        "candidate": leader,
        "fold": 0,
        "network": fold_file(race, leader, 0),
        "views": asked,
        "threads": race.executor.cores,
    }

    def handle(event: Event) -> None:
        if event.kind != "done":
            return
        lost: dict[str, float] = event.payload["lost"]
        if event.payload["value"] < COMPETENT:
            race.notes.append(
                "No network was good enough so soon to judge whether mirrored views keep the truth."
            )
            return
        kept = [v for v in asked if lost[v] <= TOLERATED or (v == "mirror" and race.problem.mirror is True)]
        if not square and kept == ["mirror", "flip"]:  # neither left and right nor up and down mean anything
            kept.append("turn")
        race.symmetries = tuple(kept)
        said = ", ".join(f"{v} costs {lost[v]:+.3f} {event.payload['metric']}" for v in asked)
        race.notes.append(
            f"Views judged on held-out images by {leader.id} ({said}); kept as the same truth: "
            f"{', '.join(kept) or 'none'}."
        )
        race.board.journal.append("views", status="done", symmetries=kept, cost=lost)

    race.push(Job("views of " + leader.id, "judge", arguments, race.executor.cores, module=LESSON), handle)
    race.drain(race.now() + 0.1 * race.left())


# --- the longest training ---------------------------------------------------


def _longest(race: Race, learners: list[Learner]) -> None:
    """The best variant on all folds, for the rest of the time."""
    able_to = [one for one in learners if one.approach != "classical"]
    led = [
        one for name in dict.fromkeys(c.model for c in _leaders(race)) for one in able_to if one.name == name
    ]
    seen = {c.model for c in race.board.dropped}
    untried = [one for one in able_to if one not in led and one.name not in seen] if led else []
    sized = [(one, side) for one in (led[:2] or able_to) for side in _sides(race, one)]
    sized[1:1] = [
        (one, one.sizes[0]) for one in untried
    ]  # too dear for a first look, perhaps not for a long one
    speeds = _speeds(race, sized, race.now() + 0.1 * race.left())
    able = {
        key: speed
        for key, speed in speeds.items()
        if affordable(race, speed.seconds, LONGEST_SHARE * race.left(), again=AGAIN) >= fewest(race, key[0])
    }
    if not able:
        if sized:
            race.notes.append("No time was left for a longer training. A longer --budget includes one.")
        return
    variant = _rung(race, able)
    key = next(k for k in able if k[0].name == variant.model and k[1] == variant.side)
    passes = affordable(race, able[key].seconds, LONGEST_SHARE * race.left(), again=AGAIN)
    epochs = max(1, min(max(key[0].epochs[1], fewest(race, key[0])), passes))
    candidate = Candidate(variant.approach, variant.model, variant.loss, side=variant.side, epochs=epochs)
    race.board.journal.append(
        "tune", trial=candidate.id, status="planned", candidate=asdict(candidate), speed=asdict(able[key])
    )
    race.tuned = candidate
    train_all(race, candidate, able[key])


def _sides(race: Race, learner: Learner) -> list[int]:
    """Sizes at which a Learner may be raced on these pictures."""
    most = LARGER * max(race.ground.context.shape)
    return [side for side in learner.sizes if side <= most] or [learner.sizes[0]]


def _rung(race: Race, able: dict[tuple[Learner, int], Speed]) -> Candidate:
    """The variant that does best on the first fold after the same time; the only one, unmeasured."""
    variants = {
        Candidate(one.approach, one.name, _best_loss(race, one), side=side): speed
        for (one, side), speed in able.items()
    }
    first = len(race.ground.plan.train(0))
    whole = RUNG_SHARE * race.left() * race.executor.cores
    needs = [
        fewest(race, find_learner(v.model)) / 2 * first * speed.seconds + OVERHEAD
        for v, speed in variants.items()
    ]
    count = max(k for k in range(len(needs) + 1) if k * max(needs[:k], default=0.0) <= whole)
    found: dict[Candidate, float] = {}
    if count > 1:  # as many as can have half of the passes that pay: fewer tell nothing of a long training
        for variant, speed in list(variants.items())[:count]:
            epochs = max(2, int((whole / count - OVERHEAD) / (first * speed.seconds)))
            _on_first_fold(race, replace(variant, epochs=epochs), speed, 3 * whole / count + 30, found)
        race.drain(race.now() + 2 * RUNG_SHARE * race.left())
    if not found:
        return next(iter(variants))
    best = max(found, key=lambda c: found[c])
    for candidate in found:
        went = "it went on" if candidate == best else "another did better in the same time"
        _drop(race, candidate, found[candidate], went)
    return best


def _best_loss(race: Race, learner: Learner) -> str:
    """The losses that did best so far under a network that composes the same kinds; else the usual ones."""
    scored = [c.loss for c in _leaders(race) if find_learner(c.model).losses == learner.losses]
    return scored[0] if scored else usual_loss(race, learner)


# --- speed ------------------------------------------------------------------


def _speeds(race: Race, sized: list[tuple[Learner, int]], until: float) -> dict[tuple[Learner, int], Speed]:
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
