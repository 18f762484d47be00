"""Metrics of anomalies: of pictures (areas under curves, what the stored threshold makes of them) and of their cells.

Those of cells are made of histograms: how many good cells, and how much of each defect, lie in each of a few hundred bins
of the score, for each picture. A bootstrap replicate is then one row of a matrix product, like that of any other sum. Bins
hold equally many cells, so that areas are exact to a part in a hundred thousand; ties within a bin count half.

Where a set has no defect, or none with a mask, what is asked of defects is NaN: not defined.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from objectif.metrics.base import Metric, Prepared, Reals, Scores, Truth
from objectif.metrics.maps import SIDE, cells, kinds, scores, thresholds, with_row
from objectif.metrics.ranking import AUROC, AVERAGE_PRECISION, RankMetric

BINS = 512
LIMIT = 0.3
"""Share of the good cells up to which the overlap of regions is integrated (Bergmann et al. 2021)."""
_STEP = 1e-4  # of weight, in the derivative


def nothing_seen(truth: Truth, classes: int) -> Scores:
    """(N, SIDE + 1, SIDE) answers of one who sees no picture: all are the same, and none is anomalous."""
    return np.asarray(with_row(np.zeros((len(truth), SIDE, SIDE), np.float32), 1.0))


@dataclass(frozen=True)
class _OfMaps(Metric):
    """What metrics of anomalies share."""

    def classes(self, truth: Truth, scores: Scores | None = None) -> int:
        """Good, and not."""
        return 2

    def support(self, truth: Truth) -> float:
        """How many pictures a share rests on: those of the rarer side."""
        bad = int((kinds(truth) > 0).sum())
        return float(max(1, min(bad, len(truth) - bad)))

    def check(self, truth: Truth, scores: Scores) -> None:
        """ValueError where truth and answers are not maps of the same pictures."""
        if truth.ndim != 3 or truth.shape != scores.shape or not len(truth):
            raise ValueError(
                f"{self.name}: truth is {truth.shape} and answers {scores.shape}; expected maps of the same N >= 1 "
                f"pictures in both, (N, {SIDE + 1}, {SIDE})"
            )

    def replicates(self, truth: Truth, scores: Scores, counts: Reals) -> Reals:
        return self.prepared(truth, scores).replicates(np.asarray(counts, np.float64))

    def influence(self, truth: Truth, scores: Scores) -> Reals:
        return self.prepared(truth, scores).expand()[1]

    def parts(self, truth: Truth, scores: Scores) -> Reals:
        return self.prepared(truth, scores).expand()[2]

    def expand(self, truth: Truth, scores: Scores) -> tuple[float, Reals, Reals]:
        return self.prepared(truth, scores).expand()

    def value(self, truth: Truth, scores: Scores, weight: Reals | None = None) -> float:
        row = np.ones(len(truth)) if weight is None else np.asarray(weight, np.float64)
        return float(self.prepared(truth, scores).replicates(row[None])[0])


@dataclass(frozen=True)
class ImageRank(_OfMaps):
    """An area under a curve of the pictures' scores, defects against good ones."""

    rank: RankMetric

    def prepared(self, truth: Truth, scores_: Scores) -> Prepared:
        """The scores alone: maps are looked at once."""
        self.check(truth, scores_)
        bad = (kinds(truth) > 0).astype(np.int64)
        return Prepared(self.rank, bad[:, None], scores(scores_)[:, None])


@dataclass(frozen=True)
class MapSum(_OfMaps):
    """A function of sums over pictures: measure(truth, answers) -> (N, Q), finish(sums (B, Q)) -> (B,)."""

    measure: Callable[[Truth, Scores], Reals]
    finish: Callable[[Reals], Reals]

    def prepared(self, truth: Truth, scores: Scores) -> Summed:
        """Measured once, for values under any weights."""
        self.check(truth, scores)
        return Summed(self, truth, scores, self.measure(truth, scores))


@dataclass(frozen=True)
class Summed(Prepared):
    """A MapSum of fixed answers. table (N, Q): what each picture adds to the sums."""

    metric: MapSum
    table: Reals

    @property
    def work(self) -> float:
        """Multiply-adds of one replicate."""
        return float(self.table.size)

    def replicates(self, counts: Reals) -> Reals:
        """(B,) values under weights (B, N)."""
        return self.metric.finish(np.asarray(counts, np.float64) @ self.table)

    def expand(self) -> tuple[float, Reals, Reals]:
        """Value, influence (N,) and parts (N,); the derivative by differences, as curves have none that is short."""
        total = self.table.sum(axis=0)
        value = float(self.metric.finish(total[None])[0])
        slope = (self.metric.finish(total + _STEP * self.table) - value) / _STEP
        influence = slope - slope.mean()
        return value, influence, np.asarray(influence + value / len(self.table), np.float64)


# --- pictures under the stored threshold --------------------------------------------------------------------------


def alarms(truth: Truth, answers: Scores) -> Reals:
    """(N, 4): defects found, defects missed, good ones called anomalous, good ones."""
    bad, called = kinds(truth) > 0, scores(answers) > thresholds(answers)
    return np.stack([bad & called, bad & ~called, ~bad & called, ~bad], axis=1).astype(np.float64)


def _f1(sums: Reals) -> Reals:
    found, missed, false = sums[..., 0], sums[..., 1], sums[..., 2]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(found + missed > 0, 2 * found / (2 * found + missed + false), np.nan)


def _recall(sums: Reals) -> Reals:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sums[..., 0] / (sums[..., 0] + sums[..., 1]), np.float64)


def _false_alarms(sums: Reals) -> Reals:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sums[..., 2] / sums[..., 3], np.float64)


# --- cells --------------------------------------------------------------------------------------------------------


def _binned(truth: Truth, answers: Scores) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """(N, SIDE, SIDE) the bin of each cell: half of the edges from all cells, half from those of defects."""
    seen, values = cells(truth), cells(answers)
    some = values[:: max(1, len(values) // 200)].ravel()[::7]
    bad = values[seen == 1]
    grid = np.linspace(0, 1, BINS // 2 + 1)[1:-1]
    edges = np.quantile(some, grid)
    if len(bad):
        edges = np.concatenate([edges, np.quantile(bad, grid)])
    edges = np.unique(edges)
    return np.searchsorted(edges, values.ravel(), side="right").reshape(values.shape).astype(np.int64)


def cell_histograms(truth: Truth, answers: Scores) -> Reals:
    """(N, 2 BINS) how many good cells, then cells of defects, are in each bin; unknown ones in none."""
    bins, seen = _binned(truth, answers), cells(truth)
    table = np.zeros((len(truth), 2, BINS))
    for row, (place, true) in enumerate(zip(bins, seen, strict=True)):
        table[row, 0] = np.bincount(place[true == 0], minlength=BINS)
        table[row, 1] = np.bincount(place[true == 1], minlength=BINS)
    return table.reshape(len(truth), -1)


def _pixel_auroc(sums: Reals) -> Reals:
    good, bad = np.split(np.atleast_2d(sums), 2, axis=1)
    below = np.cumsum(good, axis=1) - 0.5 * good
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((bad * below).sum(axis=1) / (good.sum(axis=1) * bad.sum(axis=1)), np.float64)


def region_histograms(truth: Truth, answers: Scores) -> Reals:
    """(N, 2 BINS) good cells in each bin, then the shares of the picture's connected defects, which sum to their number."""
    import cv2  # late: listing metrics needs no OpenCV

    bins, seen = _binned(truth, answers), cells(truth)
    table = np.zeros((len(truth), 2, BINS))
    for row, (place, true) in enumerate(zip(bins, seen, strict=True)):
        table[row, 0] = np.bincount(place[true == 0], minlength=BINS)
        if (true == 1).any():
            count, regions = cv2.connectedComponents((true == 1).astype(np.uint8), connectivity=8)
            for number in range(1, count):
                own = place[regions == number]
                table[row, 1] += np.bincount(own, minlength=BINS) / len(own)
    return table.reshape(len(truth), -1)


def _aupro(sums: Reals) -> Reals:
    """Mean overlap of regions over the false-positive rate from 0 to LIMIT, divided by LIMIT: 1 at best."""
    good, share = np.split(np.atleast_2d(sums), 2, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        false = _curve(good) / good.sum(axis=1, keepdims=True)
        overlap = _curve(share) / share.sum(axis=1, keepdims=True)
        low, high = false[:, :-1], false[:, 1:]
        reach = np.clip(high, None, LIMIT) - np.clip(low, None, LIMIT)
        part = np.where(high > low, reach / np.maximum(high - low, 1e-300), 0.0)
        left = overlap[:, :-1]
        right = left + (overlap[:, 1:] - left) * part
        return np.asarray((reach * (left + right) / 2).sum(axis=1) / LIMIT, np.float64)


def _curve(histogram: Reals) -> Reals:
    """(B, BINS + 1) how much lies at or above each threshold, the highest first."""
    up = np.cumsum(histogram[:, ::-1], axis=1)
    return np.concatenate([np.zeros((len(up), 1)), up], axis=1)


def _rank(name: str, title: str, rank: RankMetric) -> ImageRank:
    return ImageRank(name, title, True, False, False, True, rank, blind=nothing_seen, task="anomaly", axes=3)


def _sum(
    name: str,
    title: str,
    measure: Callable[[Truth, Scores], Reals],
    finish: Callable[[Reals], Reals],
    higher: bool = True,
) -> MapSum:
    return MapSum(
        name, title, higher, False, False, True, measure, finish, blind=nothing_seen, task="anomaly", axes=3
    )


METRICS: tuple[Metric, ...] = (
    _rank("image_auroc", "image AUROC", AUROC),
    _rank("image_ap", "image average precision", AVERAGE_PRECISION),
    _sum("pixel_auroc", "pixel AUROC", cell_histograms, _pixel_auroc),
    _sum("aupro", f"AUPRO up to {LIMIT}", region_histograms, _aupro),
    _sum("anomaly_f1", "F1 at the threshold", alarms, _f1),
    _sum("detection_rate", "share of defects found", alarms, _recall),
    _sum("false_alarm_rate", "false alarms among good pictures", alarms, _false_alarms, higher=False),
)
