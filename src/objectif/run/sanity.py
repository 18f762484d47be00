"""Whether an explanation explains: three tests that one can fail, each beside what no knowledge would reach.

Deletion and insertion (Petsiuk et al. 2018, "RISE"): the picture is hidden, or shown, part by part, the hottest first; the
probability of the class should fall, or rise, sooner than in random order and than from the middle outwards, because most
subjects stand in the middle. Randomised weights (Adebayo et al. 2018, "Sanity Checks for Saliency Maps"): a map that stays
the same when the network forgets is of the picture, not of the network. Pointing game (Zhang et al. 2018, "Top-down Neural
Attention by Excitation Backprop"): the hottest place lies on the object, without a margin around it, beside the picture's
centre and beside a place by chance.

Intervals resample images by their groups; maps of one picture are one image.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.images.prepare import Placement
from objectif.metrics.distributions import wilson
from objectif.metrics.resample import image_counts
from objectif.run.asked import Question
from objectif.run.explain import Explainer, Seen
from objectif.run.occlusion import BATCH, blended, blurred
from objectif.run.on_picture import on_picture

PARTS, STEPS = (
    14,
    8,
)  # parts along a side that are hidden one after the other; points of a curve beyond the first
REACH = 0.1  # of the blur that hides, as a share of the picture's longer side
ORDERS = ("map", "random", "centre")
DRAWS = 2000
Reals = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A mean over n pictures with its 95 % interval over groups; low and high are None where groups are fewer than ten."""

    mean: float
    low: float | None
    high: float | None
    n: int

    def __str__(self) -> str:
        return f"{self.mean:.3f}" + ("" if self.low is None else f" [{self.low:.3f}, {self.high:.3f}]")


def estimate(
    values: Sequence[float] | Reals,
    groups: NDArray[np.int64] | None = None,
    seed: int = 0,
    *,
    share: bool = False,
) -> Estimate | None:
    """The mean of values (n,) with its percentile interval; groups (n,); None where there are no values.

    share: the values are 0 and 1, and where all are the same, which no resampling could tell apart, the interval is Wilson's
    for as many groups.
    """
    numbers = np.asarray(values, np.float64)
    if not len(numbers):
        return None
    mean = float(numbers.mean())
    counts = image_counts(len(numbers), groups, DRAWS, seed)
    if counts is None:
        return Estimate(mean, None, None, len(numbers))
    if share and mean in (0.0, 1.0):
        units = len(numbers) if groups is None else len(np.unique(groups))
        return Estimate(mean, *wilson(mean * units, units), len(numbers))
    low, high = np.quantile(counts @ numbers / counts.sum(1), (0.025, 0.975))
    return Estimate(mean, float(low), float(high), len(numbers))


def curves(
    explainer: Explainer, seen: Seen, asked: Question, cells: NDArray[np.float32], seed: int = 0
) -> dict[str, tuple[float, float]]:
    """order -> (deletion, insertion): areas under the class's probability over the share hidden, or shown, for ORDERS.

    The task is classify. Less is better for deletion, more for insertion.
    """
    assert asked.column is not None
    fill = blurred(seen.pixels, REACH)
    size = seen.pixels.shape[:2]
    ends = np.stack([seen.pixels, blended(seen.pixels, fill, np.ones(size))])
    whole, hidden = _chances(explainer, seen, asked, ends)
    found = {}
    for name, order in _orders(cells, seed).items():
        masks = [_mask(order, step / STEPS, (size[0], size[1])) for step in range(1, STEPS)]
        hide = np.stack([*masks, *(1 - mask for mask in masks)])
        chances = _chances(explainer, seen, asked, blended(seen.pixels, fill, hide))
        down = np.array([whole, *chances[: STEPS - 1], hidden])
        up = np.array([hidden, *chances[STEPS - 1 :], whole])
        found[name] = _area(down), _area(up)
    return found


def _chances(explainer: Explainer, seen: Seen, asked: Question, batch: NDArray[Any]) -> Reals:
    """(n,) probability of the class."""
    odds = [
        explainer.values(batch[i : i + BATCH], seen.place, [asked])[:, 0] for i in range(0, len(batch), BATCH)
    ]
    return np.asarray(1 / (1 + np.exp(-np.concatenate(odds))))


def _orders(cells: NDArray[np.float32], seed: int) -> dict[str, NDArray[np.int64]]:
    """(PARTS * PARTS,) the place of each part in the order in which parts go."""
    fine = on_picture(cells, Placement(PARTS, PARTS), (PARTS, PARTS)).ravel()
    middle = np.arange(PARTS) - (PARTS - 1) / 2
    away = (middle[:, None] ** 2 + middle[None] ** 2).ravel()
    random = np.random.default_rng(seed).random(PARTS * PARTS)
    return {
        name: np.argsort(np.argsort(keys, kind="stable"), kind="stable")
        for name, keys in (("map", -fine), ("random", random), ("centre", away))
    }


def _mask(order: NDArray[np.int64], share: float, size: tuple[int, int]) -> NDArray[np.float32]:
    """(H, W) 1 where the first `share` of the parts are."""
    first = (order < round(share * len(order))).reshape(PARTS, PARTS)
    rows, columns = (np.arange(side) * PARTS // side for side in size)
    return np.asarray(first[rows][:, columns], np.float32)


def _area(values: Reals) -> float:
    return float((values[1:] + values[:-1]).mean() / 2)


def likeness(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Spearman's correlation of two maps of the same shape; 0 where one of them is flat."""
    first, second = (_ranks(np.asarray(cells, np.float64).ravel()) for cells in (one, other))
    apart = first.std() * second.std()
    return 0.0 if apart <= 0 else float(((first - first.mean()) * (second - second.mean())).mean() / apart)


def _ranks(values: Reals) -> Reals:
    """Ranks of values, equal ones sharing the mean of theirs."""
    _, back, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[back], np.float64)


@dataclass(frozen=True)
class Pointing:
    """Whether the hottest place (hit) and the picture's centre lie on the object; chance: the share it covers."""

    hit: float
    centre: float
    chance: float


def pointing(whole: NDArray[np.float32], region: NDArray[np.bool_]) -> Pointing:
    """Of a map (H, W) on the picture and where the object is, (H, W)."""
    if whole.shape != region.shape:
        raise ValueError(f"a map of {whole.shape} and a region of {region.shape}; expected the same")
    row, column = np.unravel_index(int(whole.argmax()), whole.shape)
    middle = region[region.shape[0] // 2, region.shape[1] // 2]
    return Pointing(float(region[row, column]), float(middle), float(region.mean()))


def game(
    found: Sequence[Pointing], groups: NDArray[np.int64] | None, seed: int = 0
) -> Mapping[str, Estimate | None]:
    """'hit', 'centre', 'chance', and 'gain', the paired difference of the first two."""
    table = np.array([(p.hit, p.centre, p.chance) for p in found], np.float64).reshape(-1, 3)
    columns = {
        "hit": table[:, 0],
        "centre": table[:, 1],
        "chance": table[:, 2],
        "gain": table[:, 0] - table[:, 1],
    }
    return {
        name: estimate(values, groups, seed, share=name in ("hit", "centre"))
        for name, values in columns.items()
    }
