"""Non-maximum suppression: of boxes of one class that overlap too much, the surest stays.

OpenCV's greedy loop does it: the surest box first, each next one against those that stay. Of the thousand boxes that a
network is half sure of, most lie on a few objects and go at once. Rejected: vector steps over all pairs that overlap, which
took five times as long on a network's own answers. Where boxes of tiles meet, all pairs are needed: they are found along
x in blocks, so that the boxes of a whole aerial picture cost neither a matrix of all pairs nor a tree.
"""

from __future__ import annotations

from typing import Any

import cv2
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
    if not len(boxes):
        return np.zeros(0, np.intp)
    # it keeps classes apart by moving each beyond the largest coordinate, so none may be negative
    corner = boxes[:, :2] - boxes[:, :2].min(axis=0)
    rectangles = np.concatenate([corner, boxes[:, 2:] - boxes[:, :2]], axis=1).astype(np.float64)
    batched: Any = (
        cv2.dnn.NMSBoxesBatched
    )  # its annotations ask for lists, which take longer to read than to suppress
    kept = batched(
        rectangles, np.asarray(scores, np.float32), np.asarray(labels, np.int32), -np.inf, float(threshold)
    )
    return np.asarray(kept, np.intp).reshape(-1)


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
