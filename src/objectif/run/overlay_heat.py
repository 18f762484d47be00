"""How unusual the parts of a picture are, as heat over it: nothing where all is as usual, red from the threshold on."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from objectif.answers import AnomalyMap
from objectif.errors import InputError
from objectif.run.overlay import Pixels, canvas

_STOPS = (0.0, 0.5, 0.75, 1.0)
_PAINTS = ((40, 60, 160), (70, 170, 220), (250, 215, 70), (235, 40, 40))
_STRENGTH = 0.65  # of the hottest colour over the picture


def paint(heat: NDArray[np.floating[Any]]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Colours (h, w, 3) and strengths (h, w) in 0..1 of heat (h, w) in 0..1: the colder, the fainter."""
    heat = np.clip(heat, 0.0, 1.0)
    colours = [np.interp(heat, _STOPS, [p[k] for p in _PAINTS]) for k in range(3)]
    strength = np.interp(heat, [0.0, 0.35, 1.0], [0.0, 0.15, _STRENGTH])
    return np.rint(np.stack(colours, axis=-1)).astype(np.uint8), strength.astype(np.float32)


def heated(pixels: NDArray[Any], answer: AnomalyMap) -> Pixels:
    """Pixels (H, W, C) with the answer's map over them, (h, w, 3) uint8; the threshold's outline in red.

    Cold is half of the threshold. InputError where picture and answer differ in size.
    """
    if pixels.shape[:2] != (answer.height, answer.width):
        raise InputError(
            f"{answer.path}: the picture has {pixels.shape[1]} x {pixels.shape[0]} pixels, its map {answer.width} x "
            f"{answer.height}; expected the same. Give the picture that was answered."
        )
    shown, factor = canvas(pixels, False)
    values = answer.map
    if factor > 1:
        values = np.asarray(
            cv2.resize(values, shown.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.float32
        )
    unit = max(abs(answer.threshold), 1e-9)
    colours, strength = paint((values / unit - 0.5) / 0.5)
    share = strength[:, :, None]
    mixed = np.rint(shown * (1 - share) + colours * share).astype(np.uint8)
    above = (values > answer.threshold).astype(np.uint8)
    outlines = cv2.findContours(above, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)[0]
    return np.asarray(
        cv2.drawContours(mixed, outlines, -1, (235, 40, 40), max(1, round(max(mixed.shape[:2]) / 500)))
    )
