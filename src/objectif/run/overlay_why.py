"""An explanation drawn into its picture: heat where something speaks for the answer, and below it what, how sure, and a scale."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from objectif.errors import InputError
from objectif.run.explain import Explanation
from objectif.run.overlay import Pixels, canvas, words_on
from objectif.run.overlay_heat import paint

_GROUND = (24, 24, 24)
_METHODS = {
    "cam": "exact map (CAM)",
    "occlusion": "by hiding parts (occlusion)",
    "answer": "the answer's own map",
}


def explained(pixels: NDArray[Any], explanation: Explanation) -> Pixels:
    """Pixels (H, W, C) with the map's heat and a legend below, (h, w, 3) uint8; small pictures enlarged.

    The hottest place is ringed. InputError where picture and map differ in size.
    """
    if pixels.shape[:2] != explanation.map.shape:
        high, wide = explanation.map.shape
        raise InputError(
            f"{explanation.path}: the picture has {pixels.shape[1]} x {pixels.shape[0]} pixels, its map {wide} x {high}; expected "
            "the same. Give the picture that was explained."
        )
    shown, factor = canvas(pixels, False)
    size = shown.shape[1], shown.shape[0]
    heat = explanation.map
    if factor > 1:
        heat = np.asarray(cv2.resize(heat, size, interpolation=cv2.INTER_LINEAR), np.float32)
    colours, strength = paint(heat / max(explanation.hot, 1e-9))
    share = strength[:, :, None]
    mixed = np.rint(_pale(shown) * (1 - share) + colours * share).astype(np.uint8)
    letters = round(min(max(14.0, max(size) / 42), 64.0))
    if float(heat.max()) > 0 and explanation.unit != "mask":
        _ring(mixed, explanation.point, factor, letters)
    return np.asarray(np.concatenate([mixed, _legend(explanation, size[0], letters)]))


def _pale(shown: Pixels) -> NDArray[np.float32]:
    """Colours at a third: heat does not show on a red flower."""
    gray = cv2.cvtColor(shown, cv2.COLOR_RGB2GRAY)[:, :, None]
    return np.asarray(shown * np.float32(1 / 3) + gray * np.float32(2 / 3), np.float32)


def _ring(mixed: Pixels, point: tuple[float, float], factor: int, letters: int) -> None:
    """A white ring with a dark rim around the hottest place."""
    centre = round(point[0] * factor), round(point[1] * factor)
    line = max(1, letters // 9)
    for colour, thick in (((16, 16, 16), 3 * line), ((255, 255, 255), line)):
        cv2.circle(mixed, centre, letters // 2, colour, thick, cv2.LINE_AA)


def _legend(explanation: Explanation, width: int, letters: int) -> Pixels:
    """(h, width, 3) the answer, the method, and from what to what the heat goes."""
    gap = max(4, letters // 3)
    head = words_on(explanation.told, _GROUND, round(letters * 1.15))
    method = words_on(_METHODS[explanation.method], _GROUND, letters)
    ends = _scale_words(explanation)
    low, high = (words_on(words, _GROUND, letters) for words in ends)
    rows = [[head], [method]] if head.shape[1] + method.shape[1] + 3 * gap > width else [[head, method]]
    ramp = max(1, min(width - low.shape[1] - high.shape[1] - 4 * gap, 10 * letters))
    rows.append([low, _ramp(ramp, letters), high])
    lines = [_line(row, width, gap) for row in rows]
    return np.concatenate([np.full((gap, width, 3), _GROUND, np.uint8), *lines])


def _scale_words(explanation: Explanation) -> tuple[str, str]:
    if explanation.unit == "mask":
        return "elsewhere", "its pixels"
    of = "of " if explanation.unit.startswith("the ") else ""
    return "speaks for it: 0", f"{explanation.hot:.2g} {of}{explanation.unit}"


def _ramp(width: int, letters: int) -> Pixels:
    """The colours of heat over middle gray, cold to hot."""
    colours, strength = paint(np.broadcast_to(np.linspace(0, 1, width), (letters, width)))
    share = strength[:, :, None]
    return np.rint(128 * (1 - share) + colours * share).astype(np.uint8)


def _line(parts: list[Pixels], width: int, gap: int) -> Pixels:
    """Parts beside each other on the dark ground, cut at the width."""
    high = max(part.shape[0] for part in parts)
    strip = np.full((high + gap, width, 3), _GROUND, np.uint8)
    left = gap
    for part in parts:
        wide = max(0, min(part.shape[1], width - left))
        top = (high - part.shape[0]) // 2
        strip[top : top + part.shape[0], left : left + wide] = part[:, :wide]
        left += part.shape[1] + gap
    return strip
