"""Measures of regions: how many pixels of each class are answered right, as IoU, accuracy or Dice.

A measure takes what is known of one image and gives three numbers for each class: (hits, beside, there). What a class is
worth, over one image or over many, is

    sum of hits / (sum of beside + sum of there)

`there` depends on the truth alone and is above 0 where the truth shows the class; `beside` is what the answer claims too
much. Every figure of segmentation has this form (segmentation.py), so that images can be weighted by one matrix product.

Nothing larger than these numbers is kept: the confusion table of each image, with a hundred classes, would be 10,000.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.metrics.base import Reals
from objectif.metrics.masks import VOID, Mask, classes_of

Kinds = NDArray[np.int64]
Measure = Callable[[Mask, Mask, Kinds], Reals]
"""measure(truth (h, w), answer (h, w), kinds (K,) rising classes) -> (3, K) hits, beside, there; or T columns for each
class, one class after the other. The answer is VOID where the truth is."""


def confusion(truth: Mask, answer: Mask, classes: int) -> NDArray[np.int64]:
    """(255, C + 1) pixels of one image by true class and answered class; the last column is of any other answer.

    Pixels whose truth is VOID are not counted.
    """
    wide = classes + 1
    cell = np.multiply(classes_of(truth), np.uint16(wide), dtype=np.uint16)  # at most 255 * 256 + 255
    cell += np.minimum(classes_of(answer), np.uint8(classes))
    table = np.bincount(cell.ravel(), minlength=(VOID + 1) * wide)
    return np.asarray(table[: (VOID + 1) * wide].reshape(VOID + 1, wide)[:VOID], np.int64)


def pixels(truth: Mask, answer: Mask, kinds: Kinds) -> tuple[Reals, Reals, Reals]:
    """(K,) pixels of each class that are right, that are answered, and that the truth shows."""
    table = confusion(truth, answer, int(kinds.max(initial=-1)) + 1)
    right, answered, there = table[kinds, kinds], table.sum(axis=0)[kinds], table.sum(axis=1)[kinds]
    return right.astype(np.float64), answered.astype(np.float64), there.astype(np.float64)


def iou(truth: Mask, answer: Mask, kinds: Kinds) -> Reals:
    """(3, K) for TP / (TP + FP + FN) of the pixels of all images. A class that neither shows adds nothing."""
    right, answered, there = pixels(truth, answer, kinds)
    return np.stack([right, answered - right, there])


def accuracy(truth: Mask, answer: Mask, kinds: Kinds) -> Reals:
    """(3, 1) for the share of all pixels of these classes that are right."""
    right, _, there = pixels(truth, answer, kinds)
    return np.array([[right.sum()], [0.0], [there.sum()]])


def pooled_dice(truth: Mask, answer: Mask, kinds: Kinds) -> Reals:
    """(3, K) for 2 TP / (answered + true) of the pixels of all images. A class that neither shows adds nothing."""
    right, answered, there = pixels(truth, answer, kinds)
    return np.stack([2.0 * right, answered, there])


def dice(truth: Mask, answer: Mask, kinds: Kinds) -> Reals:
    """(3, K) for the mean over images of Dice. Shown by the truth or the answer alone: 0; by neither: left out."""
    right, answered, there = pixels(truth, answer, kinds)
    return mean_over_images(2.0 * right / np.maximum(answered + there, 1.0), answered > 0, there > 0)


def mean_over_images(value: Reals, answered: NDArray[Any], there: NDArray[Any]) -> Reals:
    """(3, K) for the mean of a value (K,) over the images in which the truth or the answer shows the class."""
    counted = there | answered
    return np.stack([np.where(counted, value, 0.0), (answered & ~there) * 1.0, there * 1.0])
