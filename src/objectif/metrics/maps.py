"""Anomaly maps as arrays: a picture seen as SIDE x SIDE cells, whatever its size, and one row more for what is of all of it.

    truth   (N, SIDE + 1, SIDE) uint8    cells: 0 good, 1 defect, UNKNOWN; last row: the picture's kind, 0 good
    answers (N, SIDE + 1, SIDE) float32  cells: how unusual; last row: the threshold under which it was decoded

The score of a picture is the greatest of its cells (Roth et al. 2022): so the map alone tells everything. The threshold
travels along, because whoever decodes half of the images by what the other half wants has two of them. Rejected: maps in
pixels of each picture, padded to the largest: a hundred times the memory, while networks answer for 32 to 64 cells a side.
Each picture counts the same in metrics of pixels, whatever its size.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

SIDE = 128
UNKNOWN = 255
"""Cells of a picture with a defect of which nobody has said where it is."""
OTHER = 254
"""A kind of defect that has no number."""

Maps = NDArray[Any]


def cells(maps: Maps) -> Maps:
    """(N, SIDE, SIDE) without the row below."""
    return maps[:, :-1]


def scores(answers: Maps) -> NDArray[np.float64]:
    """(N,) how unusual each picture is: its most unusual cell."""
    return np.asarray(cells(answers).reshape(len(answers), -1).max(axis=1), np.float64)


def thresholds(answers: Maps) -> NDArray[np.float64]:
    """(N,) above which each picture is answered as anomalous."""
    return np.asarray(answers[:, -1, 0], np.float64)


def kinds(truth: Maps) -> NDArray[np.int64]:
    """(N,) the class of each picture, 0 where it is good."""
    return np.asarray(truth[:, -1, 0], np.int64)


def with_row(maps: Maps, value: Any) -> Maps:
    """(n, SIDE + 1, SIDE) of maps (n, SIDE, SIDE) and one value for each."""
    row = np.broadcast_to(np.asarray(value, maps.dtype).reshape(-1, 1, 1), (len(maps), 1, maps.shape[2]))
    return np.concatenate([maps, row], axis=1)


def shrunk(mask: NDArray[np.bool_], side: int = SIDE) -> NDArray[np.uint8]:
    """(side, side) of a mask (H, W): 1 where a defect covers half of a cell; one that covers half of none has its best."""
    import cv2  # late: listing metrics needs no OpenCV

    share = _shares(mask, side)
    found = (share >= 0.5).astype(np.uint8)
    count, regions = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    if count > 64:  # dust: all of it together
        count, regions = 2, mask.astype(np.int32)
    for number in range(1, count):
        own = _shares(regions == number, side)
        if not found[own > 0].any():
            found[np.unravel_index(int(own.argmax()), own.shape)] = 1
    return found


def _shares(mask: NDArray[np.bool_], side: int) -> NDArray[np.float32]:
    """How much of each cell a mask covers; of a picture smaller than the cells the nearest pixel."""
    import cv2

    height, width = mask.shape
    grown = cv2.resize(
        mask.astype(np.float32), (max(side, width), max(side, height)), interpolation=cv2.INTER_NEAREST
    )
    return np.asarray(cv2.resize(grown, (side, side), interpolation=cv2.INTER_AREA))


def conformal(good: NDArray[np.floating[Any]], rate: float) -> tuple[float, bool]:
    """The threshold above which a new good picture lies with a probability of at most `rate`, from scores of good ones.

    The ceil((n + 1) (1 - rate))-th smallest (Vovk et al. 2005; split conformal). False, and the greatest, where n is too
    small for that: fewer than 1 / rate - 1.
    """
    ordered = np.sort(np.asarray(good, np.float64))
    place = int(np.ceil((len(ordered) + 1) * (1 - rate) - 1e-9))
    if place > len(ordered):
        return float(ordered[-1]), False
    return float(ordered[place - 1]), True


def needed(rate: float) -> int:
    """Good pictures that are needed for a false-alarm rate."""
    return int(np.ceil(1 / rate - 1 - 1e-9))
