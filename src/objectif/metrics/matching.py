"""Which answer found which object: greedy by score, by the rules of COCO, once for all that is counted later.

The rules (Lin et al. 2014, the reference evaluation): in each image and class answers are taken in falling
order of score (equal scores in the order in which they stand); each takes the free object it overlaps most,
of equally overlapped ones the last, if the overlap reaches the threshold. An object to ignore is taken only
where no other fits, any number of answers may take it, its overlap is the share of the answer that it covers,
and such an answer is neither right nor wrong. Objects outside the range of areas are ignored too (but taken
once), and so are answers outside it that found nothing.

Images are independent, so all of them (and all thresholds) advance together, one answer at a time: as many
steps as an image has answers that overlap anything, whatever the number of images.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.metrics.base import Reals
from objectif.metrics.boxes import ANSWER_CLASS, IGNORE, SCORE, TRUTH_CLASS, area, overlap

_CELLS = 2_000_000  # overlaps held at once
EVERY = (0.0, math.inf)  # areas of any size

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Matches:
    """D answers by class, within it by falling score (stable by image and place), at T thresholds of overlap.

    image, label (D,): where and which class. score (D,). row (D,): its place among the image's answers.
    state (T, D) int8: 1 found an object, 0 found none, -1 neither right nor wrong.
    found (T, D) int32: the row of the truth that it found (ignored ones too), -1 where none.
    objects (N, C): how many objects each image has to find.
    """

    image: Ints
    label: Ints
    score: Reals
    row: Ints
    state: NDArray[np.int8]
    found: NDArray[np.int32]
    objects: Ints

    def of(self, label: int) -> slice:
        """The answers of a class."""
        return slice(*(int(i) for i in np.searchsorted(self.label, [label, label + 1])))


def match(
    truth: NDArray[Any],
    answers: NDArray[Any],
    thresholds: tuple[float, ...] = (0.5,),
    areas: tuple[float, float] = EVERY,
    classes: int | None = None,
) -> Matches:
    """Match answers (N, M, 6) to truth (N, G, 6); areas: objects of other sizes (square pixels) are ignored."""
    order = np.argsort(
        -np.where(answers[:, :, ANSWER_CLASS] >= 0, answers[:, :, SCORE], -np.inf), axis=1, kind="stable"
    )
    ranked = np.take_along_axis(answers, order[:, :, None], axis=1).astype(np.float64)
    labels, kinds = ranked[:, :, ANSWER_CLASS].astype(np.int64), truth[:, :, TRUTH_CLASS].astype(np.int64)
    size = area(truth)
    ignored = (truth[:, :, IGNORE] > 0) | (size < areas[0]) | (size > areas[1])
    found = np.full((len(thresholds), *labels.shape), -1, np.int32)
    deep = max(1, int((labels >= 0).sum(axis=1).max(initial=0)))
    step = max(1, _CELLS // (max(1, truth.shape[1]) * deep))
    for start in range(0, len(truth), step):
        part = slice(start, start + step)
        _block(truth[part], ranked[part, :deep], ignored[part], thresholds, found[:, part, :deep])
    image, place = np.nonzero(labels >= 0)
    flat = found[:, image, place]
    beyond = _outside(area(ranked[image, place]), areas)
    state = np.where(flat >= 0, 1, np.where(beyond, -1, 0)).astype(np.int8)
    state[(flat >= 0) & ignored[image, flat]] = -1
    label, score = labels[image, place], ranked[image, place, SCORE]
    sort = np.lexsort((-score, label))
    count = 1 + max(int(kinds.max(initial=-1)), int(labels.max(initial=-1))) if classes is None else classes
    return Matches(
        image=image[sort],
        label=label[sort],
        score=score[sort],
        row=order[image, place][sort],
        state=state[:, sort],
        found=flat[:, sort],
        objects=_objects(kinds, ignored, count),
    )


def _outside(sizes: Reals, areas: tuple[float, float]) -> Bools:
    return np.asarray((sizes < areas[0]) | (sizes > areas[1]), np.bool_)


def _objects(kinds: Ints, ignored: Bools, classes: int) -> Ints:
    """(N, C) objects to find."""
    image, place = np.nonzero((kinds >= 0) & ~ignored)
    flat = np.bincount(image * classes + kinds[image, place], minlength=len(kinds) * classes)
    return flat.reshape(len(kinds), classes)


def overlaps(truth: NDArray[Any], answers: NDArray[Any]) -> Reals:
    """(n, M, G) overlap of answers with truth of their class, 0 elsewhere: IoU, or the share of the answer that an
    object to ignore covers."""
    both = overlap(answers, truth)
    own, other = area(answers)[:, :, None], area(truth)[:, None, :]
    crowd = truth[:, None, :, IGNORE] > 0
    share = both / np.maximum(np.where(crowd, own, own + other - both), 1e-300)
    kind, label = truth[:, None, :, TRUTH_CLASS], answers[:, :, None, ANSWER_CLASS]
    return np.asarray(np.where((kind == label) & (kind >= 0), share, 0.0), np.float64)


def _block(
    truth: NDArray[Any],
    ranked: Reals,
    ignored: Bools,
    thresholds: tuple[float, ...],
    found: NDArray[np.int32],
) -> None:
    """Fill found (T, n, M) for some images: answers `ranked` (n, M, 6) stand in falling order of score."""
    share = overlaps(truth, ranked)
    levels = np.minimum(np.asarray(thresholds, np.float64), 1.0 - 1e-10)
    live = (share >= levels.min()).any(axis=2)
    counts = live.sum(axis=1)
    images = np.argsort(-counts, kind="stable")
    images = images[counts[images] > 0]
    if not len(images):
        return
    turns = np.argsort(~live, axis=1, kind="stable")[images]
    left = counts[images]
    crowd, ignored = truth[images, :, IGNORE] > 0, ignored[images]
    free = np.ones((len(images), len(levels), truth.shape[1]), np.bool_)
    for k in range(int(left[0])):
        n = int(np.searchsorted(-left, -k, "left"))  # images that have a k-th answer, which come first
        here, place = images[:n], turns[:n, k]
        taken = _take(share[here, place], levels, free[:n], ignored[:n])
        found[:, here, place] = taken.T
        image, level = np.nonzero(taken >= 0)
        target = taken[image, level]
        free[image, level, target] = crowd[image, target]


def _take(share: Reals, levels: Reals, free: Bools, ignored: Bools) -> NDArray[np.int32]:
    """(n, T) which object one answer in each of n images takes, -1 for none.

    share (n, G). free (n, T, G). Objects that count come before ignored ones: these lose one in overlap.
    """
    fits = free & (share[:, None, :] >= levels[None, :, None])
    worth = np.where(fits, (share - 2.0 * ignored)[:, None, :], -9.0)
    last = worth.shape[2] - 1 - worth[:, :, ::-1].argmax(axis=2)
    best = np.take_along_axis(worth, last[:, :, None], axis=2)[:, :, 0]
    return np.where(best > -9.0, last, -1).astype(np.int32)
