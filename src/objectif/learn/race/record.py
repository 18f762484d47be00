"""What is written down of a race: the card in the Solution and result.json."""

from __future__ import annotations

import platform
import re
from datetime import UTC, datetime
from importlib.metadata import version

import numpy as np

from objectif.data.fingerprint import fingerprint
from objectif.learn.models import find
from objectif.learn.models.base import Learner
from objectif.learn.race.candidate import Candidate
from objectif.learn.race.race import Race
from objectif.metrics.intervals import Interval
from objectif.runs.outcome import Verdict
from objectif.runs.result import Result, Standing
from objectif.solution.card import Card, Figure
from objectif.solution.file import Solution

RESEARCH = "Figures hold for images like those in the data; another camera, place or season needs `objectif evaluate`."


def card_of(race: Race, winner: Candidate, found: Verdict, estimate: Interval | None) -> Card:
    dataset, model, cost = race.ground.dataset, find(winner.model), race.board.cost(winner)
    truth = dataset.truth()
    private = race.ground.context.task.traits.private
    counts = truth.sum(0) if dataset.multilabel else np.bincount(truth, minlength=len(dataset.classes))
    figures = []
    if estimate is not None:
        figures.append(
            Figure(
                metric=found.metric,
                estimate=estimate.estimate,
                low=estimate.low,
                high=estimate.high,
                n=estimate.n,
                groups=estimate.groups,
                of=estimate_of(race),
                higher_is_better=found.higher_is_better,
            )
        )
    measured = {"latency_ms": cost.latency_ms, "size_mb": cost.size_mb, "memory_mb": cost.memory_mb}
    return Card(
        name=name_of(race),
        data={
            "name": dataset.name,
            "fingerprint": fingerprint(dataset),
            "images": len(dataset),
            "classes": {} if private else {n: int(c) for n, c in zip(dataset.classes, counts, strict=True)},
            "split": race.ground.plan.origin,
        },
        candidate={
            "id": winner.id,
            "approach": winner.approach,
            "model": model.title,
            "loss": winner.loss,
            "preparation": winner.treatment,
            "parameters": cost.params,
            "multiply_adds": cost.macs,
        },
        figures=figures,
        weights=[{"name": model.title, "source": model.source, "licence": model.licence}]
        if model.pretrained
        else [],
        limits={
            k: {"asked": race.board.limits.get(k), "measured": v}
            for k, v in measured.items()
            if v is not None
        },
        feasible=found.feasible,
        cautions=[RESEARCH, *([model.note] if isinstance(model, Learner) and model.note else [])],
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def estimate_of(race: Race) -> str:
    """'network' where images that took no part were answered once; 'procedure' where out-of-fold scores speak."""
    return "network" if race.ground.plan.test.any() else "procedure"


def name_of(race: Race) -> str:
    """The Solution's name: the data's, fit for a file."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", race.ground.dataset.name).strip("-.") or "solution"


def result_of(
    race: Race,
    found: Verdict,
    estimate: Interval | None,
    card: Card,
    notes: list[str],
    command: str,
    solution: Solution,
) -> Result:
    leaderboard = tuple(Standing(**row) for row in found.to_dict()["rows"])
    return Result(
        problem=race.problem.to_dict(),
        winner=found.winner,
        metric=found.metric,
        metric_title=race.board.metric.title,
        estimate=None if estimate is None else estimate.estimate,
        low=None if estimate is None else estimate.low,
        high=None if estimate is None else estimate.high,
        estimate_of=estimate_of(race),
        naive=found.naive,
        baseline=found.baseline,
        beats_baseline=found.beats_baseline,
        feasible=found.feasible,
        leaderboard=leaderboard,
        elapsed_s=round(race.now(), 1),
        seeds=tuple(race.problem.seed + k for k in range(race.problem.seeds)),
        versions=versions(),
        data_fingerprint=card.data["fingerprint"],
        higher_is_better=found.higher_is_better,
        classes=race.ground.dataset.classes,
        tables=found.to_dict()["tables"],
        sentences=(*found.sentences, *_promised(solution)),
        split={
            "origin": race.ground.plan.origin,
            "folds": race.ground.plan.folds,
            "seed": race.ground.plan.seed,
        },
        notes=(*race.ground.notes, *race.notes, *notes),
        limits=dict(race.board.limits),
        card=card.to_dict(),
        command=command,
        promises=solution.promises,
        calibration=solution.calibration,
    )


def _promised(solution: Solution) -> list[str]:
    """A sentence for each promise."""
    records = [] if solution.promises is None else solution.promises["records"]
    return [f"{one['sentence'][:1].upper()}{one['sentence'][1:]}." for one in records]


def versions() -> dict[str, str]:
    """What a figure depends on beside the code."""
    names = ("objectif", "numpy", "onnxruntime", "torch", "scikit-learn", "opencv-python-headless")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}
