"""Which losses a Learner is tried under: its usual ones, and one of them exchanged at a time.

So losses of one kind are compared beside the same others; all combinations would be many trainings for few answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from objectif import plugins
from objectif.learn.models.base import Learner
from objectif.problem import noisy
from objectif.runs.entry import NO_LOSS

if TYPE_CHECKING:
    from objectif.learn.race.race import Race


def usual_loss(race: Race, learner: Learner) -> str:
    """The losses that a Learner starts from, or those of the statement where it names some."""
    if not learner.losses:
        return NO_LOSS
    wanted = race.problem.losses
    if wanted == "auto":
        return noisy.LOSSES[0] if race.ground.dataset.noisy else "+".join(learner.usual)
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
    if race.ground.dataset.noisy:
        return list(noisy.LOSSES)
    return list(dict.fromkeys("+".join(c) for c in combine(learner, list(plugins.names("losses")))))


def combine(learner: Learner, names: list[str]) -> list[tuple[str, ...]]:
    """The usual losses, then with one of them exchanged for each of `names` of the same kind."""
    found = [learner.usual]
    for place, kind in enumerate(learner.losses):
        for name in names:
            if plugins.load("losses", name).kind == kind and name not in learner.usual:
                found.append((*learner.usual[:place], name, *learner.usual[place + 1 :]))
    return found
