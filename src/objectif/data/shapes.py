"""The pixels of one shape, polygons or runs, each within its own box.

Never an array as large as the picture for each shape: ten thousand of them on a picture of a hundred megapixels take
seconds so, and hours otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from objectif.data import polygons
from objectif.data.dataset import Shape

Patch = tuple[int, int, NDArray[np.bool_]]
"""Top, left, and (h, w) True where the shape is; h and w may be 0."""


def patches(shape: Shape, height: int, width: int) -> Iterator[Patch]:
    """What a shape covers of a picture, box by box, which may overlap: one for each polygon, or one for its runs.

    Runs are to fill height x width exactly, which the caller has made sure of.
    """
    if shape.runs is None:
        for polygon in shape.polygons:
            yield polygons.filled(polygon, height, width)
    else:
        yield of_runs(shape.runs, height)


def of_runs(runs: Sequence[int], height: int) -> Patch:
    """The pixels of runs, column by column of `height` pixels, outside first; the box fits them closely."""
    ends = np.cumsum(np.asarray(runs, np.int64))
    start, end = ends[:-1:2], ends[1::2]  # of those inside
    start, end = start[end > start], end[end > start]
    if not len(start):
        return 0, 0, np.zeros((0, 0), np.bool_)
    first, last = start // height, (end - 1) // height
    left, right = int(first[0]), int(last[-1]) + 1
    top, bottom = 0, height
    if (first == last).all():  # else one goes on in the next column: from the lowest row to the highest
        top, bottom = int((start % height).min()), int(((end - 1) % height).max()) + 1
    high = bottom - top
    begin = (first - left) * high + start % height - top
    turns = np.column_stack([begin, begin + end - start]).ravel()
    lengths = np.diff(turns, prepend=0, append=high * (right - left))
    inside = np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)
    return top, left, inside.reshape((high, right - left), order="F")
