"""Masks drawn into their pictures: colour over the pixels of each class or object, a line around each, a legend below.

Classes have their colours; where there is one class only, objects take turns in all colours, so that neighbours that touch
are told apart. Background stays as it is. The legend stands below the picture, where it covers nothing. Rows are painted a
block at a time: beside the picture a line's place costs a byte a pixel.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from objectif.answers import Masks
from objectif.errors import InputError
from objectif.metrics.masks import classes_of, objects_of
from objectif.run.overlay import Pixels, canvas, words_on
from objectif.run.palette import COLOURS, table

_CELLS = 2_000_000
_STRENGTH = 0.42  # of the colour over the picture
_GROUND = (24, 24, 24)  # of the legend
_LEAST = 0.0005  # share from which a class is told in percent


def drawn_masks(pixels: NDArray[Any], answer: Masks, *, own: bool = False) -> Pixels:
    """Pixels (H, W, C) with the mask of the answer, (h, w, 3) uint8; enlarged by a whole factor where it is small.

    own: the pixels are nobody else's and may be drawn into. InputError where picture and mask differ in size.
    """
    if pixels.shape[:2] != answer.mask.shape:
        raise InputError(
            f"{answer.path}: the picture has {pixels.shape[1]} x {pixels.shape[0]} pixels, its mask "
            f"{answer.mask.shape[1]} x {answer.mask.shape[0]}; expected the same. Give the picture that was answered."
        )
    shown, factor = canvas(pixels, own)
    mask = answer.mask
    if factor > 1:
        mask = mask.repeat(factor, axis=0).repeat(factor, axis=1)
    _paint(shown, mask, answer, max(1, round(max(shown.shape[:2]) / 900)))
    legend = _legend(answer, shown.shape[1], round(min(max(13.0, max(shown.shape[:2]) / 45), 64.0)))
    return shown if legend is None else np.concatenate([shown, legend])


def _paint(shown: Pixels, mask: NDArray[Any], answer: Masks, line: int) -> None:
    """Tint the pixels of objects, and draw their outer pixels, `line` wide, in full colour."""
    colours = table(answer.background)
    single = mask.dtype != np.uint8 and len(answer.classes) - int(answer.background) == 1
    step = max(1, _CELLS // max(1, mask.shape[1]))
    for top in range(0, len(mask), step):
        low, high = max(0, top - line), min(len(mask), top + step + line)
        part, own = mask[low:high], slice(top - low, min(top + step, len(mask)) - low)
        edge, part = _edges(part, line)[own], part[own]
        classes = classes_of(part)
        paint = np.array(COLOURS, np.uint8)[objects_of(part) % len(COLOURS)] if single else colours[classes]
        rows = shown[top : top + step]
        tinted = cv2.addWeighted(rows, 1 - _STRENGTH, paint, _STRENGTH, 0)
        inside = classes != 0 if answer.background else np.ones(classes.shape, np.bool_)
        rows[inside] = tinted[inside]
        rows[inside & edge] = paint[inside & edge]


def _edges(mask: NDArray[Any], line: int) -> NDArray[np.bool_]:
    """(h, w) pixels that are less than `line` from a pixel of another value."""
    edge: NDArray[Any] = np.zeros(mask.shape, np.uint8)
    for one, other in ((np.s_[:, 1:], np.s_[:, :-1]), (np.s_[1:], np.s_[:-1])):
        differs = mask[one] != mask[other]
        edge[one] |= differs
        edge[other] |= differs
    if line > 1:
        edge = cv2.dilate(edge, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * line - 1, 2 * line - 1)))
    return edge.view(np.bool_)


def _legend(answer: Masks, width: int, size: int) -> Pixels | None:
    """(h, width, 3) the classes that occur, the largest first, with their share; None where there is nothing to tell."""
    colours = table(answer.background)
    shares = list(answer.shares.items())[int(answer.background) :]
    told = sorted(
        ((s, k, name) for k, (name, s) in enumerate(shares, int(answer.background)) if s > 0), reverse=True
    )
    gap = max(3, size // 4)
    rows: list[list[Pixels]] = []
    left = width + 1
    for share, label, name in told:
        words = f"{name} {share:.1%}" if share >= _LEAST else f"{name} <0.1%"
        red, green, blue = (int(v) for v in colours[label])
        patch = words_on(words, (red, green, blue), size)[:, : max(1, width - 2 * gap)]
        if left + patch.shape[1] + gap > width or not rows:
            rows.append([])
            left = gap
        rows[-1].append(patch)
        left += patch.shape[1] + gap
    if not rows or width < 4 * gap:
        return None
    high = max(patch.shape[0] for patches in rows for patch in patches)
    strip = np.full((gap + len(rows) * (high + gap), width, 3), _GROUND, np.uint8)
    for row, patches in enumerate(rows):
        x = gap
        for patch in patches:
            bottom = (row + 1) * (high + gap)
            strip[bottom - patch.shape[0] : bottom, x : x + patch.shape[1]] = patch
            x += patch.shape[1] + gap
    return strip
