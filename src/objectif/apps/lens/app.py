"""The door `objectif.apps`: what `objectif list` shows and `objectif check lens` tries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from objectif.answers import Label
from objectif.problem import Problem


@dataclass(frozen=True)
class App:
    """Lens, as an application: a Problem from data, and advice from answers."""

    name = "lens"
    title = "Lens: what a photo shows, how sure that is, what to do about it"

    def problem(self, data: Path, **options: Any) -> Problem:
        """problem.problem()."""
        from objectif.apps.lens.problem import problem

        return problem(data, **options)

    def rehearse(self, folder: Path) -> Sequence[str]:
        """Advice from made-up answers, as lines; `folder` is empty and may be written to."""
        from objectif.apps.lens import cards, skeleton
        from objectif.apps.lens.folder import Found, Lens
        from objectif.apps.lens.nearest import Examples
        from objectif.apps.lens.rules import Rules
        from objectif.apps.lens.sure import calibrate
        from objectif.apps.lens.taxonomy import Tree
        from objectif.apps.lens.tell import lines, tell

        labels = ("ash", "birch", "cedar")
        skeleton.write(folder / cards.FILE, labels, title="Trees")
        truth = np.arange(90) % 3
        scores = np.full((90, 3), 0.05)
        scores[np.arange(90), truth] = 0.9
        tree = Tree(labels)
        sure = calibrate(tree, scores, truth, 0.9)
        rules = Rules(tree, sure.threshold)
        answer = Label("photo", labels, np.asarray([0.3, 0.6, 0.1], np.float32), ("birch",))
        known = cards.read(folder / cards.FILE, labels)
        nothing: Any = None
        empty = Examples(np.zeros((0, 3), np.float32), (), (), ())
        lens = Lens(folder, nothing, known, sure, rules, empty, nothing, nothing)
        return list(lines(tell(lens, Found(rules.advise(answer), None, None, {}))))


APP = App()
