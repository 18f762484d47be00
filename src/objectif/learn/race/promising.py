"""What a race promises of its winner: the only look at the images that were kept apart, and it is the winner's alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.health.duplicates import clusters, same_pairs
from objectif.images.prepare import Preparation
from objectif.learn.race.answering import answer
from objectif.learn.race.candidate import Candidate
from objectif.learn.race.race import Race
from objectif.metrics.isotonic import bent
from objectif.promises import Calibration, Outcome, fit
from objectif.promises.calibrated import calibrated
from objectif.tasks.classify import Decoding, choose


def promise(race: Race, network: bytes, decoding: Any, preparation: Preparation) -> Outcome | None:
    """Promises fitted on the winner's answers for images that took no part; None where nothing is promised."""
    promises = race.problem.promised()
    if not promises:
        return None
    ground = race.ground
    rows = np.flatnonzero(ground.plan.calibration)
    scores = answer(ground.context, network, rows, preparation, decoding, race.executor.cores)
    dataset, groups = ground.dataset, ground.dataset.groups()
    multilabel = dataset.multilabel
    chosen = choose(scores, decoding, multilabel) if isinstance(decoding, Decoding) else None
    copies = clusters(len(dataset), same_pairs(ground.looks))[rows]
    calibration = Calibration(
        task=race.problem.task,
        classes=dataset.classes,
        multilabel=multilabel,
        truth=ground.context.truth()[rows],
        answers=scores,
        chosen=chosen,
        groups=None if groups is None else groups[rows],
        copies=copies,
        costs=race.problem.cost_matrix(dataset.classes),
    )
    return fit(promises, calibration, jointly=race.problem.promises_hold == "jointly")


def calibration_of(
    winner: Candidate, answers: Mapping[str, NDArray[Any]], decoding: Any, seed: int
) -> dict[str, Any] | None:
    """How well calibrated the winner's probabilities are on the images that judged it; None of other tasks."""
    if not isinstance(decoding, Decoding):
        return None
    scores, of = np.asarray(answers["scores"], np.float64), str(answers["kind"])
    if of == "out-of-fold":  # answers there are without what was learned from all of them
        several = answers["truth"].ndim == 2
        scores = heated(scores, decoding.temperature if winner.epochs else 1.0, several=several)
        scores = scores if decoding.curve is None else bent(scores, decoding.curve, several)
    return calibrated(answers["truth"], scores.astype(np.float32), answers.get("units"), of, seed)


def heated(scores: NDArray[np.float64], heat: float, *, several: bool) -> NDArray[np.float64]:
    """Probabilities (N, C) that were given without a temperature, at this one."""
    p = np.clip(scores, 1e-9, 1 - 1e-9)
    if several:
        return np.asarray(1 / (1 + np.exp(-(np.log(p) - np.log1p(-p)) / heat)), np.float64)
    p = p ** (1 / heat)
    return np.asarray(p / p.sum(1, keepdims=True), np.float64)


def told(race: Race, outcome: Outcome | None) -> dict[str, Any] | None:
    """The outcome with what its evidence is, for the Solution."""
    if outcome is None:
        return None
    plan, dataset = race.ground.plan, race.ground.dataset
    rows = np.flatnonzero(plan.calibration)
    truth = dataset.truth()[rows]
    counts = truth.sum(0) if dataset.multilabel else np.bincount(truth, minlength=len(dataset.classes))
    units = race.ground.context.units[rows]
    return {
        **outcome.to_dict(),
        "hold": race.problem.promises_hold,
        "data": {
            "name": dataset.name,
            "images": len(rows),
            "groups": len(np.unique(units)) if len(np.unique(units)) < len(units) else None,
            "classes": {n: int(c) for n, c in zip(dataset.classes, counts, strict=True)},
            "date": datetime.now(UTC).date().isoformat(),
        },
    }
