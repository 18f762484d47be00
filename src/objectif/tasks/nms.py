"""Non-maximum suppression: of boxes of one class that overlap too much, the surest stays; in numpy.

Greedy suppression is the one solution of "a box stays where no surer box that stays overlaps it": repeated from
"all stay" until nothing changes, it takes as many vector steps as the longest chain of overlaps, where the
usual loop takes one for each box. Pairs that overlap are found along x in blocks, so that the boxes of a whole
aerial picture cost neither a matrix of all pairs nor a tree.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_BLOCK = 512  # boxes compared at once
_CONTAINED = 0.8  # share of a fragment that lies in the whole object
_SURE = 0.5  # the whole object is at least half as sure as its fragment


def suppress(
    boxes: NDArray[Any], scores: NDArray[Any], labels: NDArray[Any], threshold: float
) -> NDArray[np.intp]:
    """Indices of the boxes (k, 4) that stay, the surest first; of equal scores the first is surer.

    A box goes where a surer one of its class that stays has an IoU above `threshold` with it.
    """
    order = np.argsort(-scores, kind="stable")
    first, second, shared, sizes = pairs(boxes[order], labels[order])
    union = sizes[first] + sizes[second] - shared
    close = shared > threshold * union
    first, second = first[close], second[close]
    return order[_stay(len(order), np.minimum(first, second), np.maximum(first, second))]


def _stay(n: int, above: NDArray[np.intp], below: NDArray[np.intp]) -> NDArray[np.bool_]:
    """(n,) which stay, where above[p] puts below[p] out if it stays itself; above < below."""
    stay = np.ones(n, np.bool_)
    while True:
        out = np.zeros(n, np.bool_)
        out[below[stay[above]]] = True
        if np.array_equal(out, ~stay):
            return stay
        stay = ~out


def fragments(
    boxes: NDArray[Any], scores: NDArray[Any], labels: NDArray[Any], tiles: NDArray[Any]
) -> NDArray[np.bool_]:
    """(k,) boxes that are parts of an object cut at a seam: more than 80 % within a larger box of another tile.

    Of the same class, and at least half as sure: a doubtful large box takes nothing away.
    """
    first, second, shared, sizes = pairs(boxes, labels)
    apart = tiles[first] != tiles[second]
    first, second, shared = first[apart], second[apart], shared[apart]
    found = np.zeros(len(boxes), np.bool_)
    for part, whole in ((first, second), (second, first)):
        cut = (sizes[part] < sizes[whole]) & (shared > _CONTAINED * sizes[part])
        found[part[cut & (scores[whole] >= _SURE * scores[part])]] = True
    return found


def pairs(
    boxes: NDArray[Any], labels: NDArray[Any]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32], NDArray[np.float32]]:
    """Pairs of boxes (k, 4) of one class that overlap: (first, second, area shared) of each, and areas (k,)."""
    order = np.argsort(boxes[:, 0], kind="stable")
    left, top, right, bottom = np.ascontiguousarray(boxes[order].T, np.float32)
    kind = labels[order]
    one: list[NDArray[np.intp]] = []
    two: list[NDArray[np.intp]] = []
    area: list[NDArray[np.float32]] = []
    for start in range(0, len(order), _BLOCK):
        stop = min(start + _BLOCK, len(order))
        end = max(stop, int(np.searchsorted(left, right[start:stop].max())))  # none further on can overlap
        a, b = slice(start, stop), slice(start, end)
        wide = np.minimum(right[a, None], right[None, b]) - np.maximum(left[a, None], left[None, b])
        high = np.minimum(bottom[a, None], bottom[None, b]) - np.maximum(top[a, None], top[None, b])
        touching = (wide > 0) & (high > 0) & (kind[a, None] == kind[None, b])
        i, j = np.nonzero(np.triu(touching, 1))
        one.append(order[i + start])
        two.append(order[j + start])
        area.append(wide[i, j] * high[i, j])
    sizes = np.empty(len(order), np.float32)
    sizes[order] = np.maximum(right - left, 0) * np.maximum(bottom - top, 0)
    if not one:
        none = np.zeros(0, np.intp)
        return none, none, np.zeros(0, np.float32), sizes
    return np.concatenate(one), np.concatenate(two), np.concatenate(area), sizes
