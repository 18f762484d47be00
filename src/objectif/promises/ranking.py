"""What candidates would save under the promises, on out-of-fold scores: for ranking, not for promising.

Limits are set where the loss seen is just what is promised, without a bound: the same for all candidates, and what a bound
costs depends on the images and not on them. Weights are those of a bootstrap; all that does not depend on them is prepared
once for a calibration, so that thousands of weights cost a cumulative sum each.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import overload

import numpy as np

from objectif.problem.promises import Promise, validate
from objectif.promises.calibration import Bools, Calibration, Reals
from objectif.promises.limits import blocks
from objectif.promises.rule import glue
from objectif.promises.seen import Guarded

_SLACK = 1e-12


@overload
def work(promises: Sequence[Promise], calibration: Calibration) -> Bools: ...
@overload
def work(promises: Sequence[Promise], calibration: Calibration, *, weight: Reals) -> float: ...
def work(
    promises: Sequence[Promise], calibration: Calibration, *, weight: Reals | None = None
) -> Bools | float:
    """(N,) which images are answered for good where the losses seen are those promised; with weight (N,) their share.

    Copies are not looked for: weights say how often an image counts. Nothing is saved where a promise cannot be kept even so.
    """
    plan = _plan(tuple(promises), calibration)
    saved = plan.saved(np.ones(len(calibration)) if weight is None else np.asarray(weight, np.float64))
    return saved if weight is None else float(np.average(saved, weights=weight * plan.share))


class _Sorted:
    """Losses of a promise in falling order of what decides them, ready for a cumulative sum of weights."""

    def __init__(self, seen: Guarded, own: Bools, at: Reals) -> None:
        rows = np.flatnonzero(own)
        self.rows = rows[np.argsort(-at[rows], kind="stable")]
        self.at = at[self.rows]
        self.last = np.append(self.at[1:] != self.at[:-1], True)  # of each run of equal values
        self.loss = seen.loss[self.rows]


class _Plan:
    def __init__(self, promises: tuple[Promise, ...], data: Calibration) -> None:
        found = validate(promises, data.task, data.classes, data.multilabel)
        self.seen: list[Guarded] = [glue(data.task).seen(p, data) for p in found]
        counts = (
            None if data.groups is None else np.unique(data.groups, return_inverse=True, return_counts=True)
        )
        self.share = np.ones(len(data)) if counts is None else 1.0 / counts[2][counts[1]]
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

    def saved(self, weight: Reals) -> Bools:
        """(N,) given and guarded, or nothing where a promise is not kept on these weights."""
        given, alone = np.ones(len(weight), np.bool_), np.zeros(len(weight), np.bool_)
        for k, order in self.alone.items():
            one = self.seen[k]
            w = weight * self.about[k]
            lost = np.cumsum(w[order.rows] * order.loss)
            over = np.flatnonzero(lost > one.allowed * float(w.sum()) + _SLACK)
            passes = one.margin > order.at[over[0]] if len(over) else np.ones(len(weight), np.bool_)
            if one.alone:  # what one promise answers no other vetoes
                alone |= one.guards & passes
            else:
                given &= ~one.guards | passes
        for own, margin, order in self.blocks:
            free = weight * given * self.share
            fits = order.last.copy()
            for one in own:
                w = (free * one.about)[order.rows]
                fits &= np.cumsum(w * (one.loss[order.rows] - one.allowed)) <= _SLACK
            last = np.flatnonzero(fits)
            limit = order.at[last[-1]] if len(last) else np.inf
            given &= np.logical_and.reduce([~one.guards | (margin >= limit) for one in own])
        return alone if any(one.alone for one in self.seen) else np.asarray(given & self.guarded, np.bool_)


def _weights_of(seen: Guarded) -> Reals:
    """(N,) what each image that a promise is about weighs, where each of their units weighs the same."""
    code = seen.units.code
    if code is None:
        return seen.about.astype(np.float64)
    counts = np.bincount(code, seen.about)
    return np.asarray(np.where(seen.about, 1.0 / np.maximum(counts[code], 1.0), 0.0), np.float64)


@lru_cache(maxsize=128)
def _plan(promises: tuple[Promise, ...], calibration: Calibration) -> _Plan:
    return _Plan(promises, calibration)
