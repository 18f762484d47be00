"""Tiles: a fixed grid of overlapping parts of a large picture, and which part answers for what.

A network knows objects at the size they had when it was fitted. A picture far larger than those is therefore not
scaled down until nothing is left of an object, but cut into parts of the size that the network knows. Parts overlap by a
quarter, so that an object up to a quarter of a tile stands whole in at least one of them, and each part answers for
its core: what lies nearer to it than to any other part. Rejected: parts without overlap (objects on a seam are cut in
two), and overlap without cores (each object in an overlap is answered twice, once of them often cut).

The grid starts at the top left and has a fixed stride; the last part of a row is moved back to the picture's edge.
These are for networks of a fixed input; those that take any size are given windows (windows.py).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from objectif.errors import InputError
from objectif.images.prepare import Placement, Preparation, placement

OVERLAP = 0.25
"""Share of a tile, along each side, that its neighbour has too."""
LARGE = 2
"""A picture this many times larger, on both sides, than those that the network knows is answered in tiles."""
SMALLEST = 32
"""Pixels along a tile's long side, at least."""

TileRule = Literal["auto", "off"] | int


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of a picture, in whole pixels, right and bottom exclusive. core: x1, y1, x2, y2 of what it answers for.

    size: (height, width) that it takes when prepared; None: that of the Preparation. Right and bottom may lie beyond the
    picture, which is mirrored there.
    """

    left: int
    top: int
    right: int
    bottom: int
    core: tuple[float, float, float, float]
    size: tuple[int, int] | None = None

    def cut(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """This part of pixels (H, W, C); a view, but where it reaches beyond them."""
        part = pixels[self.top : self.bottom, self.left : self.right]
        beyond = self.bottom - self.top - part.shape[0], self.right - self.left - part.shape[1]
        if beyond == (0, 0):
            return part
        around = [(0, beyond[0]), (0, beyond[1]), *[(0, 0)] * (part.ndim - 2)]
        return np.asarray(np.pad(part, around, mode="symmetric"))

    def part(self, preparation: Preparation) -> Preparation:
        """How this part is prepared where pictures are prepared so."""
        if self.size is None:
            return preparation
        return replace(preparation, height=self.size[0], width=self.size[1], fit="stretch")

    def placement(self, height: int, width: int, preparation: Preparation) -> Placement:
        """Where the whole picture of height x width lies in this part's prepared image: mostly outside of it."""
        part = placement(self.bottom - self.top, self.right - self.left, self.part(preparation))
        return Placement(
            height,
            width,
            part.scale_x,
            part.scale_y,
            part.left - self.left * part.scale_x,
            part.top - self.top * part.scale_y,
        )


def tile_size(
    height: int, width: int, preparation: Preparation, reference: tuple[int, int] | None, rule: TileRule
) -> tuple[int, int] | None:
    """(height, width) of the tiles that a picture of height x width is to be cut into; None where it stays whole.

    rule: 'auto' cuts a picture more than LARGE times larger on both sides than the reference (height, width) into
    tiles of that size, and leaves all alone where there is none; 'off' leaves all alone; a number is the long side of a
    tile in pixels, its shape that of the reference, or of the prepared image. InputError for another rule.
    """
    if rule == "off":
        return None
    if rule == "auto":
        if reference is None or height <= LARGE * reference[0] or width <= LARGE * reference[1]:
            return None
        return reference
    if isinstance(rule, str | bool) or rule < SMALLEST:
        raise InputError(f"tile is {rule!r}; expected auto, off, or at least {SMALLEST} (pixels).")
    shape = reference or (preparation.height, preparation.width)
    found = max(1, round(rule * shape[0] / max(shape))), max(1, round(rule * shape[1] / max(shape)))
    return None if height <= found[0] and width <= found[1] else found


def grid(
    height: int,
    width: int,
    size: tuple[int, int],
    *,
    overlap: float = OVERLAP,
    unit: tuple[int, int] = (1, 1),
) -> list[Tile]:
    """Tiles of `size` (height, width) that cover a picture of height x width, row by row.

    Cores are disjoint and cover the picture. A side shorter than a tile's is one tile long. unit: pixels down and right
    of which tiles but the last begin at multiples, where it is less than from one tile to the next: the coarsest cells of
    a network (windows.step), so that all tiles see an object in the same place of its cell.
    """
    rows, columns = _spans(height, size[0], overlap, unit[0]), _spans(width, size[1], overlap, unit[1])
    return [
        Tile(left, top, right, bottom, (x1, y1, x2, y2))
        for top, bottom, y1, y2 in rows
        for left, right, x1, x2 in columns
    ]


def _spans(length: int, size: int, overlap: float, unit: int) -> list[tuple[int, int, float, float]]:
    """(start, end, start of core, end of core) of the tiles along one side."""
    size = min(length, size)
    stride = max(1, round(size * (1 - overlap)))
    stride = stride // unit * unit or stride
    starts = [*range(0, length - size, stride), length - size]
    seams = [(before + size + after) / 2 for before, after in pairwise(starts)]
    return [
        (start, start + size, first, last)
        for start, first, last in zip(starts, [0.0, *seams], [*seams, float(length)], strict=True)
    ]


def owned(boxes: NDArray[Any], tile: Tile, *, margin: float = 0.0) -> NDArray[np.bool_]:
    """(n,) whether the centre of each box (n, 4), in pixels of the picture, lies in the tile's core.

    margin: pixels by which the core is grown, so that nothing is lost between two tiles that see a centre a little
    differently; what two tiles then answer for is the caller's to merge.
    """
    x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    x1, y1, x2, y2 = tile.core
    found = (x >= x1 - margin) & (x <= x2 + margin) & (y >= y1 - margin) & (y <= y2 + margin)
    return np.asarray(found, np.bool_)


def cut_off(boxes: NDArray[Any], tile: Tile, height: int, width: int, *, near: float) -> NDArray[np.bool_]:
    """(n,) whether each box (n, 4) ends at an edge of its tile, within `near` pixels, where the picture goes on."""
    found = np.zeros(len(boxes), np.bool_)
    if tile.left > 0:
        found |= boxes[:, 0] <= tile.left + near
    if tile.top > 0:
        found |= boxes[:, 1] <= tile.top + near
    if tile.right < width:
        found |= boxes[:, 2] >= tile.right - near
    if tile.bottom < height:
        found |= boxes[:, 3] >= tile.bottom - near
    return found
