"""Metrics of segmentation: regions, surfaces and objects of masks; under weights on images.

All are means over classes of a ratio of two sums over images (regions.py says of what), so that an image of weight w counts
as w copies of it and every replicate is one row of a matrix product. The table of an image is made once for each answer.

Means are over the classes that the truth of the images shows (or of the draw; its objects, for measures of objects): a
class that only answers show has no ratio of its own, and costs where it hides another. Where no class is shown, the value
is NaN: not defined. Pixels whose truth is VOID count nowhere, and what is answered there is removed first.

Class 0 is background, where the data have one: a class like the others for IoU and accuracy, left out by the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from objectif.metrics import instances, regions, surfaces
from objectif.metrics.base import Metric, Prepared, Reals, Scores, Truth
from objectif.metrics.masks import VOID, Mask, classes_of
from objectif.metrics.regions import Kinds, Measure

_CELLS = 4_000_000  # sums held at once
TOLERANCE = 2.0  # pixels


def extent(inside: NDArray[np.bool_]) -> tuple[int, int]:
    """(h, w) of the smallest rectangle at the top left that holds all that is inside; at least one pixel."""
    rows, columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    return (int(rows[-1]) + 1, int(columns[-1]) + 1) if len(rows) else (1, 1)


def usual_place(truth: Truth, classes: int) -> Scores:
    """(N, H, W) uint8 answers of one who sees no image: the most frequent class at each place.

    The place says something where all images are of one size; else, and where no image knows a pixel, the class that is
    the most frequent of all is answered. VOID beyond the images.
    """
    counts = np.zeros(VOID, np.int64)
    sizes = [extent(classes_of(mask) != VOID) for mask in truth]
    for mask in truth:
        counts += np.bincount(classes_of(mask).ravel(), minlength=VOID + 1)[:VOID]
    answers = np.full(truth.shape, VOID, np.uint8)
    usual = np.full(truth.shape[1:], counts.argmax(), np.uint8)
    if len(set(sizes)) == 1:
        most = np.zeros(truth.shape[1:], np.int64)
        for kind in np.flatnonzero(counts[: max(classes, 1)]):
            seen = sum(((classes_of(mask) == kind) for mask in truth), np.zeros(most.shape, np.int64))
            usual[seen > most] = kind
            most = np.maximum(most, seen)
    for row, (high, wide) in zip(answers, sizes, strict=True):
        row[:high, :wide] = usual[:high, :wide]
    return np.asarray(answers)


@dataclass(frozen=True)
class MaskMetric(Metric):
    """A mean over classes of a ratio of sums over images.

    truth, scores (N, H, W): masks, uint8 or uint32 (masks.py), VOID beyond an image. everything: background is a class
    like the others. together: one ratio of all classes. background: class 0 is background; the catalog sets it from the
    names of the classes.
    """

    measure: Measure
    everything: bool = False
    together: bool = False
    background: bool = True

    def classes(self, truth: Truth, scores: Scores | None = None) -> int:
        """The largest class that occurs, plus one."""
        masks = [mask for block in (truth, scores) if block is not None for mask in block]
        return 1 + max(
            (int(np.flatnonzero(_shown(mask))[-1]) for mask in masks if _shown(mask).any()), default=-1
        )

    def support(self, truth: Truth) -> float:
        """How many images a share rests on: fewer than all where classes that few images show count as much."""
        shown = np.stack([_shown(mask) for mask in truth]).sum(axis=0)[self._first :]
        shown = shown[shown > 0]
        if self.together or not len(shown):
            return float(len(truth))
        return float(len(shown) ** 2 / (1.0 / shown).sum())

    def check(self, truth: Truth, scores: Scores) -> None:
        """ValueError where truth and answers are not masks of the same images."""
        masks = all(block.ndim == 3 and block.dtype in (np.uint8, np.uint32) for block in (truth, scores))
        if not masks or truth.shape != scores.shape or not truth.size:
            raise ValueError(
                f"{self.name}: truth is {truth.dtype} {truth.shape} and answers {scores.dtype} {scores.shape}; expected "
                "masks of the same N >= 1 images in both, (N, H, W), uint8 or uint32, padded with class 255"
            )

    @property
    def _first(self) -> int:
        return int(self.background and not self.everything)

    def prepared(self, truth: Truth, scores: Scores) -> Segmented:
        """Measured once, for values under any weights."""
        self.check(truth, scores)
        shown = np.any([_shown(mask) for mask in truth], axis=0)
        kinds = np.flatnonzero(shown[self._first :]) + self._first
        table = np.stack([self.measure(*_known(*pair), kinds) for pair in zip(truth, scores, strict=True)])
        columns = table.shape[2]
        labels = np.full(columns, -1) if self.together else np.repeat(kinds, columns // max(len(kinds), 1))
        there = table[:, 2].sum(axis=0) > 0  # the same for all answers: of the truth alone
        return Segmented(self, truth, scores, labels[there], table[:, :, there])

    def value(self, truth: Truth, scores: Scores, weight: Reals | None = None) -> float:
        row = np.ones(len(truth)) if weight is None else np.asarray(weight, np.float64)
        return float(self.prepared(truth, scores).replicates(row[None])[0])

    def replicates(self, truth: Truth, scores: Scores, counts: Reals) -> Reals:
        return self.prepared(truth, scores).replicates(np.asarray(counts, np.float64))

    def influence(self, truth: Truth, scores: Scores) -> Reals:
        return self.prepared(truth, scores).expand()[1]

    def parts(self, truth: Truth, scores: Scores) -> Reals:
        return self.prepared(truth, scores).expand()[2]

    def expand(self, truth: Truth, scores: Scores) -> tuple[float, Reals, Reals]:
        return self.prepared(truth, scores).expand()


def _shown(mask: Mask) -> NDArray[np.bool_]:
    """(255,) whether a mask shows each class."""
    seen = np.zeros(VOID + 1, np.bool_)
    seen[classes_of(mask).ravel()] = True
    return seen[:VOID]


def _known(truth: Mask, answer: Mask) -> tuple[Mask, Mask]:
    """Both without the padding that they share, the answer VOID where the truth is."""
    open_ = classes_of(truth) == VOID
    high, wide = extent(~open_ | (classes_of(answer) != VOID))
    cut = np.s_[:high, :wide]
    return np.ascontiguousarray(truth[cut]), np.where(open_[cut], answer.dtype.type(VOID), answer[cut])


@dataclass(frozen=True)
class Segmented(Prepared):
    """A MaskMetric of fixed answers.

    labels (K,): the class of each column, -1 of all together. table (N, 3, K): hits, beside and there of each image.
    """

    metric: MaskMetric
    labels: Kinds
    table: Reals

    def by_class(self) -> Iterator[tuple[int, Segmented]]:
        """(class, the same of that class alone)."""
        for label in np.unique(self.labels):
            own = self.labels == label
            one = self.table[:, :, own]
            yield int(label), Segmented(self.metric, self.truth, self.scores, self.labels[own], one)

    @property
    def work(self) -> float:
        """Multiply-adds of one replicate."""
        return 2.0 * self.table.size

    def replicates(self, counts: Reals) -> Reals:
        """(B,) values under weights (B, N); NaN where a draw shows none of the classes."""
        flat = self.table.reshape(len(self.table), -1)
        step = max(1, _CELLS // max(flat.shape[1], 1))
        found = np.full(len(counts), np.nan)
        for start in range(0, len(counts), step):
            b = slice(start, start + step)
            found[b] = _mean(*np.split(counts[b] @ flat, 3, axis=1))
        return found

    def expand(self) -> tuple[float, Reals, Reals]:
        """Value, influence (N,) and parts (N,). What the truth alone moves (there) is in no image's part."""
        n, columns = len(self.table), max(len(self.labels), 1)
        hits, beside, there = self.table.sum(axis=0)
        whole = beside + there
        value = float(_mean(hits[None], beside[None], there[None])[0])
        up, down = 1.0 / whole / columns, -hits / whole**2 / columns
        found = self.table[:, 0] @ up + self.table[:, 1] @ down
        influence = found + self.table[:, 2] @ down
        return value, influence - influence.mean(), found + (value - found.sum()) / n


def _mean(hits: Reals, beside: Reals, there: Reals) -> Reals:
    """(B,) mean over the columns that are there of hits / (beside + there), each (B, K); NaN where none is."""
    shown = there > 0
    ratio = np.where(shown, hits / np.where(shown, beside + there, 1.0), 0.0)
    with np.errstate(invalid="ignore"):
        return np.asarray(ratio.sum(axis=1) / shown.sum(axis=1), np.float64)


def _metric(
    name: str,
    title: str,
    measure: Measure,
    *,
    higher: bool = True,
    everything: bool = False,
    together: bool = False,
) -> MaskMetric:
    kinds = everything, together
    return MaskMetric(
        name, title, higher, False, False, higher, measure, *kinds, blind=usual_place, task="segment", axes=3
    )


MIOU = _metric("mIoU", "mean IoU of the classes", regions.iou, everything=True)
PIXEL_ACCURACY = _metric(
    "pixel_accuracy", "share of the pixels that are right", regions.accuracy, everything=True, together=True
)
DICE = _metric("dice", "Dice, mean over images", regions.dice)
DICE_POOLED = _metric("dice_pooled", "Dice of the pixels of all images", regions.pooled_dice)
HD95 = _metric("hd95", "95 % Hausdorff distance (px)", surfaces.hausdorff(), higher=False)
NSD = _metric("nsd", "surface Dice within 2 px", surfaces.surface_dice(TOLERANCE))
INSTANCE_AP50 = _metric("instance_AP50", "AP of objects at IoU .50", instances.precision((50,)))
INSTANCE_AP50_90 = _metric(
    "instance_AP50_90", "AP of objects at IoU .50 to .90", instances.precision(tuple(range(50, 95, 5)))
)
PQ = _metric("PQ", "panoptic quality of objects", instances.panoptic)


def in_unit(metric: Metric, spacing: surfaces.Spacing, unit: str) -> Metric:
    """hd95 and nsd with distances in the unit of a spacing (down, across), under titles that say so; others unchanged.

    The tolerance of nsd is that of TOLERANCE pixels along the coarser side.
    """
    if not isinstance(metric, MaskMetric) or metric.name not in {HD95.name, NSD.name}:
        return metric
    if metric.name == HD95.name:
        title = f"95 % Hausdorff distance ({unit})"
        return replace(metric, title=title, measure=surfaces.hausdorff(spacing))
    reach = TOLERANCE * max(spacing)
    measure = surfaces.surface_dice(reach, spacing)
    return replace(metric, title=f"surface Dice within {reach:g} {unit}", measure=measure)


METRICS = (MIOU, PIXEL_ACCURACY, DICE, DICE_POOLED, HD95, NSD, INSTANCE_AP50, INSTANCE_AP50_90, PQ)
