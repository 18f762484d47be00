"""What kind of error each wrong pixel is, and whether it lies at a true border.

Where an outline runs is a matter of a pixel or two even between two people who draw it. So errors within two pixels of a
true border are told apart from those inside: many of the former are no reason to worry, the latter are seen things.
Pixels beside open ones (VOID) are not at a border for that, because what lies there is not known.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from objectif.metrics.masks import VOID, classes_of

MISSED, EXTRA, CLASS, BOUNDARY = 1, 2, 3, 4  # as tasks.exhibits.ERRORS counts them
NEAR = 2  # pixels on either side of a border

Mask = NDArray[Any]


def kinds(truth: Mask, answer: Mask, background: bool) -> NDArray[np.uint8]:
    """(h, w) MISSED, EXTRA, CLASS, or 0 where the answer is right or the truth is open."""
    true, told = classes_of(truth), classes_of(answer)
    wrong = (true != told) & (true != VOID)
    found = np.where(wrong, np.uint8(CLASS), np.uint8(0))
    if background:
        found[wrong & (told == 0)] = MISSED
        found[wrong & (true == 0)] = EXTRA
    return found


def at_border(truth: Mask) -> NDArray[np.bool_]:
    """(h, w) pixels within NEAR of a border between two classes or two objects of the truth."""
    known = classes_of(truth) != VOID
    edge: NDArray[Any] = np.zeros(truth.shape, np.uint8)
    for one, other in ((np.s_[:, 1:], np.s_[:, :-1]), (np.s_[1:], np.s_[:-1])):
        differs = (truth[one] != truth[other]) & known[one] & known[other]
        edge[one] |= differs
        edge[other] |= differs
    side = 2 * (NEAR - 1) + 1
    return np.asarray(cv2.dilate(edge, np.ones((side, side), np.uint8)) > 0, np.bool_)
