"""How sure is sure enough: the threshold t for a wanted accuracy, from answers to photos that were held out.

Of the answers that a lens gives (a label or a group; "not sure" is none) a wanted share is to be right, with 95 %
confidence. From t = 1 downwards each t is tested in turn: given that n photos are answered of which k are wrong, could the
accuracy be lower than wanted (exact binomial bound, Clopper & Pearson 1934)? The last t before the first one that could is
taken. Testing in a fixed order needs no correction for the number of tests (fixed-sequence testing, as in Angelopoulos et
al. 2021). The first tested is the one at which half of the photos are answered, or three times as many as could carry the
promise at the least (docs/decisions/lens-threshold.md says why, and what was measured). The order is fixed by how probable
the nodes are, not by whether they are right; it holds where surer answers are not less often right.

Of photos that belong together (one plant, one walk) one counts, drawn by lot, as the others tell nothing new.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.apps.lens.taxonomy import NOBODY, Tree
from objectif.errors import InputError
from objectif.metrics.distributions import clopper_pearson

CONFIDENCE = 0.95
GRID = np.array([1, 0.9999, 0.999, 0.998, 0.995, *(np.arange(99, 49, -1) / 100)])
"""The thresholds that are tried, in order; close to 1 they are close, as networks that boast have all their answers there. It
ends at one half: what is more likely wrong than right is no answer, however often such answers are right."""


@dataclass(frozen=True)
class Sure:
    """The threshold, and what held-out photos say about it.

    promised: share of answers that are right at least, with CONFIDENCE; lower than `wanted` where the photos do not allow
    that. photos: held out, one for each group. answered, right: how many of them. nodes: (photos,) index into Tree.nodes or
    NOBODY. kind: 'test' or 'out-of-fold'.
    """

    threshold: float
    wanted: float
    promised: float
    photos: int
    answered: int
    right: int
    nodes: NDArray[np.int64]
    kind: str = "out-of-fold"

    @property
    def kept(self) -> bool:
        """Whether the wanted accuracy is promised."""
        return self.promised >= self.wanted


def calibrate(
    tree: Tree,
    scores: NDArray[Any],
    truth: NDArray[np.int64],
    wanted: float,
    units: NDArray[np.int64] | None = None,
    kind: str = "out-of-fold",
) -> Sure:
    """The smallest t that keeps the wanted accuracy; the first one tested where none does, with what it promises.

    scores: (n, C) probabilities, the order of tree.labels. truth: (n,) indices. units: (n,) the group of each photo.
    InputError where there is no photo.
    """
    if not len(scores):
        raise InputError(
            "no held-out answer; expected those of the race that made the Solution. Solve again."
        )
    kept = _one_of_each(units, len(scores))
    masses, truth = tree.masses(scores[kept]), truth[kept]
    start = _start(len(kept), wanted)
    best: Sure | None = None
    for threshold in GRID.tolist():
        nodes = tree.answered(masses, threshold)
        answered = int((nodes != NOBODY).sum())
        if answered < start and threshold > GRID[-1]:
            continue
        right = int(tree.right(nodes, truth).sum())
        low = bound(right, answered)
        if best is not None and low < wanted:
            break
        best = Sure(threshold, wanted, min(low, wanted), len(kept), answered, right, nodes, kind)
        if low < wanted:
            break
    assert best is not None  # the last threshold is always tested
    return best


def bound(right: int, answered: int) -> float:
    """What the accuracy is at least, with CONFIDENCE."""
    return clopper_pearson(right, answered, 2 * CONFIDENCE - 1)[0] if answered else 0.0


def fewest(wanted: float) -> int:
    """Photos that are needed to promise it where all are right: wanted^n <= 1 - CONFIDENCE."""
    return math.ceil(math.log(1 - CONFIDENCE) / math.log(wanted))


def _start(photos: int, wanted: float) -> int:
    """Answers from which on thresholds are tested."""
    least = fewest(wanted)
    return max(1, min(photos, max(least, min(3 * least, photos // 2))))


def _one_of_each(units: NDArray[np.int64] | None, photos: int) -> NDArray[np.int64]:
    """Rows of one photo of each group, drawn by lot that is always the same."""
    order = np.random.default_rng(0).permutation(photos)
    if units is None:
        return np.sort(order)
    first = np.unique(units[order], return_index=True)[1]
    return np.sort(order[first])
