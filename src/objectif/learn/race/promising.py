"""What a race promises of its winner: the only look at the images that were kept apart, and it is the winner's alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.health.duplicates import clusters, same_pairs
from objectif.images.prepare import Preparation
from objectif.learn.fit.calibrate import heated
from objectif.learn.race.answering import answer
from objectif.learn.race.candidate import Candidate
from objectif.learn.race.race import Race
from objectif.metrics.isotonic import bent
from objectif.promises import Calibration, Outcome, check, fit
from objectif.promises.calibrated import calibrated
from objectif.solution.file import Precision
from objectif.tasks.classify import Decoding, choose


def promised(
    race: Race,
    networks: dict[Precision, bytes],
    decoding: Any,
    preparation: Preparation,
    notes: list[str],
) -> tuple[dict[str, Any] | None, Any]:
    """What the Solution promises, JSON-ready, None where nothing is; and the decoding, with the promised threshold if it has one.

    Each precision is proved by itself, as its answers are its own: a network of eight bits of which it cannot be proved is
    taken out of `networks`, which `notes` is told.
    """
    if not race.problem.promises:
        return None, decoding
    whole = _met(race, networks["fp32"], decoding, preparation)
    found = fit(race.problem.promised(), whole, jointly=race.problem.promises_hold == "jointly")
    told = {**found.to_dict(), **_data(race)}
    if found.kept:
        decoding = found.rule.decoding(decoding)
    if "int8" not in networks:
        return told, decoding
    small = _in_eight_bits(race, found, _met(race, networks["int8"], decoding, preparation))
    if small is None:
        del networks["int8"]
        notes.append("The int8 network is left out: what is promised could not be proved of it.")
    else:
        told["int8"] = small.to_dict()
    return told, decoding


def _in_eight_bits(race: Race, found: Outcome, met: Calibration) -> Outcome | None:
    """What is proved of the smaller network; None where it does not keep what the other one keeps."""
    if met.chosen is None:  # thresholds are in the decoding, which both share
        held = all(check(found.rule, record, met).verdict == "still kept" for record in found.records)
        return found if held or not found.kept else None
    own = fit(race.problem.promised(), met, jointly=race.problem.promises_hold == "jointly")
    return own if own.kept or not found.kept else None


def _met(race: Race, network: bytes, decoding: Any, preparation: Preparation) -> Calibration:
    """A network's answers for the images that took no part, with their truth."""
    ground = race.ground
    rows = np.flatnonzero(ground.plan.calibration)
    scores = answer(ground.context, network, rows, preparation, decoding, race.executor.cores)
    dataset, groups = ground.dataset, ground.dataset.groups()
    multilabel = dataset.multilabel
    return Calibration(
        task=race.problem.task,
        classes=("identity",) if ground.context.task.traits.private else dataset.classes,
        multilabel=multilabel,
        truth=ground.context.truth()[rows],
        answers=scores,
        chosen=choose(scores, decoding, multilabel) if isinstance(decoding, Decoding) else None,
        groups=None if groups is None else groups[rows],
        copies=clusters(len(dataset), same_pairs(ground.looks))[rows],
        costs=race.problem.cost_matrix(dataset.classes),
    )


def calibration_of(
    winner: Candidate, answers: Mapping[str, NDArray[Any]], decoding: Any, seed: int
) -> dict[str, Any] | None:
    """How well calibrated the winner's probabilities are on the images that judged it; None of other tasks."""
    if not isinstance(decoding, Decoding):
        return None
    scores, of = np.asarray(answers["scores"], np.float64), str(answers["kind"])
    if of == "out-of-fold":  # answers there are without what was learned from all of them
        scores = as_delivered(winner, scores, decoding, several=answers["truth"].ndim == 2)
    return calibrated(answers["truth"], scores.astype(np.float32), answers.get("units"), of, seed)


def as_delivered(
    winner: Candidate, scores: NDArray[Any], decoding: Decoding, *, several: bool
) -> NDArray[np.float64]:
    """Out-of-fold probabilities (N, C) through the temperature and the curve that the Solution has."""
    warm = np.asarray(scores, np.float64)
    warm = heated(warm, decoding.temperature if winner.epochs else 1.0, several=several)
    return warm if decoding.curve is None else bent(warm, decoding.curve, several)


def _data(race: Race) -> dict[str, Any]:
    """What the evidence is, for the Solution."""
    plan, dataset = race.ground.plan, race.ground.dataset
    rows = np.flatnonzero(plan.calibration)
    truth = dataset.truth()[rows]
    counts = truth.sum(0) if dataset.multilabel else np.bincount(truth, minlength=len(dataset.classes))
    units = race.ground.context.units[rows]
    named = zip(dataset.classes, counts, strict=True)
    private = race.ground.context.task.traits.private
    return {
        "hold": race.problem.promises_hold,
        "data": {
            "name": dataset.name,
            "images": len(rows),
            "groups": len(np.unique(units)) if len(np.unique(units)) < len(units) else None,
            "classes": {n: int(c) for n, c in named if not private},
            "date": datetime.now(UTC).date().isoformat(),
        },
    }
