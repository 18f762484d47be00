"""Dealing units (images or groups of images) into folds that are alike in size and in classes.

Balanced dealing of indivisible groups is a bin-packing problem, so it is solved greedily and then improved:
1. large units first (those that hold the largest share of any class, ties in seeded order), each into the fold
   where the squared class shares grow least; units of one image are then dealt class by class;
2. units are moved and swapped between folds while that lowers the same cost;
3. no class may lie in one fold alone if it has a second unit: it would be missing when that fold is held out.

Rejected: dealing groups at random (classes of few groups vanish from folds), scikit-learn's StratifiedGroupKFold
(needs scikit-learn in the base install, does not improve after the greedy pass, knows no multi-label).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Reals = NDArray[np.float64]


def assign(counts: Ints, sizes: Ints, folds: int, seed: int) -> Ints:
    """The fold (U,) of each unit: counts (U, C) images by class in a unit, sizes (U,) its images.

    Deterministic for a seed. Cost: over folds and classes, the squared share of the class that the fold holds,
    plus the squared share of all images; least when all folds are alike.
    """
    shares = _shares(counts, sizes)
    random = np.random.default_rng(seed)
    shuffled = random.permutation(len(sizes))
    single = sizes == 1
    large = shuffled[~single[shuffled]]
    large = large[np.argsort(-shares[large].max(1), kind="stable")]
    small = shuffled[single[shuffled]]
    fold = np.full(len(sizes), -1, np.int64)
    held = np.zeros((folds, shares.shape[1]))
    rank = random.permutation(folds)  # who gets the first of equals: otherwise always fold 0
    _place(fold, held, shares, large, rank)
    if len(large):
        _improve(fold, held, shares, large)
    small = small[np.argsort(-shares[small].max(1), kind="stable")]
    _place(fold, held, shares, small, rank)
    _spread(fold, held, counts, shares)
    return fold


def _shares(counts: Ints, sizes: Ints) -> Reals:
    """(U, C + 1): what part of each class, and of all images (last column), a unit holds."""
    table = np.column_stack([counts, sizes]).astype(np.float64)
    shares: Reals = table / np.maximum(table.sum(0), 1)
    # A column of ten classes outweighs the one of sizes; alike sizes matter as much as alike classes.
    shares[:, -1] *= np.sqrt(max(1, counts.shape[1]) / 2)
    return shares


def _place(fold: Ints, held: Reals, shares: Reals, units: Ints, rank: Ints) -> None:
    """Greedy: each unit, in this order, where the cost grows least."""
    for unit in units:
        growth = held @ shares[unit]
        best = np.flatnonzero(growth <= growth.min() + 1e-12)
        choice = best[np.argmin(held[best, -1] + 1e-9 * rank[best])]
        fold[unit] = choice
        held[choice] += shares[unit]


def _improve(fold: Ints, held: Reals, shares: Reals, units: Ints, rounds: int = 20) -> None:
    """Move a unit, or swap two, while the cost falls. At most the 300 largest: the rest evens out by itself."""
    units = units[:300]
    for _ in range(rounds):
        changed = False
        for unit in units:
            changed |= _move(fold, held, shares, unit) or _swap(fold, held, shares, unit, units)
        if not changed:
            return


def _move(fold: Ints, held: Reals, shares: Reals, unit: int) -> bool:
    """Take one unit to the fold where it costs least, if that helps."""
    here, share = fold[unit], shares[unit]
    growth = held @ share
    growth[here] -= share @ share
    there = int(np.argmin(growth))
    if growth[there] >= growth[here] - 1e-9:
        return False
    held[here] -= share
    held[there] += share
    fold[unit] = there
    return True


def _swap(fold: Ints, held: Reals, shares: Reals, unit: int, units: Ints) -> bool:
    """Exchange one unit with the unit of another fold that helps most, if any does."""
    others = units[fold[units] != fold[unit]]
    if not len(others):
        return False
    delta = shares[others] - shares[unit]  # what this fold gains, and the other loses
    here, there = held[fold[unit]], held[fold[others]]
    gain = (delta * (here - there)).sum(1) + (delta * delta).sum(1)
    best = int(np.argmin(gain))
    if gain[best] >= -1e-9:
        return False
    other = others[best]
    held[fold[unit]] += delta[best]
    held[fold[other]] -= delta[best]
    fold[unit], fold[other] = fold[other], fold[unit]
    return True


def _spread(fold: Ints, held: Reals, counts: Ints, shares: Reals) -> None:
    """A class of two or more units that lies in one fold alone gives its cheapest unit to another fold."""
    present = counts > 0
    for _ in range(2):  # a second look, as a move for one class may gather another
        for label in np.flatnonzero(present.sum(0) > 1):
            units = np.flatnonzero(present[:, label])
            if len(np.unique(fold[units])) > 1:
                continue
            costs = shares[units] @ held.T  # (units, folds)
            costs[:, fold[units[0]]] = np.inf
            alone = [_gathers(fold, present, unit, np.int64(label)) for unit in units]
            costs[np.array(alone)] += 1e6
            k, there = np.unravel_index(int(np.argmin(costs)), costs.shape)
            unit = units[k]
            held[fold[unit]] -= shares[unit]
            held[there] += shares[unit]
            fold[unit] = there


def _gathers(fold: Ints, present: NDArray[np.bool_], unit: np.int64, label: np.int64) -> bool:
    """Whether taking `unit` away could leave another of its classes in one fold alone."""
    others = [c for c in np.flatnonzero(present[unit]) if c != label]
    rest = np.arange(len(fold)) != unit
    return any(
        len(np.unique(fold[present[:, c] & rest])) == 1 and int(present[:, c].sum()) > 1 and len(fold) > 2
        for c in others
    )
