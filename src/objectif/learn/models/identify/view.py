"""How images of identities are seen in training: a small affine warp and a change of light; and plainly, where one solves.

Gentler than for classes: what tells one face or one sign from another is finer than what tells a face from a sign.
Mirrored views are no evidence here (an arrow to the left is not one to the right) and are shown where the statement says so.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from objectif.learn.models.warp import draw, relight

ZOOM, PLAIN_ZOOM = (0.85, 1.15), (0.97, 1.03)
STRETCH, TILT, LIGHT = 0.08, 8.0, 0.25
PLAIN = 0.9  # share of the training after which views are as in use

Truth = NDArray[Any]


def view(
    images: NDArray[Any],
    truth: Truth,
    size: tuple[int, int],
    generator: np.random.Generator,
    progress: float,
    symmetries: tuple[str, ...],
) -> tuple[NDArray[Any], Truth]:
    """A View (see learn/models/base.py); truth (n, 1, 2) as it is."""
    plain = progress >= PLAIN
    seen = np.empty((len(images), *size, images.shape[3]), images.dtype)
    for row, image in enumerate(images):
        warp = draw(
            generator,
            (image.shape[0], image.shape[1]),
            size,
            symmetries,
            zoom=PLAIN_ZOOM if plain else ZOOM,
            stretch=0.0 if plain else STRETCH,
            tilt=0.0 if plain else TILT,
        )
        seen[row] = relight(warp.show(image, size), generator, LIGHT)
    return seen, np.asarray(truth, np.float32)


def plainly(
    images: NDArray[Any],
    truth: Truth,
    size: tuple[int, int],
    generator: np.random.Generator,
    progress: float,
    symmetries: tuple[str, ...],
) -> tuple[NDArray[Any], Truth]:
    """A View that changes nothing but the size: for networks that are solved at once."""
    seen = np.empty((len(images), *size, images.shape[3]), images.dtype)
    for row, image in enumerate(images):
        shown = cv2.resize(np.asarray(image), size[::-1], interpolation=cv2.INTER_AREA)
        seen[row] = shown.reshape(*size, images.shape[3])
    return seen, np.asarray(truth, np.float32)
