"""What candidates would save under the promises, on out-of-fold scores: for ranking, not for promising.

Limits are set where the loss seen is just what is promised, without a bound: the same for all candidates, and what a bound
costs depends on the images and not on them. Weights are those of a bootstrap; all that does not depend on them is prepared
once for a calibration, so that thousands of weights cost a cumulative sum each.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from objectif.problem.promises import Promise, validate
from objectif.promises.calibration import Bools, Calibration, Reals
from objectif.promises.identify import Searched
from objectif.promises.limits import blocks
from objectif.promises.rule import glue
from objectif.promises.seen import Guarded, Seen

_SLACK = 1e-12


@overload
def work(promises: Sequence[Promise], calibration: Calibration) -> NDArray[Any]: ...
@overload
def work(promises: Sequence[Promise], calibration: Calibration, *, weight: Reals) -> float: ...
def work(
    promises: Sequence[Promise], calibration: Calibration, *, weight: Reals | None = None
) -> NDArray[Any] | float:
    """(N,) the work that is saved where the losses seen are those promised; with weight (N,) the share of all.

    Of classifications bool: which images are answered for good. Of identities (K,): of the images of known people. Copies
    are not looked for: weights say how often an image counts. A promise that cannot be kept even so vetoes all that it
    guards, and where every image gets the same answer nothing is saved.
    """
    plan = _plan(tuple(promises), calibration)
    saved = plan.saved(np.ones(len(calibration)) if weight is None else np.asarray(weight, np.float64))
    if weight is None:
        return saved
    weights = (weight * plan.share)[plan.rows]
    return float(np.average(saved, weights=weights)) if weights.sum() > 0 else 0.0


class _Sorted:
    """Losses of a promise in falling order of what decides them, ready for a cumulative sum of weights."""

    def __init__(self, seen: Seen, own: Bools, at: Reals) -> None:
        rows = np.flatnonzero(own)
        self.rows = rows[np.argsort(-at[rows], kind="stable")]
        self.at = at[self.rows]
        self.last = np.append(self.at[1:] != self.at[:-1], True)  # of each run of equal values
        self.loss = seen.loss[self.rows]


class _Guards:
    """Of tasks whose answers are vetoed: classifications."""

    def __init__(self, seen: Sequence[Guarded], data: Calibration) -> None:
        self.seen, self.rows = list(seen), np.arange(len(data))
        self.share = _shares(data)
        self.alone = {
            k: _Sorted(s, s.about & (s.loss > 0), s.at) for k, s in enumerate(self.seen) if not s.conditional
        }
        self.blocks = []
        for block in blocks(self.seen):
            own = [self.seen[j] for j in block]
            margin = np.min([np.where(s.guards, s.margin, np.inf) for s in own], axis=0)
            some = np.logical_or.reduce([s.guards for s in own])
            self.blocks.append((own, margin, _Sorted(own[0], some, margin)))
        self.guarded = np.logical_or.reduce([s.guards for s in self.seen])
        self.about = [_weights_of(s) for s in self.seen]
        self.constant = all(bool((s.answer == s.answer[:1]).all()) for s in self.seen)

    def saved(self, weight: Reals) -> Bools:
        """(N,) given and guarded, at the limits that these weights ask for."""
        given = np.ones(len(weight), np.bool_)
        for k, order in self.alone.items():
            one = self.seen[k]
            w = weight * self.about[k]
            lost = np.cumsum(w[order.rows] * order.loss)
            over = np.flatnonzero(lost > one.allowed * float(w.sum()) + _SLACK)
            if len(over):
                given &= ~one.guards | (one.margin > order.at[over[0]])
        for own, margin, order in self.blocks:
            free = weight * given * self.share
            fits = order.last.copy()
            for one in own:
                w = (free * one.about)[order.rows]
                fits &= np.cumsum(w * (one.loss[order.rows] - one.allowed)) <= _SLACK
            last = np.flatnonzero(fits)
            limit = order.at[last[-1]] if len(last) else np.inf
            given &= np.logical_and.reduce([~one.guards | (margin >= limit) for one in own])
        if self.constant and given.all():
            return np.zeros(len(given), np.bool_)
        return np.asarray(given & self.guarded, np.bool_)


class _Thresholds:
    """Of tasks with a threshold and no veto: the mean of what is saved under each promise, or what any of them saves."""

    def __init__(self, seen: Sequence[Seen], data: Calibration) -> None:
        self.seen, self.share = list(seen), _shares(data)
        known = seen[0].known.within if isinstance(seen[0], Searched) else None
        self.rows = np.arange(len(data)) if known is None else known
        self.about = [_weights_of(s) for s in self.seen]
        self.orders = [_Sorted(s, s.about & (s.loss > 0), s.at) for s in self.seen]

    def saved(self, weight: Reals) -> Reals:
        """(N,) or (K,) under the smallest limit at which the weighted loss is as promised."""
        everything = np.ones(len(weight), np.bool_)
        parts = []
        for one, about, order in zip(self.seen, self.about, self.orders, strict=True):
            within = one.units.within
            w = about * (weight if within is None else weight[within])
            lost = np.cumsum(w[order.rows] * order.loss)
            over = np.flatnonzero(lost > one.allowed * float(w.sum()) + _SLACK)
            limit = one.ranked(float(order.at[over[0]]) if len(over) else -np.inf, weight)
            parts.append(np.zeros(len(self.rows)) if limit is None else one.work(limit, everything))
        alone = all(isinstance(one, Guarded) and one.alone for one in self.seen)  # no other takes back
        return np.asarray(np.max(parts, axis=0) if alone else np.mean(parts, axis=0), np.float64)


def _shares(data: Calibration) -> Reals:
    """(N,) what an image weighs where each group weighs the same."""
    if data.groups is None:
        return np.ones(len(data))
    _, code, counts = np.unique(data.groups, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / counts[code], np.float64)


def _weights_of(seen: Seen) -> Reals:
    """(M,) what each thing that a promise is about weighs, where each of their units weighs the same."""
    code = seen.units.code
    if code is None:
        return seen.about.astype(np.float64)
    counts = np.bincount(code, seen.about)
    return np.asarray(np.where(seen.about, 1.0 / np.maximum(counts[code], 1.0), 0.0), np.float64)


@lru_cache(maxsize=128)
def _plan(promises: tuple[Promise, ...], data: Calibration) -> _Guards | _Thresholds:
    found = validate(promises, data.task, data.classes, data.multilabel)
    seen: list[Seen] = [glue(data.task).seen(p, data) for p in found]
    if data.task == "classify":
        return _Guards([s for s in seen if isinstance(s, Guarded)], data)
    return _Thresholds(seen, data)
