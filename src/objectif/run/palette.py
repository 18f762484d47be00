"""Colours of classes and objects, the same in overlays, in index pictures and in outlines.

The first seven are those of Okabe and Ito (2008), which stay apart for the colour-blind. More classes than that get the
same hues dark and light: no set of twenty colours stays apart for everybody, so names always stand beside them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]

COLOURS: tuple[Colour, ...] = (
    (86, 180, 233), (230, 159, 0), (0, 158, 115), (240, 228, 66), (213, 94, 0), (204, 121, 167), (0, 114, 178),
)  # fmt: skip
_SHADES = ((0.0, 1.0), (0.0, 0.5), (140.0, 0.45))  # added, times: plain, dark, light


def colour(label: int, background: bool) -> Colour:
    """(red, green, blue) of a class; black for class 0 where it is background."""
    if background and label == 0:
        return 0, 0, 0
    place = label - int(background)
    added, times = _SHADES[place // len(COLOURS) % len(_SHADES)]
    red, green, blue = (round(added + times * v) for v in COLOURS[place % len(COLOURS)])
    return red, green, blue


def table(background: bool) -> NDArray[np.uint8]:
    """(256, 3) the colour of each class."""
    return np.array([colour(label, background) for label in range(256)], np.uint8)
