"""Windows: large parts of a large picture for a network that takes any size, whose answers agree wherever they are cut.

What a network says of a pixel depends on what lies around it, as far as its convolutions reach, and on where the pixel lies
in the cells by which the network counts, 32 pixels wide at its coarsest. Two windows answer alike where both are so:

- a window's answer counts only MARGIN pixels away from its sides, beyond which a side is no longer felt;
- windows begin at whole cells of one grid over the picture. A cell is a whole number of the picture's pixels, too, so that
  the picture is resized alike in all windows: the scale is changed for that, by less than one part in a hundred.

The right and bottom sides of a picture rarely end at a cell: what is left of it is filled by mirroring the picture.
docs/decisions/large-images-in-tiles.md has the measurements. Rejected: small tiles (no place of them is free of the margin),
means of overlapping tiles (as dear, and still another answer where tiles lie elsewhere).
"""

from __future__ import annotations

import math
from itertools import pairwise

from objectif.images.prepare import Placement
from objectif.images.tiles import Tile

CELL = 32
"""Pixels of the prepared picture to a cell of a network's coarsest map."""
MARGIN = 288
"""Pixels of the prepared picture, along each side of a window, that are seen and not answered for."""
LONGEST = 1152
"""Pixels of the prepared picture along a window, about: what a network needs of memory grows with its square."""
_SCALED = 0.005  # the share by which the scale may differ, if fewer than _FEW cells make it so
_FEW = 8


def windows(
    height: int, width: int, place: Placement, *, margin: int = MARGIN, longest: int = LONGEST
) -> list[Tile]:
    """Tiles that cover a picture of height x width, row by row; `place`: that of a picture as the network knows them,
    whose scale is kept.

    Cores are disjoint and cover the picture; the last tiles may reach beyond it, by less than a cell. Each has the
    size that it takes when prepared.
    """
    rows = _spans(height, place.scale_y, margin, longest)
    columns = _spans(width, place.scale_x, margin, longest)
    return [
        Tile(left, top, right, bottom, (x1, y1, x2, y2), (high, wide))
        for top, bottom, y1, y2, high in rows
        for left, right, x1, x2, wide in columns
    ]


def step(scale: float) -> tuple[int, int]:
    """The unit of the grid: whole pixels of the picture, and whole cells of the prepared one, in pixels.

    scale: prepared pixels to one of the picture.
    """
    best, found = math.inf, (1, CELL)
    for cells in range(1, _FEW + 1):
        asked = cells * CELL / scale
        pixels = max(1, round(asked))
        off = abs(pixels / asked - 1)
        if off < best:
            best, found = off, (pixels, cells * CELL)
        if best <= _SCALED:
            break
    return found


def steps(place: Placement) -> tuple[int, int]:
    """Pixels of the picture, down and right, from one point of the grid to the next; place: as windows() takes it."""
    return step(place.scale_y)[0], step(place.scale_x)[0]


def _spans(length: int, scale: float, margin: int, longest: int) -> list[tuple[int, int, float, float, int]]:
    """(start, end, start of core, end of core, size when prepared) of the windows along one side."""
    pixels, prepared = step(scale)
    units = math.ceil(length / pixels)
    rim = math.ceil(margin / prepared)
    most = max(1, longest // prepared)
    count = 1 if units <= most else math.ceil(units / max(1, most - 2 * rim))
    seams = [units * k // count for k in range(count + 1)]
    found = []
    for first, last in pairwise(seams):
        start, end = max(0, first - rim), min(units, last + rim)
        core = float(first * pixels), float(min(last * pixels, length))
        found.append((start * pixels, end * pixels, *core, (end - start) * prepared))
    return found
