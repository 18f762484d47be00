"""The stage of networks that are trained as a whole: short trainings compare them and their losses, the best gets the rest.

1. Every Learner under its usual losses at its smallest size, for the fewest passes that pay, on the first fold; the quick
   ones first, as many as fit into their share of the time. The best goes on to all folds, and others where there is time.
2. Which mirrored and turned views keep the truth, by what the best of them loses on held-out images seen so.
3. Losses on the best of them: every loss of each kind beside the usual others, of the same length, on all folds. So
   losses are compared with each other on the same images, under the same network.
4. The best, what was too dear for step 1, and other sizes and the second best, under the losses that did best, for equal
   time on the first fold: as many as can have a time that tells something.
5. The best variant trains on all folds for as long as the budget allows, and what is delivered goes on from there on all
   development images. Where its most useful length leaves time, losses that were too dear in step 3 have their turn.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from objectif.errors import ProblemError
from objectif.learn.models import find, find_learner
from objectif.learn.models.base import Learner, Model
from objectif.learn.race.candidate import AGAIN, Candidate
from objectif.learn.race.executor import LESSON, Event, Job
from objectif.learn.race.first_fold import drop, on_first_fold, speeds_of
from objectif.learn.race.folds import (
    OVERHEAD,
    Speed,
    affordable,
    fewest,
    fold_file,
    fold_seconds,
    refit_seconds,
    submit,
    train_all,
)
from objectif.learn.race.pairings import combinations, usual_loss
from objectif.learn.race.prepared import prepared

if TYPE_CHECKING:
    from objectif.learn.race.race import Race

VIEWS = ("mirror", "flip", "turn")
FIRST_SHARE, LOSS_SHARE, RUNG_SHARE, LATE_SHARE = 0.3, 0.25, 0.2, 0.8  # of the time left when a step begins
LONGEST_SHARE = 0.95
"""Of the time that is left: what the longest training is planned for, as it ends in time even where the plan was wrong."""
ALONE_SHARE = 0.6
"""In place of FIRST_SHARE where nobody is trained by steps: no longest training is to be saved for."""
CHEAP_SHARE, SOLVED_SHARE = 0.05, 0.15
"""Of the time that is left: a classical, or a solved, network that takes less is compared on all folds whatever it is worth."""
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
    if race.ground.context.task.fit == "keep":
        _settled_symmetries(race)
    race.show.stage("short trainings of whole networks")
    _first(race, learners)
    leaders = _leaders(race)
    leader = next((c for c in leaders if c.approach != "classical"), leaders[0] if leaders else None)
    if leader is not None:
        if race.ground.context.task.fit != "keep" and not all(one.solved for one in learners):
            _symmetries(race, leaders[0])  # what is solved, or keeps its pixels, sees pictures as they are
        if find_learner(leader.model).preparations:
            prepared(race, leader)
        race.show.stage("every loss on the best network")
        _losses(race, leader, LOSS_SHARE)
    race.show.stage("the best network for the rest of the time")
    _longest(race, learners)
    if not race.board.scores:
        _something(race, learners)
    if leader is not None:  # a longest training that was long enough leaves time for what was too dear before
        _losses(race, leader, LATE_SHARE)
        _untold_losses(race, leader)


def _able(race: Race) -> list[Learner]:
    """Learners of this task that are asked for and can be built here; a note says which cannot."""
    found = []
    for name in race.named(Learner):
        one = find_learner(name)
        dataset = race.ground.dataset
        if not one.fits(len(dataset.classes), dataset.columns):
            if race.problem.models != "auto":
                race.notes.append(
                    f"{name} takes no part: it answers another kind of question than these data ask."
                )
            continue
        lacking = one.available()
        if lacking is None:
            found.append(one)
        else:
            race.notes.append(f"{name} takes no part: {lacking}")
    return found


# --- short trainings --------------------------------------------------------


def _first(race: Race, learners: list[Learner]) -> None:
    """Each Learner for the fewest passes that pay: all on the first fold, then the best on the others too.

    The quick ones first; a note says who did not fit. Classical and solved ones take next to no time, and show what learning adds:
    they are compared on all folds wherever that is cheap.
    """
    first_share = ALONE_SHARE if all(one.solved for one in learners) else FIRST_SHARE
    until = race.now() + first_share * race.left()
    sized = [(one, side) for one in learners for side in (_sides(race, one) if one.solved else one.sizes[:1])]
    speeds = speeds_of(race, sized, until)
    variants: dict[Candidate, Speed] = {}
    used, patience = 0.0, race.executor.cores * (until - race.now())
    rows = len(race.ground.plan.train(0))
    for (learner, side), speed in sorted(speeds.items(), key=lambda e: e[1].seconds * fewest(race, e[0][0])):
        passes = fewest(race, learner)
        takes = passes * rows * speed.seconds + OVERHEAD / 2
        if used + takes > patience:
            what = f"{passes} passes over the images of a fold, the fewest that pay, take"
            if learner.solved or passes == 1:
                what = "to be fitted to the images of a fold, once, it takes"
            race.notes.append(
                f"{learner.name} was left out: {what} {takes:.0f} s. A longer --budget includes it.",
                about=f"{learner.name} left out",
            )
            continue
        used += takes
        loss = usual_loss(race, learner)
        variants[Candidate(learner.approach, learner.name, loss, side=side, epochs=passes)] = speed
    found: dict[Candidate, float] = {}
    for candidate, speed in variants.items():
        on_first_fold(race, candidate, speed, 2 * patience, found)
    race.drain(max(until, race.now() + 1.5 * used / race.executor.cores))
    until = race.now() + first_share * race.left()
    for candidate in sorted(found, key=lambda c: -found[c]):
        takes = candidate.epochs * fold_seconds(race, variants[candidate].seconds, many=True)
        takes *= 1 - 1 / race.ground.plan.folds
        classical, solved = candidate.approach == "classical", find_learner(candidate.model).solved
        share = SOLVED_SHARE if solved else CHEAP_SHARE if classical else 0.0
        cheap = takes < share * race.left()
        if found[candidate] == max(found.values()) or cheap or takes < until - race.now():
            until -= takes
            submit(race, candidate, variants[candidate], 3 * takes + 60)
        else:
            drop(race, candidate, found[candidate], "no time for all folds, and another did better")
    race.drain(race.now() + 0.6 * race.left())


def _leaders(race: Race) -> list[Candidate]:
    """What was trained as a whole so far, the best first."""
    return [c for c in race.board.ranked() if isinstance(find(c.model), Learner)]


def _losses(race: Race, leader: Candidate, share: float) -> None:
    """Other losses on the leader's network, all of the same length, as many as fit; none where too few would."""
    others = _others(race, leader)
    speed, reserve = race.speeds[leader], 0.0 if race.tuned is None else refit_seconds(race, race.tuned)
    until = race.now() + share * max(0.0, race.left() - reserve)
    each = leader.epochs * fold_seconds(race, speed.seconds, many=True) + OVERHEAD / 2
    fit = int((until - race.now()) / each)
    if not others or fit < min(FEWEST_LOSSES, len(others)):
        return
    for loss in others[:fit]:
        candidate = Candidate(leader.approach, leader.model, loss, side=leader.side, epochs=leader.epochs)
        submit(race, candidate, speed, 2 * (until - race.now()) + 30)
    race.drain(until + each)


def _others(race: Race, leader: Candidate) -> list[str]:
    """Losses that were not tried yet on the leader's network."""
    tried = {c.loss for c in race.board.order if (c.model, c.epochs) == (leader.model, leader.epochs)}
    return [loss for loss in combinations(race, find_learner(leader.model)) if loss not in tried]


def _untold_losses(race: Race, leader: Candidate) -> None:
    """A note on losses that were not compared."""
    left, all_of_them = len(_others(race, leader)), len(combinations(race, find_learner(leader.model)))
    if left:
        race.notes.append(
            f"{left} of {all_of_them} losses were not compared: the budget is too short for them. A longer --budget "
            "includes them.",
            about="losses that were not compared",
        )


def _something(race: Race, learners: list[Learner]) -> None:
    """Where nobody's training fits into the budget, the quickest one is trained for as long as there is."""
    speeds = speeds_of(race, [(one, one.sizes[0]) for one in learners], race.now() + 0.3 * race.left())
    if not speeds:
        return
    learner, side = min(speeds, key=lambda key: speeds[key].seconds)
    speed = speeds[learner, side]
    epochs = max(1, affordable(race, speed.seconds, 0.7 * race.left(), again=AGAIN))
    race.notes.append(
        f"{'1 pass' if epochs == 1 else f'{epochs} passes'} over the images fit{'s' * (epochs == 1)} into the budget; at "
        f"least {fewest(race, learner)} pay.",
        about="passes that fit",
    )
    candidate = Candidate(learner.approach, learner.name, usual_loss(race, learner), side=side, epochs=epochs)
    train_all(race, candidate, speed, least=0.0)  # whatever comes of it: a race ends with a Solution


def _symmetries(race: Race, leader: Candidate) -> None:
    """Decide, by evidence, unless stated, which views keep the truth; once for a race."""
    if not race.ground.context.task.traits.tells_views:
        race.symmetries = ("mirror",) if race.problem.mirror is True else ()
        return
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


def _settled_symmetries(race: Race) -> None:
    """Views of pictures to be restored: what was stated treats all directions alike, pairs may have been blurred in one."""
    stated = race.ground.dataset.degradation is not None and race.problem.mirror is not False
    race.symmetries = VIEWS if stated else ()
    what = "noise of single pixels" if race.ground.dataset.noisy else "the stated degradation"
    race.notes.append(
        f"Views are mirrored and turned, because {what} treats all directions alike."
        if stated
        else "No view is mirrored or turned: what the pictures have gone through may have a direction."
    )


# --- the longest training ---------------------------------------------------


def _longest(race: Race, learners: list[Learner]) -> None:
    """The best variant on all folds, for the rest of the time."""
    able_to = [one for one in learners if one.approach != "classical" and not one.solved]
    led = [
        one for name in dict.fromkeys(c.model for c in _leaders(race)) for one in able_to if one.name == name
    ]
    seen = {c.model for c in race.board.dropped}
    untried = [one for one in able_to if one not in led and one.name not in seen] if led else []
    sized = [(one, side) for one in (led[:2] or able_to) for side in _sides(race, one)]
    sized[1:1] = [
        (one, one.sizes[0]) for one in untried
    ]  # too dear for a first look, perhaps not for a long one
    speeds = speeds_of(race, sized, race.now() + 0.1 * race.left())
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
            on_first_fold(race, replace(variant, epochs=epochs), speed, 3 * whole / count + 30, found)
        race.drain(race.now() + 2 * RUNG_SHARE * race.left())
    if not found:
        return next(iter(variants))
    best = max(found, key=lambda c: found[c])
    for candidate in found:
        went = "it went on" if candidate == best else "another did better in the same time"
        drop(race, candidate, found[candidate], went)
    return best


def _best_loss(race: Race, learner: Learner) -> str:
    """The losses that did best so far under a network that composes the same kinds; else the usual ones."""
    scored = [c.loss for c in _leaders(race) if find_learner(c.model).losses == learner.losses]
    return scored[0] if scored else usual_loss(race, learner)
