"""Occlusion: how much an answer loses when a part of the picture is hidden. It asks nothing of a network but to answer.

What hides must not look like evidence. A gray or black square does: it has edges, and among tiles with holes it is a hole.
So a part is faded into the same picture, blurred until only the light and the colour of its surroundings are left, and the
fade has no edge. What is left of a large dark blob is still dark: occlusion understates evidence that is as large as its
windows. Rejected: painting a plausible background in (a generative model, with evidence of its own), and random masks as
in RISE (Petsiuk et al. 2018), which need ten times as many answers for the same picture.

Source: Zeiler & Fergus 2014, "Visualizing and Understanding Convolutional Networks".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from objectif.errors import InputError

GRID, GRIDS = 8, (2, 32)
BATCH = 16
INNER, OUTER = (
    0.5,
    1.5,
)  # cells from a window's middle: hidden altogether up to the one, not at all from the other
_REDUCED = 64  # side at which a blur is computed

Values = Callable[[NDArray[Any]], NDArray[np.float64]]
"""Prepared images (n, H, W, C) to (n, K) numbers, K the same for all."""


def occlusion(pixels: NDArray[Any], values: Values, grid: int = GRID) -> NDArray[np.float32]:
    """(K, grid, grid) how much each number falls when that part of a prepared image (H, W, C) is hidden.

    InputError for a grid that is not within GRIDS.
    """
    check_grid(grid)
    whole = values(pixels[None])
    found = np.concatenate([values(batch) for batch in _hidden(pixels, grid)])
    return np.asarray((whole - found).T.reshape(-1, grid, grid), np.float32)


def check_grid(grid: int) -> None:
    """InputError for a grid of no use."""
    if not GRIDS[0] <= grid <= GRIDS[1]:
        raise InputError(
            f"a grid of {grid} windows along a side; expected {GRIDS[0]} to {GRIDS[1]}. Finer grids take the square of it "
            "in answers, and windows smaller than what the network looks for show nothing."
        )


def blurred(pixels: NDArray[Any], reach: float) -> NDArray[np.float32]:
    """The image (H, W, C) in its own type of levels, blurred; reach: deviation of the blur as a share of the longer side."""
    height, width = pixels.shape[:2]
    scale = min(1.0, _REDUCED / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(pixels.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), reach * max(size), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR), np.float32).reshape(
        pixels.shape
    )


def blended(pixels: NDArray[Any], fill: NDArray[np.float32], hide: NDArray[Any]) -> NDArray[Any]:
    """(..., H, W, C) the image with `hide` (..., H, W), 0..1, of the fill in its place; of the image's type."""
    share = np.asarray(hide, np.float32)[..., None]
    mixed = pixels.astype(np.float32) * (1 - share) + fill * share
    return np.asarray(np.rint(mixed).astype(np.uint8) if pixels.dtype == np.uint8 else mixed)


def _hidden(pixels: NDArray[Any], grid: int) -> Iterator[NDArray[Any]]:
    """The image with each window hidden, row by row, in batches."""
    fill = blurred(pixels, (INNER + OUTER) / grid)
    down, across = (_windows(side, grid) for side in pixels.shape[:2])
    places = [(row, column) for row in range(grid) for column in range(grid)]
    for start in range(0, len(places), BATCH):
        some = places[start : start + BATCH]
        hide = np.stack([down[row][:, None] * across[column][None] for row, column in some])
        yield blended(pixels, fill, hide)


def _windows(side: int, grid: int) -> NDArray[np.float32]:
    """(grid, side) how much of each pixel each window hides."""
    place = (np.arange(side) + 0.5) * grid / side
    away = np.abs(place[None] - (np.arange(grid) + 0.5)[:, None])
    return np.clip((OUTER - away) / (OUTER - INNER), 0.0, 1.0).astype(np.float32)
