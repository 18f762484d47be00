"""Sweeping the threshold of one class: how many right and wrong answers stand above it, under weights on images.

Answers in falling order of score are cut into runs: some wrong ones, then right ones, up to the last right one
before the next wrong. Precision rises along the right ones of a run, so its upper envelope, and with it all
that average precision and FROC ask, is known at the ends of runs alone; wrong answers after the last right
one change nothing. A replicate is then two sums over few runs, a matrix product of weights, where the plain
way is as many cumulative sums as there are answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from objectif.metrics.base import Reals
from objectif.metrics.matching import Ints, Matches

_CELLS = 4_000_000  # sums held at once
RECALLS = np.linspace(0.0, 1.0, 101)  # at which precision is read

Measure = Callable[[Reals, Reals, Reals, Reals], Reals]  # (right, wrong (B, R), objects, images (B,)) -> (B,)
Slope = Callable[["Sweep"], Reals]  # -> (N,) derivative by weights, or that of a smooth relative


@dataclass(frozen=True)
class Sweep:
    """One class at one threshold of overlap: R runs.

    right, wrong: image * R + run of each right (wrong) answer. objects (N,): to be found in each image.
    """

    right: Ints
    wrong: Ints
    objects: Reals
    runs: int

    @property
    def images(self) -> int:
        """How many images there are, those without an answer too."""
        return len(self.objects)

    @property
    def total(self) -> float:
        """How many objects there are."""
        return float(self.objects.sum())

    def sums(self, cells: Ints, start: int, stop: int) -> Reals:
        """(N, stop - start) how many of `cells` lie in each image and each of those runs."""
        image, run = self.split(cells)
        kept, wide = (run >= start) & (run < stop), stop - start
        counts = np.bincount(image[kept] * wide + run[kept] - start, minlength=self.images * wide)
        return np.asarray(counts.reshape(self.images, wide), np.float64)

    def split(self, cells: Ints) -> tuple[Ints, Ints]:
        """Image and run of each of `cells`."""
        image, run = np.divmod(cells, max(self.runs, 1))
        return image, run

    def under(self, weights: Reals) -> tuple[Reals, Reals]:
        """(B, R) right and wrong answers up to the end of each run under weights (B, N)."""
        found = []
        step = max(1, _CELLS // max(self.images, 1))
        for cells in (self.right, self.wrong):
            whole = np.empty((len(weights), self.runs))
            for start in range(0, self.runs, step):
                stop = min(start + step, self.runs)
                np.matmul(weights, self.sums(cells, start, stop), out=whole[:, start:stop])
            found.append(np.cumsum(whole, axis=1, out=whole))
        return found[0], found[1]

    def totals(self) -> tuple[Reals, Reals]:
        """(R,) right and wrong answers up to the end of each run."""
        counts = (np.bincount(self.split(c)[1], minlength=self.runs) for c in (self.right, self.wrong))
        right, wrong = (np.cumsum(c, dtype=np.float64) for c in counts)
        return right, wrong


def sweep(found: Matches, label: int, level: int) -> Sweep:
    """The Sweep of a class at the level-th threshold."""
    part = found.of(label)
    state = found.state[level, part]
    counted = state >= 0
    image, good = found.image[part][counted], state[counted] == 1
    ends = good & ~np.append(good[1:], False)
    run = np.cumsum(ends) - ends
    runs = int(ends.sum())
    cells = image * runs + run
    return Sweep(
        cells[good],
        cells[~good & (run < runs)],
        found.objects[:, label].astype(np.float64),
        runs,
    )


def _envelope(right: Reals, wrong: Reals) -> Reals:
    """(B, R) the best precision at this recall or a higher one."""
    precision = right / np.maximum(right + wrong, 1e-300)
    np.maximum.accumulate(precision[:, ::-1], axis=1, out=precision[:, ::-1])
    return precision


def precisions(right: Reals, wrong: Reals, objects: Reals) -> Reals:
    """(B, 101) upper envelope of precision at RECALLS, 0 where that recall is not reached; NaN without objects."""
    found = np.zeros((len(right), len(RECALLS)))
    if right.shape[1]:
        envelope = _envelope(right, wrong)
        recall = right / np.maximum(objects, 1e-300)[:, None]
        for b in range(len(right)):
            reached = recall[b].searchsorted(RECALLS)
            reached = reached[: reached.searchsorted(right.shape[1])]
            found[b, : len(reached)] = envelope[b].take(reached)
    found[objects <= 0] = np.nan
    return found


def precision_area(right: Reals, wrong: Reals, objects: Reals, images: Reals) -> Reals:
    """(B,) average precision: the mean of precisions() over recall; NaN without objects."""
    return np.asarray(precisions(right, wrong, objects).mean(axis=1), np.float64)


def precision_slope(one: Sweep) -> Reals:
    """(N,) derivative of average precision over all recalls by the weight of each image.

    Through the objects that the image finds, through the precision at and below each of its answers (as far as the
    envelope rests on it), and through the number of objects. The envelope is the maximum at one run: its derivative
    is that run's.
    """
    if not one.runs:
        return np.zeros(one.images)
    right, wrong = one.totals()
    found, precision = np.diff(right, prepend=0.0), right / (right + wrong)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    rests = np.where(precision >= envelope, np.arange(one.runs), one.runs)
    rests = np.minimum.accumulate(rests[::-1])[::-1]  # the run whose precision is the envelope
    weight = np.bincount(rests, weights=found, minlength=one.runs) / (right + wrong)
    gain = envelope + np.cumsum((weight * (1.0 - precision))[::-1])[::-1]
    loss = np.cumsum((weight * precision)[::-1])[::-1]
    area = float(found @ envelope) / one.total
    return (
        _by_image(one, one.right, gain) - _by_image(one, one.wrong, loss) - area * one.objects
    ) / one.total


def _by_image(one: Sweep, cells: Ints, worth: Reals) -> Reals:
    """(N,) sums of what an answer is worth in its run, over the answers of each image."""
    image, run = one.split(cells)
    return np.asarray(np.bincount(image, worth[run], one.images), np.float64)


def sensitivity(rates: tuple[float, ...]) -> Measure:
    """A measure as precision_area: mean share of objects found at these numbers of wrong answers an image."""

    def measure(right: Reals, wrong: Reals, objects: Reals, images: Reals) -> Reals:
        found = sensitivities(right, wrong, objects, images, rates)
        return np.asarray(found.mean(axis=1), np.float64)

    return measure


def sensitivities(
    right: Reals, wrong: Reals, objects: Reals, images: Reals, rates: tuple[float, ...]
) -> Reals:
    """(B, rates) largest share of objects found with at most so many wrong answers an image; NaN without objects."""
    found = np.concatenate([np.zeros((len(right), 1)), right], axis=1)
    allowed = np.asarray(rates)[None, :] * images[:, None] * (1.0 + 1e-12)
    top = np.stack([np.searchsorted(w, a, "right") for w, a in zip(wrong, allowed, strict=True)])
    share = np.take_along_axis(found, top, axis=1) / np.maximum(objects, 1e-300)[:, None]
    return np.asarray(np.where(objects[:, None] > 0, share, np.nan), np.float64)


def sensitivity_slope(rates: tuple[float, ...]) -> Slope:
    """Of sensitivity(rates): derivative by the weight of each image, with the curve's rise around each rate.

    The rise is taken between half an octave below and above, where the curve itself has steps.
    """

    def slope(one: Sweep) -> Reals:
        total = np.zeros(one.images)
        if not one.runs:
            return total
        right, wrong = one.totals()
        found = np.append(0.0, right)
        for rate in rates:
            low, at, high = (
                int(np.searchsorted(wrong, rate * 2.0**o * one.images * (1.0 + 1e-12), "right"))
                for o in (-0.5, 0.0, 0.5)
            )
            rise = (found[high] - found[low]) / (rate * (2.0**0.5 - 2.0**-0.5) * one.images)
            inside = (np.arange(one.runs) < at).astype(np.float64)
            total += _by_image(one, one.right, inside) - found[at] / one.total * one.objects
            total -= rise * (_by_image(one, one.wrong, inside) - rate)
        total /= len(rates) * one.total
        return np.asarray(total - total.mean(), np.float64)

    return slope
