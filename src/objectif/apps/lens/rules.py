"""From probabilities to advice: what it is, what it could be confused with, which photo would settle it. Numbers alone.

Words are put to it later (tell.py), in the reader's language; so a rule is tested without a sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from objectif.answers import Label
from objectif.apps.lens.taxonomy import NOBODY, Tree

Kind = Literal["label", "group", "unsure", "unknown"]
WORTH = 0.05
"""Probability, here or among held-out photos, from which another label is worth a word."""
MOST = 3


@dataclass(frozen=True)
class Other:
    """A label that it could be confused with.

    probability: in this photo. met: of how many held-out photos that were called by the answered label how many showed this
    one; (0, 0) where none was.
    """

    label: str
    probability: float
    met: tuple[int, int] = (0, 0)

    @property
    def often(self) -> float:
        """The share of held-out photos."""
        return self.met[0] / max(1, self.met[1])


@dataclass(frozen=True)
class Advice:
    """What a photo shows, as far as anybody can tell.

    kind 'label' or 'group': `node` is sure enough; 'unsure': nothing is; 'unknown': not of the kind that the lens knows.
    probability: of the node, of `likeliest` where there is none. likeliest: the label with the largest probability. others:
    labels it could be instead, or, of a group, which of them it could be, the likeliest first. between: two labels that another photo has to tell apart, empty
    where a label is answered. reason: of the Solution's own judgement where that is against an answer.
    """

    kind: Kind
    node: str | None
    probability: float
    likeliest: str
    others: tuple[Other, ...] = ()
    between: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Rules:
    """tree: labels and groups. threshold: from which a node is sure (sure.py). met: answered label -> true label ->
    (photos, of how many), from held-out photos."""

    tree: Tree
    threshold: float
    met: Mapping[str, Mapping[str, tuple[int, int]]] = field(default_factory=dict)

    def advise(self, answer: Label) -> Advice:
        """The advice for one answer of the Solution, whose classes are the tree's labels."""
        scores = np.asarray(answer.scores, np.float64)
        likeliest = self.tree.labels[int(scores.argmax())]
        judged = answer.judgement
        if judged is not None and judged.act == "reject":
            return Advice("unknown", None, float(scores.max()), likeliest, reason=judged.reason)
        masses = self.tree.masses(scores[None])
        found = int(self.tree.answered(masses, self.threshold)[0])
        node: str | None = None
        kind: Kind = "unsure"
        probability = float(scores.max())
        if found != NOBODY and not (judged is not None and judged.act == "defer"):
            node, probability = self.tree.nodes[found], float(masses[0, found])
            kind = "label" if node in self.tree.labels else "group"
        others = self._others(scores, likeliest if node is None else node, self.met.get(node or "", {}))
        between = () if kind == "label" else tuple(self._likeliest(scores)[:2])
        reason = "" if judged is None or judged.act == "answer" else judged.reason
        return Advice(kind, node, probability, likeliest, others, between, reason)

    def _likeliest(self, scores: NDArray[Any]) -> list[str]:
        return [self.tree.labels[k] for k in np.argsort(-scores, kind="stable").tolist()]

    def _others(
        self, scores: NDArray[Any], known: str | None, met: Mapping[str, tuple[int, int]]
    ) -> tuple[Other, ...]:
        """Labels other than the one that is named already, which are probable here, or were met under its name."""
        found = [
            Other(label, float(scores[self.tree.labels.index(label)]), met.get(label, (0, 0)))
            for label in self._likeliest(scores)
            if label != known
        ]
        return tuple(one for one in found if one.probability >= WORTH or one.often >= WORTH)[:MOST]


def confused(
    labels: tuple[str, ...], scores: NDArray[Any], truth: NDArray[np.int64]
) -> dict[str, dict[str, tuple[int, int]]]:
    """Answered label -> other label -> (held-out photos that showed it, of how many called so), the most frequent first."""
    called = scores.argmax(axis=1)
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for k, label in enumerate(labels):
        shown = np.bincount(truth[called == k], minlength=len(labels))
        others = [j for j in np.argsort(-shown, kind="stable").tolist() if j != k and shown[j]]
        found[label] = {labels[j]: (int(shown[j]), int(shown.sum())) for j in others}
    return found
