"""Training views of pictures to be restored: a part cut out of each, turned and mirrored as a whole; no light is changed.

What a picture has gone through is told pixel by pixel, so nothing may be scaled, tilted or brightened.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def view(
    images: NDArray[Any],
    truth: NDArray[Any],
    size: tuple[int, int],
    generator: np.random.Generator,
    progress: float,
    symmetries: tuple[str, ...],
) -> tuple[NDArray[Any], NDArray[Any]]:
    """A View (learn/models/base.py): a random part of images (n,h,w,C) and truth (n,h,w,2C), both mirrored where too small."""
    seen = np.empty((len(images), *size, images.shape[3]), images.dtype)
    told = np.empty((len(images), *size, truth.shape[3]), np.float32)
    for row, (image, right) in enumerate(zip(images, truth, strict=True)):
        turned = "turn" in symmetries and generator.random() < 0.5
        across = size[::-1] if turned else size
        top, left = (
            int(generator.integers(max(1, have - want + 1)))
            for have, want in zip(image.shape[:2], across, strict=True)
        )
        flips = [
            axis
            for axis, name in ((0, "flip"), (1, "mirror"))
            if name in symmetries and generator.random() < 0.5
        ]
        for whole, out in ((image, seen), (right, told)):
            part = whole[top : top + across[0], left : left + across[1]]
            part = filled(part, across)
            part = np.flip(part, tuple(flips))
            out[row] = np.rot90(part) if turned else part
    return seen, told


def filled(part: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """(h, w, C) mirrored to the right and downwards until it is of this size; as it is where it is no smaller."""
    more = [(0, max(0, want - have)) for have, want in zip(part.shape[:2], size, strict=True)]
    return part if not any(b for _, b in more) else np.pad(part, (*more, (0, 0)), mode="symmetric")
