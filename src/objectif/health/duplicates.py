"""Pictures that are there twice: the same pixels, or the same shot with small changes.

Two definitions, both stated in numbers:

- *same*: decoded to 64 x 64, luma differs by a root mean square of at most 4 of 255 levels and of 8 % of the picture's
  own contrast (the stricter of the two; 0.3 levels, the rounding of decoders, is always allowed), and colour (Lab a and
  b on 16 x 16) by at most 6 levels. Survives a copy, another file type, another size and re-compression down to about
  JPEG quality 60 (of tiny pictures, 90). On real photos the nearest *different* picture is four and more times as far
  away; on scanned digits, where strangers are most alike, one and a half times.
- *near*: fine detail on 24 x 24 correlates at 0.8 or more, colour agrees as above, and the two are nearer to each other
  than 0.45 of the distance at which either has its 50th neighbour. Survives crops of 1-2 %, brightness, contrast, heavy
  compression, quarter size, and mirroring or turning by 90 degrees. The last condition adapts to the data: among
  scanned digits or X-rays, correlation alone would call strangers copies.

Rejected: perceptual hashes (no threshold fits both X-rays and photos) and hashes of files (one changed byte hides a copy).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from objectif.data.dataset import Dataset
from objectif.health.features import blocks, fine_detail
from objectif.health.looks import Looks, look

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Pairs = list[tuple[int, int]]

SAME_LEVELS = 4.0
SAME_CONTRAST = 0.08
ROUNDING = 0.3
COLOUR_LEVELS = 6.0
NEAR_CORRELATION = 0.8
NEAR_RATIO = 0.45
TURNED_UP_TO = 20_000
"""Mirrored and turned copies are looked for among at most this many images: eight times the work."""

_VERIFIED = 8192  # pairs looked at closely at a time


def same_pictures(dataset: Dataset, *, looks: Looks | None = None) -> Ints:
    """(N,) cluster of each image, numbered by first appearance; images of one cluster are the same picture."""
    looks = look(dataset) if looks is None else looks
    return clusters(len(looks), same_pairs(looks))


def near_duplicates(dataset: Dataset, *, looks: Looks | None = None) -> Ints:
    """(N,) cluster of each image; images of one cluster are the same picture or the same shot, slightly changed."""
    looks = look(dataset) if looks is None else looks
    return clusters(len(looks), [*same_pairs(looks), *near_pairs(looks)])


def clusters(n: int, pairs: Iterable[tuple[int, int]]) -> Ints:
    """(n,) number of the connected component of each image, by first appearance."""
    parent = list(range(n))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for a, b in pairs:
        first, second = sorted((root(int(a)), root(int(b))))
        parent[second] = first
    order: dict[int, int] = {}
    return np.array([order.setdefault(root(i), len(order)) for i in range(n)], np.int64)


def members(ids: Ints) -> list[Ints]:
    """Rows of each cluster that has more than one, largest first."""
    order = np.argsort(ids, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(ids[order])) + 1) if len(ids) else []
    return sorted((g for g in groups if len(g) > 1), key=lambda g: (-len(g), int(g[0])))


# --- same ---------------------------------------------------------------------------------------------------------


def same_pairs(looks: Looks) -> Pairs:
    """Pairs (i, j), i < j, enough of them to connect every cluster of same pictures."""
    rows = np.flatnonzero(looks.readable)
    pairs, unique = _identical(looks, rows)
    luma = looks.luma[unique].reshape(len(unique), -1).astype(np.float32)
    allowed = np.clip(SAME_CONTRAST * luma.std(1), ROUNDING, SAME_LEVELS)
    coarse = luma.reshape(-1, 8, 8, 8, 8).mean((2, 4)).reshape(len(luma), -1)
    for i, j in _within(coarse, allowed):
        # Averaging never enlarges a root mean square, so no pair is lost by looking at 8 x 8 first.
        difference = np.sqrt(np.mean((luma[i] - luma[j]) ** 2))
        a, b = int(unique[i]), int(unique[j])
        if difference <= min(allowed[i], allowed[j]) and _colour_gap(looks, a, b) <= COLOUR_LEVELS:
            pairs.append((min(a, b), max(a, b)))
    return pairs


def _identical(looks: Looks, rows: Ints) -> tuple[Pairs, Ints]:
    """Pairs that agree in every value, and one row of each kind."""
    first: dict[bytes, int] = {}
    pairs: Pairs = []
    for row in rows.tolist():
        seen = first.setdefault(looks.luma[row].tobytes() + looks.colour[row].tobytes(), row)
        if seen != row:
            pairs.append((seen, row))
    return pairs, np.array(sorted(first.values()), np.int64)


def _within(points: Floats, radius: Floats) -> Iterator[tuple[int, int]]:
    """Pairs i < j of rows whose root mean square difference is at most the smaller of their radii."""
    squares = (points**2).sum(1)
    limit = (
        radius**2 * points.shape[1] + 1e-3 * np.maximum(squares, 1.0) ** 0.5
    )  # slack for rounding in float32
    for block in blocks(len(points)):
        start = block.start
        distance = squares[block, None] + squares[None, start:] - 2.0 * points[block] @ points[start:].T
        i, j = np.nonzero(distance <= np.minimum(limit[block, None], limit[None, start:]))
        yield from _upper(i[i < j] + start, j[i < j] + start)


def _upper(i: NDArray[np.intp], j: NDArray[np.intp]) -> Iterator[tuple[int, int]]:
    return zip(i.tolist(), j.tolist(), strict=True)


def _colour_gap(looks: Looks, a: int, b: int) -> float:
    """Root mean square difference of Lab a and b, in levels."""
    return _gap(looks.colour[a], looks.colour[b])


def _gap(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    return float(np.sqrt(np.mean((a[..., 1:].astype(np.float32) - b[..., 1:].astype(np.float32)) ** 2)))


# --- near ---------------------------------------------------------------------------------------------------------


def near_pairs(looks: Looks) -> Pairs:
    """Pairs (i, j), i < j, of near duplicates; same pictures of low contrast may be missing."""
    rows = np.flatnonzero(looks.readable)
    if len(rows) < 2:
        return []
    detail = fine_detail(looks.luma[rows])
    scale, pairs = _upright_pairs(detail)
    found = {(i, j, 0) for i, j in pairs}
    if len(rows) <= TURNED_UP_TO:
        found |= set(_turned_pairs(detail, scale))
    kept = set()
    for i, j, turn in found:
        a, b = int(rows[i]), int(rows[j])
        if _gap(looks.colour[a], _dihedral(looks.colour[b], turn)) <= COLOUR_LEVELS:
            kept.add((a, b))
    return sorted(kept)


def _upright_pairs(detail: Floats) -> tuple[Floats, Pairs]:
    """One minus the correlation with the 50th neighbour (of few images: with the quarter nearest), and the pairs."""
    n = len(detail)
    k = max(1, min(50, n // 4))
    scale = np.empty(n, np.float32)
    candidates: list[tuple[Ints, Ints, Floats]] = []
    for block in blocks(n):
        start = block.start
        alike = detail[block] @ detail.T
        alike[np.arange(len(alike)), np.arange(start, start + len(alike))] = -2.0
        scale[block] = 1.0 - np.partition(alike, n - k, axis=1)[:, n - k]
        i, j = np.nonzero(alike > NEAR_CORRELATION)
        upper = i + start < j
        candidates.append((i[upper] + start, j[upper], alike[i[upper], j[upper]]))
    a, b, similarity = (np.concatenate(parts) for parts in zip(*candidates, strict=True))
    kept = _far_nearer_than_usual(similarity, scale[a], scale[b])
    return scale, list(_upper(a[kept], b[kept]))


def _turned_pairs(detail: Floats, scale: Floats) -> Iterator[tuple[int, int, int]]:
    """(i, j, turn), i < j: row j turned so is a near duplicate of row i. Looks at a quarter of the detail first."""
    coarse = _coarser(detail)
    for turn in range(1, 8):
        turned, turned_coarse = _turned(detail, turn), _turned(coarse, turn)
        for block in blocks(len(detail)):
            start = block.start
            alike = coarse[block] @ turned_coarse[start:].T
            i, j = np.nonzero(alike > NEAR_CORRELATION)
            a, b = i[i < j] + start, j[i < j] + start
            for piece in range(0, len(a), _VERIFIED):
                left, right = a[piece : piece + _VERIFIED], b[piece : piece + _VERIFIED]
                similarity = np.einsum("pd,pd->p", detail[left], turned[right])
                kept = (similarity > NEAR_CORRELATION) & _far_nearer_than_usual(
                    similarity, scale[left], scale[right]
                )
                yield from ((p, q, turn) for p, q in _upper(left[kept], right[kept]))


def _far_nearer_than_usual(similarity: Floats, left: Floats, right: Floats) -> NDArray[np.bool_]:
    """Whether the distance (the root of one minus the correlation) is below NEAR_RATIO of both usual distances."""
    return np.asarray(1.0 - similarity < NEAR_RATIO**2 * np.minimum(left, right), np.bool_)


def _coarser(detail: Floats) -> Floats:
    """The same at half the resolution, of length 1."""
    half = int(np.sqrt(detail.shape[1])) // 2
    pooled = detail.reshape(-1, half, 2, half, 2).mean((2, 4)).reshape(len(detail), -1)
    return np.asarray(pooled / np.maximum(np.linalg.norm(pooled, axis=1, keepdims=True), 1e-6), np.float32)


def _dihedral(pictures: NDArray[np.uint8], turn: int) -> NDArray[np.uint8]:
    """(S, S, ...) turned by 90 degrees `turn % 4` times, mirrored first from 4 on."""
    return np.rot90(pictures[:, ::-1] if turn >= 4 else pictures, turn % 4)


def _turned(detail: Floats, turn: int) -> Floats:
    """Each row, a square picture, as _dihedral turns it."""
    side = int(np.sqrt(detail.shape[1]))
    squares = detail.reshape(-1, side, side)
    squares = squares[:, :, ::-1] if turn >= 4 else squares
    return np.ascontiguousarray(np.rot90(squares, turn % 4, axes=(1, 2))).reshape(len(detail), -1)
