"""Labels and the groups they belong to: P(node) = sum of its labels' probabilities, and the deepest node that is sure.

A node is sure where P(node) >= t. Answered is a sure node with no sure node below it. Above one half there is at most one
such node, as two that are apart cannot both have more than half; for a smaller t the most probable of them is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

NOBODY = -1
_SLACK = 1e-6  # sums of float32 that ought to be 1


@dataclass(frozen=True)
class Tree:
    """labels: C names, the order of scores. parents: node -> its group; without circles.

    nodes: labels, then groups that hold at least one. holds: (V, C) bool, which labels a node holds.
    """

    labels: tuple[str, ...]
    parents: Mapping[str, str] = field(default_factory=dict)
    nodes: tuple[str, ...] = field(init=False)
    holds: NDArray[np.bool_] = field(init=False, repr=False)
    _below: NDArray[np.float64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        ways = [self.way(label) for label in self.labels]
        groups = dict.fromkeys(node for way in ways for node in way[1:])
        nodes = (*self.labels, *groups)
        holds = np.array([[node in way for way in ways] for node in nodes], np.bool_)
        above = [set(self.way(node)[1:]) for node in nodes]
        below = np.array(
            [[low != top and top in above[k] for k, low in enumerate(nodes)] for top in nodes], np.float64
        )
        for name, value in (("nodes", nodes), ("holds", holds), ("_below", below)):
            object.__setattr__(self, name, value)

    def way(self, node: str) -> tuple[str, ...]:
        """The node and its groups, the smallest first."""
        found = [node]
        while (parent := self.parents.get(found[-1])) is not None:
            found.append(parent)
        return tuple(found)

    def masses(self, scores: NDArray[Any]) -> NDArray[np.float64]:
        """(N, C) probabilities of labels to (N, V) of nodes."""
        found: NDArray[np.float64] = np.asarray(scores, np.float64) @ self.holds.T.astype(np.float64)
        return found

    def answered(self, masses: NDArray[np.float64], threshold: float) -> NDArray[np.int64]:
        """(N, V) masses to (N,) the node answered, NOBODY where none is sure."""
        sure = masses >= threshold - _SLACK
        deepest = sure & (sure.astype(np.float64) @ self._below.T == 0)
        best = np.where(deepest, masses, -1.0).argmax(axis=1)
        return np.where(deepest.any(axis=1), best, NOBODY)

    def right(self, answered: NDArray[np.int64], truth: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(N,) whether the node answered holds the true label; False where none is answered."""
        found: NDArray[np.bool_] = (answered != NOBODY) & self.holds[answered, truth]
        return found
