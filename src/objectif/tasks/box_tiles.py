"""One answer for a large picture from the answers of its tiles: no object twice, none lost or cut on a seam.

Every tile answers for its core (images/tiles.py), grown a little, because two tiles see a centre some pixels apart. An
object larger than the overlap stands whole in no tile: its box ends where the tile ends. Two boxes of neighbours are
the same object where they agree on what both tiles see, and then the whole one counts, or the hull of the two. What is
still answered twice is the task's to merge, as it is within one picture.

Answers are boxes: (1, n, 6) x1 y1 x2 y2 score class in pixels of the picture, class -1 is padding.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from objectif.images.tiles import OVERLAP, Tile, cut_off, owned

AGREE = 0.5  # intersection over union, in what both tiles see, at which two boxes are one object
_MARGIN = OVERLAP / 16  # of a tile's short side: how far a core is grown
_NEAR = 1 / 100  # of a tile's short side: a box this near to the edge ends at it
_WEAK = 0.25  # a box less sure than this share of its neighbour's score does not change it

Rows = NDArray[np.float32]


def joined(answers: Sequence[Rows], tiles: Sequence[Tile], height: int, width: int) -> list[Rows]:
    """The answers (1, n, 6) of each tile, without those that another tile answers for, with those that were cut mended.

    Returns one array for each tile, (1, m, 6), for the task to merge.
    """
    rows = [answer[0][answer[0][:, 5] >= 0] for answer in answers]
    kept = [
        owned(boxes[:, :4], tile, margin=_MARGIN * _short(tile))
        for boxes, tile in zip(rows, tiles, strict=True)
    ]
    cut = [
        cut_off(boxes[:, :4], tile, height, width, near=_NEAR * _short(tile))
        for boxes, tile in zip(rows, tiles, strict=True)
    ]
    whole = [boxes.copy() for boxes in rows]
    for group in _objects(rows, cut, tiles):
        _mend(group, rows, cut, kept, whole)
    return [boxes[keep][None] for boxes, keep in zip(whole, kept, strict=True)]


def _short(tile: Tile) -> int:
    return min(tile.right - tile.left, tile.bottom - tile.top)


def _mend(
    group: list[tuple[int, int]],
    rows: list[Rows],
    cut: list[NDArray[np.bool_]],
    kept: list[NDArray[np.bool_]],
    whole: list[Rows],
) -> None:
    """One of the boxes (tile, row) that are one object stays: the surest whole one, or the surest with all their hull."""
    entire = [(t, k) for t, k in group if not cut[t][k]]
    first = max(entire or group, key=lambda place: float(rows[place[0]][place[1], 4]))
    for t, k in group:
        kept[t][k] = (t, k) == first
    if not entire:
        boxes = np.stack([rows[t][k] for t, k in group])
        t, k = first
        whole[t][k, :2], whole[t][k, 2:4] = boxes[:, :2].min(0), boxes[:, 2:4].max(0)


def _objects(
    rows: list[Rows], cut: list[NDArray[np.bool_]], tiles: Sequence[Tile]
) -> list[list[tuple[int, int]]]:
    """Groups of two or more boxes (tile, row) that are one object, at least one of each pair cut by its tile."""
    parent: dict[tuple[int, int], tuple[int, int]] = {}

    def top(place: tuple[int, int]) -> tuple[int, int]:
        while parent.setdefault(place, place) != place:
            place = parent[place]
        return place

    for a, b in _neighbours(tiles):
        if not len(rows[a]) or not len(rows[b]) or not (cut[a].any() or cut[b].any()):
            continue
        same = _same(rows[a], rows[b], _common(tiles[a], tiles[b])) & (cut[a][:, None] | cut[b][None])
        for i, j in np.argwhere(same):
            parent[top((a, int(i)))] = top((b, int(j)))
    groups: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for place in list(parent):
        groups.setdefault(top(place), []).append(place)
    return [sorted(group) for group in groups.values() if len(group) > 1]


def _neighbours(tiles: Sequence[Tile]) -> list[tuple[int, int]]:
    """Pairs of tiles that overlap, each once."""
    sides = np.array([(t.left, t.top, t.right, t.bottom) for t in tiles])
    found = []
    for a in range(len(tiles) - 1):
        rest = sides[a + 1 :]
        meets = (rest[:, :2] < sides[a, 2:]).all(1) & (rest[:, 2:] > sides[a, :2]).all(1)
        found += [(a, a + 1 + int(k)) for k in np.flatnonzero(meets)]
    return found


def _common(one: Tile, other: Tile) -> NDArray[np.float64]:
    """x1 y1 x2 y2 of what both tiles see."""
    low = max(one.left, other.left), max(one.top, other.top)
    return np.array([*low, min(one.right, other.right), min(one.bottom, other.bottom)], np.float64)


def _same(one: Rows, other: Rows, common: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(n, m) whether boxes of two tiles are one object, by what both tiles see."""
    a, b = (np.clip(rows[:, :4], np.tile(common[:2], 2), np.tile(common[2:], 2)) for rows in (one, other))
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (a, b)]
    union = areas[0][:, None] + areas[1][None] - shared
    agree = (shared > 0) & (shared >= AGREE * union)
    scores = one[:, None, 4], other[None, :, 4]
    sure = np.minimum(*scores) >= _WEAK * np.maximum(*scores)
    return np.asarray(agree & sure & (one[:, None, 5] == other[None, :, 5]))
