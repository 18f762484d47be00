"""Training views of images with masks: one affine warp of picture and mask, and a change of light.

The mask takes the nearest pixel, so that no class or object comes into being that was not there, and is open (VOID) where
the view shows nothing. Objects keep their numbers. The last part of training sees pictures that just fit, as the network
will in use. Rejected: mosaics as for boxes. The seams between pictures are borders that no mask knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from objectif.learn.models.warp import draw, relight
from objectif.metrics.masks import VOID

Truth = NDArray[Any]


@dataclass(frozen=True)
class Settings:
    """zoom: least and greatest scale, 1 where the picture just fits; plain_zoom: once `plain` of the training is done,
    when pictures are no longer stretched and tilted.

    stretch: of one side against the other. tilt: most degrees of rotation, where quarter turns keep the truth.
    light: relative change of each channel's gain, and of saturation.
    """

    zoom: tuple[float, float] = (0.7, 1.5)
    plain_zoom: tuple[float, float] = (0.95, 1.05)
    plain: float = 0.8
    stretch: float = 0.1
    tilt: float = 10.0
    light: float = 0.25


def view(
    images: NDArray[Any],
    truth: Truth,
    size: tuple[int, int],
    generator: np.random.Generator,
    progress: float,
    symmetries: tuple[str, ...],
    settings: Settings = Settings(),  # frozen
) -> tuple[NDArray[Any], Truth]:
    """A View (see learn/models/base.py) for masks (n,h,w) of any type; those of the views are float32.

    float32 holds class + 256 * object exactly for 65,535 objects, and OpenCV moves it; it does not move uint32.
    """
    seen = np.empty((len(images), *size, images.shape[3]), images.dtype)
    told = np.empty((len(images), *size), np.float32)
    plain = progress >= settings.plain
    for row, (image, mask) in enumerate(zip(images, truth, strict=True)):
        warp = draw(
            generator,
            (image.shape[0], image.shape[1]),
            size,
            symmetries,
            zoom=settings.plain_zoom if plain else settings.zoom,
            stretch=0.0 if plain else settings.stretch,
            tilt=settings.tilt if "turn" in symmetries and not plain else 0.0,
        )
        seen[row] = relight(warp.show(image, size), generator, settings.light)
        told[row] = cv2.warpAffine(
            np.asarray(mask, np.float32),
            warp.affine,
            size[::-1],
            flags=cv2.INTER_NEAREST,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=float(VOID),
        )
    return seen, told
