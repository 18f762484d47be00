"""What suits held-out images: a bias for each class, and where an object begins.

A network trained on few pictures answers rare classes too seldom or too often, as its loss has it. Adding a constant to each
class's logits mends that after training, for nothing; coordinate ascent on a sample of pixels finds them in a second.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.images.prepare import Placement
from objectif.metrics.catalog import metric
from objectif.metrics.masks import VOID, classes_of, packed, padded
from objectif.tasks.places import stride, there
from objectif.tasks.watershed import objects

PIXELS = 200_000  # looked at in all
STEPS = (-1.0, -0.5, -0.25, 0.25, 0.5, 1.0)
ROUNDS = 3
LEAST_GAIN = 1e-4  # of mean IoU; less is chance
SEEDS = (40, 70, 100, 130, 160, 190)
SMALLEST = 0.15  # of the median object: what is smaller is dropped
LOOKED_AT = 16  # images

Arrays = NDArray[Any]


def best_bias(scores: Arrays, truth: Arrays, placements: Sequence[Placement]) -> tuple[float, ...] | None:
    """A bias for each class that is best for the mean IoU of a sample of cells; None where none gains anything.

    scores (n, h, w, C), truth (n, H, W).
    """
    classes = scores.shape[3]
    cells, told = _sample(scores, truth, placements)
    if not len(told):
        return None
    bias = np.zeros(classes, np.float32)
    best = first = _mean_iou(cells, told, classes)
    for _ in range(ROUNDS):
        before = best
        for label in range(1 if classes == 2 else 0, classes):
            for step in STEPS:
                tried = bias.copy()
                tried[label] += step
                value = _mean_iou(cells + tried, told, classes)
                if value > best + LEAST_GAIN:
                    best, bias = value, tried
        if best <= before:
            break
    return tuple(float(b) for b in bias) if best > first else None


def _sample(
    scores: Arrays, truth: Arrays, placements: Sequence[Placement]
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """(P, C) logits and (P,) classes of cells drawn evenly, without void ones."""
    height, width = scores.shape[1:3]
    each = max(1, PIXELS // max(1, len(scores)))
    rng = np.random.default_rng(0)
    cells, told = [], []
    for logits, mask, place in zip(scores, truth, placements, strict=True):
        step = stride(height, width, place)
        coarse = Placement(
            place.height,
            place.width,
            place.scale_x / step,
            place.scale_y / step,
            place.left / step,
            place.top / step,
        )
        right = classes_of(there(mask, height, width, coarse, VOID)).ravel()
        open_ = np.flatnonzero(right != VOID)
        some = rng.choice(open_, min(each, len(open_)), replace=False)
        cells.append(logits.reshape(-1, logits.shape[2])[some])
        told.append(right[some])
    return np.concatenate(cells).astype(np.float32), np.concatenate(told)


def _mean_iou(cells: NDArray[np.float32], told: NDArray[np.uint8], classes: int) -> float:
    """Over the classes that occur."""
    answered = cells.argmax(1)
    table = np.bincount(told.astype(np.int64) * classes + answered, minlength=classes * classes)
    table = table.reshape(classes, classes)
    there_ = table.sum(1) > 0
    union = table.sum(0) + table.sum(1) - table.diagonal()
    return float((table.diagonal()[there_] / union[there_]).mean())


def best_objects(
    decoded: Callable[[int, bool], tuple[NDArray[np.uint8], NDArray[np.uint8] | None]],
    truth: Arrays,
    placements: Sequence[Placement],
    told: bool,
) -> tuple[bool, int, int]:
    """(by_shape, seed, smallest) with the best AP at IoU .5 on some of the images.

    decoded: (row, by_shape) -> class and depth (H, W), None for that of the shape. told: whether the network tells depths at all.
    """
    rows = list(range(0, len(truth), max(1, len(truth) // LOOKED_AT)))[:LOOKED_AT]
    own = [truth[r, : placements[r].height, : placements[r].width] for r in rows]
    sizes = np.concatenate([np.bincount((mask >> 8).ravel())[1:] for mask in own] or [np.zeros(0, np.int64)])
    sizes = sizes[sizes > 0]
    smallest = max(1, int(SMALLEST * float(np.median(sizes)))) if len(sizes) else 1
    judge, right = metric("instance_AP50"), padded(own)
    best, found = -1.0, (True, SEEDS[2])
    for by_shape in (False, True) if told else (True,):
        grids = [decoded(row, by_shape) for row in rows]
        for seed in SEEDS:
            masks = [packed(c, objects(c, d, seed, smallest)) for c, d in grids]
            value = judge.value(right, padded(masks))
            if value > best:
                best, found = value, (by_shape, seed)
    return (*found, smallest)
