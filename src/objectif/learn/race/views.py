"""The stage of views: which mirrored and turned copies keep the class, by evidence, and heads that learn from them.

Were the classes symmetric, a classifier that has only seen images as they are would do equally well on mirrored ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from objectif.learn.race.candidate import Candidate
from objectif.learn.race.executor import Event, Job

if TYPE_CHECKING:
    from objectif.learn.race.race import Race

VIEWS = ("mirror", "flip", "turn")
COMPETENT = 0.75
"""Share of the leader's accuracy that a second judge of views must reach: a weak one mistakes noise for a loss."""


def judge_views(race: Race, leader: Candidate, until: float) -> None:
    """Decide, by evidence, unless stated, which views keep the class; once for a race."""
    if race.symmetries:  # a resume goes on with the same
        return
    wanted = [v for v in VIEWS if v != "mirror" or race.problem.mirror is not False]
    judges = [leader, *(c for c in race.best(50) if c.model == "hog" and _heard(race, c, leader))]
    for judge in judges:
        for view in wanted:
            race.features(judge, view, lambda: None)
    race.drain(until)
    for judge in judges:
        if all(race.key(judge, view) in race.files for view in wanted):
            _ask(race, judge, wanted)
    race.drain(until)
    _keep(race, wanted)


def learn_from_views(race: Race, model: Candidate, until: float) -> None:
    """Heads on a model's features that learn from the views that were kept, under its best losses and the usual one."""
    for view in race.symmetries:
        race.features(model, view, lambda: None)
    race.drain(until)
    if not race.symmetries or any(race.key(model, view) not in race.files for view in race.symmetries):
        return
    losses = [c.loss for c in race.board.ranked() if c.model == model.model and not c.views]
    tried = list(dict.fromkeys([*losses[:2], race.default_loss]))
    row = [Candidate(model.approach, model.model, n, side=model.side, views=True) for n in tried]
    for seed in range(race.problem.seed, race.problem.seed + race.problem.seeds):
        race.heads(model, [(c, seed) for c in row], race.symmetries)


def _heard(race: Race, judge: Candidate, leader: Candidate) -> bool:
    """Whether another judge knows the classes well enough to be asked beside the leader."""
    board = race.board
    return judge != leader and board.right(judge) >= COMPETENT * board.right(leader)


def _ask(race: Race, judge: Candidate, views: list[str]) -> None:
    """How much accuracy the heads on these features lose when held-out images are seen in another way."""
    files = {view: race.files[race.key(judge, view)] for view in ("plain", *views)}
    arguments = {
        "context": race.context_file,
        "features": files,
        "candidate": judge,
        "seed": race.problem.seed,
    }

    def handle(event: Event) -> None:
        if event.kind == "done":
            race.losses_by_view[judge.model] = event.payload

    race.push(Job("views of " + judge.model, "judge_views", arguments), handle)


def _keep(race: Race, views: list[str]) -> None:
    """Keep the views that no judge minds: were the classes symmetric, every classifier would do equally well.

    Gradients by place (hog) are asked beside the leader, because pretrained features have been taught to overlook
    mirroring.
    """
    if not race.losses_by_view:
        return
    allowed = max(0.02, 0.5 / float(np.sqrt(len(race.board.truth))))
    worst = {v: max((lost[v] for lost in race.losses_by_view.values()), key=surely) for v in views}
    kept = [v for v in views if surely(worst[v]) <= allowed]
    if race.problem.mirror is True and "mirror" not in kept:
        kept.insert(0, "mirror")
    race.symmetries = tuple(kept)
    said = ", ".join(f"{v} costs {worst[v][0]:+.3f} accuracy" for v in views)
    race.notes.append(
        f"Views judged on held-out images ({said}); kept as the same class: {', '.join(kept) or 'none'}."
    )
    race.board.journal.append("views", status="done", symmetries=kept, cost=worst)


def surely(loss: tuple[float, float]) -> float:
    """What a view costs at least, give or take: the loss less its standard error, so that noise condemns no view."""
    return loss[0] - loss[1]
