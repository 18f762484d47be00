"""The outlines of the objects of a mask, along the edges of their pixels, and their runs as COCO writes them.

Along the edges and not through the centres: an outline filled again is the mask it came from, to the pixel, and a single
pixel has one. Corners are found everywhere at once; a line joins the first and second, third and fourth corner of each
row, and of each column likewise (O'Rourke 1988), which needs no walk from pixel to pixel.

GeoJSON wants polygons that do not touch themselves. So an object is cut where it hangs together by a corner alone, and is
then a MultiPolygon; an outline passes a corner of two pixels so that holes are cut off there.

Rejected: cv2.findContours (through centres, thin parts get no area) and simplified outlines (nobody can tell afterwards by
how much the areas are wrong).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from objectif.data.pieces import Bools, Piece
from objectif.data.rle import text

_CELLS = 4_000_000

Ring = NDArray[np.int64]


def geometry(piece: Piece) -> dict[str, Any]:
    """Polygon, or MultiPolygon of its parts; outer rings run counter-clockwise where y goes up, holes the other way."""
    parts = []
    for x, y, found in parts_of(piece.mask):
        corner = np.array([piece.left + x, piece.top + y])
        parts.append([[*ring, ring[0]] for ring in ((r + corner).tolist() for r in found)])
    if len(parts) == 1:
        return {"type": "Polygon", "coordinates": parts[0]}
    return {"type": "MultiPolygon", "coordinates": parts}


def parts_of(mask: Bools) -> Iterator[tuple[int, int, list[Ring]]]:
    """Left, top and rings of the parts that hang together by edges."""
    corners = _corners(mask)
    if not corners[3]:
        found = _rings(*corners[:3])
        outer = sum(_outer(ring, mask) for ring in found)
        if outer == 1:
            yield 0, 0, found
            return
    count, where, stats, _ = cv2.connectedComponentsWithStats(
        mask.view(np.uint8), connectivity=4, ltype=cv2.CV_32S
    )
    for k in range(1, count):
        left, top, wide, high = (int(v) for v in stats[k, :4])
        yield left, top, rings(where[top : top + high, left : left + wide] == k)


def _outer(ring: Ring, mask: Bools) -> bool:
    """Whether a ring of _rings() has pixels inside: those at the right of and below its first corner."""
    x, y = ring[0]
    return bool(mask[y, x])


def rings(mask: Bools) -> list[Ring]:
    """The outer ring and then the holes of a mask (h, w) that hangs together by edges: (n, 2) corners x, y.

    The first corner is not repeated at the end.
    """
    return _rings(*_corners(mask)[:3])


def _rings(x: Ring, y: Ring, over: Ring) -> list[Ring]:
    """Closed lines through corners that are sorted by rows: the first clockwise on the screen, the others the other way."""
    across = np.lexsort((over, y, x))
    mate = np.empty(len(x), np.int64)
    mate[across[0::2]], mate[across[1::2]] = across[1::2], across[0::2]
    turn, seen = memoryview(mate.data), bytearray(len(x))
    found: list[Ring] = []
    for start in range(0, len(x), 2):
        if seen[start]:
            continue
        walked: list[int] = []
        here = start
        while not seen[here]:  # along a row to its mate, then along a column
            seen[here] = seen[here ^ 1] = 1
            walked += (here, here ^ 1)
            here = turn[here ^ 1]
        ring = np.column_stack([x[walked], y[walked]])
        found.append(np.roll(ring[::-1], 1, axis=0) if found else ring)
    return found


def _corners(mask: Bools) -> tuple[Ring, Ring, Ring, bool]:
    """x, y of the corners row by row, twice where pixels meet by a corner alone, which of the two is above; whether some do."""
    high, wide = mask.shape
    step = max(1, _CELLS // (wide + 2))
    found = []
    for top in range(0, high + 1, step):
        rows = np.zeros((min(step, high + 1 - top) + 1, wide + 2), np.uint8)
        first, last = max(0, top - 1), min(high, top - 1 + len(rows))
        rows[first - top + 1 : last - top + 1, 1:-1] = mask[first:last]
        nw, ne, sw, se = rows[:-1, :-1], rows[:-1, 1:], rows[1:, :-1], rows[1:, 1:]
        y, x = np.nonzero((nw ^ ne ^ sw ^ se) | ((nw ^ ne) & (nw ^ sw)))
        falls = nw[y, x].astype(np.int64)  # pixels that meet lie one to the right of and below the other
        twice = (falls == se[y, x]) & (ne[y, x] == sw[y, x])
        rank = np.repeat(np.arange(len(x)), 1 + twice)
        second = np.zeros(len(rank), np.bool_)
        second[1:] = rank[1:] == rank[:-1]
        over = np.where(twice[rank], np.where(second, 1 - falls[rank], falls[rank]), 0)
        found.append(np.stack([x[rank], y[rank] + top, over]))
    x, y, over = np.concatenate(found, axis=1)
    return x, y, over, bool(over.any())


def rle(piece: Piece, height: int, width: int) -> dict[str, Any]:
    """COCO's {"size", "counts"} of an object in a picture, as data.rle.encode gives it of the whole mask."""
    edges = np.diff(np.pad(piece.mask, ((1, 1), (0, 0))).astype(np.int8), axis=0).T  # column by column
    x, y = np.nonzero(edges)
    place = (x + piece.left) * height + y + piece.top
    end, start = place[1:-1:2], place[2::2]
    apart = np.repeat(end != start, 2)  # a run may go on in the next column
    turns = np.concatenate([place[:1], place[1:-1][apart], place[-1:]])
    lengths = np.diff(np.concatenate([[0], turns, [height * width]])).tolist()
    return {"size": [height, width], "counts": text(lengths if lengths[-1] else lengths[:-1])}
