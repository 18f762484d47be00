"""How a picture is seen in training where its number must not change: shifted by a little, mirrored where that is allowed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.images.prepare import resize

LEAST = 0.88  # of each side that is kept


def view(
    images: NDArray[Any],
    truth: NDArray[np.floating[Any]],
    size: tuple[int, int],
    generator: np.random.Generator,
    progress: float,
    symmetries: tuple[str, ...],
) -> tuple[NDArray[Any], NDArray[np.floating[Any]]]:
    """As learn.models.base.View; at the end of training the whole picture, as in use."""
    out = np.empty((len(images), *size, images.shape[3]), images.dtype)
    for row, image in enumerate(images):
        keep = 1.0 - (1.0 - LEAST) * (1.0 - progress) * generator.random()
        height, width = (max(1, round(keep * side)) for side in image.shape[:2])
        top = int(generator.integers(0, image.shape[0] - height + 1))
        left = int(generator.integers(0, image.shape[1] - width + 1))
        seen = image[top : top + height, left : left + width]
        if "mirror" in symmetries and generator.random() < 0.5:
            seen = seen[:, ::-1]
        if "flip" in symmetries and generator.random() < 0.5:
            seen = seen[::-1]
        if "turn" in symmetries and generator.random() < 0.5:
            seen = np.swapaxes(seen, 0, 1)
        out[row] = resize(np.ascontiguousarray(seen), *size)
    return out, truth
