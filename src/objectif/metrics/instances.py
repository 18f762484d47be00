"""Measures of objects in masks: which were found, as AP of matched objects and panoptic quality.

Objects are what the mask numbers (uint32: a class and an object; pixels without a number belong to none). A mask of
classes alone (uint8) has the connected parts of each class as its objects, corners touching. Pixels whose truth is VOID
are taken from the answer first, which may take a whole object or break one of these parts in two.

Objects of one class are matched one to one by IoU. Masks do not overlap, so an object can have IoU above .5 with one other
at most, and no choice is left (Kirillov et al. 2019, Panoptic segmentation). At exactly .5 it may be cut into two halves
that both have .5: then, and only then, two answers fit one object (or two objects one answer), the first is taken, and no
other choice would match more. IoUs are compared as whole numbers of pixels: .6 is .6.

What is called AP here has no scores to sweep: TP / (TP + FP + FN) of the objects of all images, as for cells and nuclei
(Caicedo et al. 2019, the Data Science Bowl of 2018; Schmidt et al. 2018, StarDist). An image and class with no object on
either side adds nothing; objects on one side alone are all missed, or all false.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.metrics.base import Reals
from objectif.metrics.masks import Mask, classes_of, objects_of
from objectif.metrics.regions import Kinds, Measure

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Matched:
    """Objects of one image: true ones are counted from 0 by class and number, answered ones alike.

    true (G,), found (M,): the class of each. first, second (P,): rows of the pairs with IoU of one half or more,
    one to one. both, either (P,): pixels of their intersection and union.
    """

    true: Ints
    found: Ints
    first: Ints
    second: Ints
    both: Ints
    either: Ints


def numbered(mask: Mask, kinds: Kinds) -> tuple[NDArray[np.int32], Ints]:
    """(h, w) objects of these classes counted from 1, 0 where there is none; the class (G,) of each."""
    return _connected(mask, kinds) if mask.dtype == np.uint8 else _named(mask, kinds)


def _connected(mask: Mask, kinds: Kinds) -> tuple[NDArray[np.int32], Ints]:
    import cv2  # not above: metrics are listed by name where nothing may be slow to import

    out = np.zeros(mask.shape, np.int32)
    of = np.zeros(0, np.int64)
    shown = np.bincount(mask.ravel(), minlength=256) > 0
    for kind in kinds[shown[kinds]]:
        here = mask == kind
        parts, labels = cv2.connectedComponents(here.view(np.uint8), connectivity=8, ltype=cv2.CV_32S)
        out[here] = labels[here] + len(of)
        of = np.append(of, np.full(parts - 1, kind))
    return out, of


def _named(mask: Mask, kinds: Kinds) -> tuple[NDArray[np.int32], Ints]:
    wanted = np.zeros(256, np.bool_)
    wanted[kinds] = True
    names = np.where(wanted[classes_of(mask)] & (objects_of(mask) > 0), mask, mask.dtype.type(0)).ravel()
    value, length = _runs(names)
    unique, row = np.unique(value, return_inverse=True)
    unnamed = int(len(unique) > 0 and unique[0] == 0)
    labels = np.repeat((row + 1 - unnamed).astype(np.int32), length)
    return labels.reshape(mask.shape), (unique[unnamed:] & 0xFF).astype(np.int64)


def _runs(flat: NDArray[Any]) -> tuple[NDArray[Any], Ints]:
    """Values and lengths of the runs of equal values: far fewer than pixels, so that sorting them is quick."""
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    return flat[starts], np.diff(np.append(starts, len(flat)))


def matched(truth: Mask, answer: Mask, kinds: Kinds) -> Matched:
    """The objects of these classes of truth and answer (h, w), and which belongs to which."""
    (true, of_true), (found, of_found) = numbered(truth, kinds), numbered(answer, kinds)
    wide = len(of_found) + 1
    value, length = _runs((true.astype(np.int64) * wide + found).ravel())
    pair, row = np.unique(value, return_inverse=True)
    both = np.bincount(row, length).astype(np.int64)
    first, second = pair // wide, pair % wide
    sizes = [np.bincount(side, both, n + 1) for side, n in ((first, len(of_true)), (second, len(of_found)))]
    either = (sizes[0][first] + sizes[1][second]).astype(np.int64) - both
    objects = (first > 0) & (second > 0)
    fits = objects & (2 * both >= either)
    fits[fits] = of_true[first[fits] - 1] == of_found[second[fits] - 1]
    keep = np.flatnonzero(fits)
    for side in (first, second):  # halves of one object: the first of them
        keep = np.sort(keep[np.unique(side[keep], return_index=True)[1]])
    return Matched(of_true, of_found, first[keep] - 1, second[keep] - 1, both[keep], either[keep])


def precision(percents: tuple[int, ...]) -> Measure:
    """AP at IoU of so many percent and more: a column for each, class after class."""

    def measure(truth: Mask, answer: Mask, kinds: Kinds) -> Reals:
        found = matched(truth, answer, kinds)
        good = 100 * found.both[:, None] >= np.array(percents) * found.either[:, None]
        kind = found.true[found.first]
        hits = np.stack([_by(kinds, kind[column]) for column in good.T], axis=1)
        there, answered = (_by(kinds, side)[:, None] for side in (found.true, found.found))
        return np.stack([hits, answered - hits, np.broadcast_to(there, hits.shape)]).reshape(3, -1)

    return measure


def panoptic(truth: Mask, answer: Mask, kinds: Kinds) -> Reals:
    """(3, K) for panoptic quality: sum of the IoU of matches (above .5) / (TP + FP / 2 + FN / 2)."""
    found = matched(truth, answer, kinds)
    good = 2 * found.both > found.either
    share = found.both[good] / found.either[good]
    hits = _by(kinds, found.true[found.first[good]], share)
    return np.stack([hits, _by(kinds, found.found) / 2.0, _by(kinds, found.true) / 2.0])


def _by(kinds: Kinds, of: Ints, weight: Reals | None = None) -> Reals:
    """(K,) how many, or the sum of the weights, of each class."""
    return np.bincount(of, weight, 256)[kinds].astype(np.float64)
