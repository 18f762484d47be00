"""The inner holdout: a share of the training rows by which settings and temperature are chosen.

Units (groups, or single rows) go whole to one side; within that the holdout takes the same share of every class, and
never the last unit of a class. One greedy pass over the shuffled units: a unit is taken where that brings
the counts held out nearer to the share wanted.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SHARE = 0.25
STREAM = (
    417  # an own random stream: labels or folds made from the same seed must not correlate with the holdout
)


def inner_holdout(
    truth: NDArray[np.int64],
    classes: int,
    *,
    groups: NDArray[np.int64] | None = None,
    weight: NDArray[np.float64] | None = None,
    seed: int = 0,
    share: float = SHARE,
) -> NDArray[np.bool_]:
    """(N,) True for rows held out; all False where every unit is the last one of some class.

    truth: (N,) class indices, or (N,C) of 0 and 1. groups: (N,) unit of each row; None: each row is one.
    """
    rows = len(truth)
    units = np.unique(groups, return_inverse=True)[1] if groups is not None else np.arange(rows)
    hot = truth.astype(np.float64) if truth.ndim == 2 else np.eye(classes)[truth]
    hot = np.column_stack([hot, hot.sum(axis=1) == 0])  # rows without a label are a kind of their own
    hot = hot * (1.0 if weight is None else weight[:, None])
    content = np.zeros((int(units.max()) + 1, classes + 1))
    np.add.at(content, units, hot)
    total = content.sum(axis=0)
    containing = (content > 0).sum(axis=0)  # units left in training that have the class
    missing = share * total
    taken = np.zeros(len(content), bool)
    for unit in np.random.default_rng((STREAM, seed)).permutation(len(content)):
        has = content[unit] > 0
        gain = float((content[unit] * (2 * missing - content[unit])).sum())
        if gain > 0 and (containing[has] > 1).all():
            taken[unit] = True
            missing = missing - content[unit]
            containing = containing - has
    held: NDArray[np.bool_] = taken[units]
    return held
