"""Where the winner looked: maps over a few held-out images, and whether its maps pass their tests, for the report.

By a network that has not learned from the images: the delivered one on test images, else the first fold's on what that fold
held out. Bounded in time, because the time of a race is for the race: tests go on as long as it lasts, and say on how many
images. People's pictures are not kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from objectif.answers import Label
from objectif.data.dataset import Dataset
from objectif.data.pixels import known, read
from objectif.data.regions import region, tells_places
from objectif.errors import ObjectifError
from objectif.learn.export.join import join
from objectif.learn.export.scramble import scrambled
from objectif.learn.models import find, find_model
from objectif.learn.models.base import Learner
from objectif.learn.race.candidate import Candidate
from objectif.learn.race.deliver import Delivery
from objectif.learn.race.folds import fold_file
from objectif.learn.race.material import extractor, head_of, material
from objectif.learn.race.race import Race
from objectif.run.asked import likeliest, question
from objectif.run.explain import Explainer, Explanation, Seen
from objectif.run.predictor import Predictor
from objectif.run.sanity import ORDERS, Estimate, Pointing, curves, estimate, game, likeness, pointing
from objectif.solution.file import Solution

TASKS = ("classify", "regress")
SHARE, LEAST, MOST = 0.01, 1.0, 15.0  # of the time that the race took; seconds at least and at most
CASES, TRIED = 4, 60  # pictures of each kind that are shown; pictures looked at to find them
TESTED, POINTED = 24, 150  # pictures in the tests of maps; objects in the pointing game
CELLS = 24  # of a kept map along its longer side
FEWEST = 10  # pictures of a test that is to have an interval: for those time is overdrawn by half
_UNTIL = {"cases": 0.25, "pointing": 0.5, "curves": 0.8, "shuffled": 1.0}
"""The share of the time by which each part ends."""


@dataclass
class _Look:
    """What the tests share. rows: held out, in random order. deadline: on the monotonic clock."""

    dataset: Dataset
    explainer: Explainer
    rows: NDArray[np.int64]
    units: NDArray[np.int64]
    started: float
    seconds: float
    seed: int
    side: int
    placed: bool
    seen: dict[int, Seen] = field(default_factory=dict)
    told: dict[tuple[int, str | None], Explanation] = field(default_factory=dict)

    def each(self, phase: str, most: int) -> Iterator[int]:
        """Rows, as long as the phase's time lasts, or half as much again for the first few; at least one."""
        for number, row in enumerate(self.rows[:most]):
            spent = (time.monotonic() - self.started) / self.seconds
            if number and spent > _UNTIL[phase] * (1.5 if number < FEWEST else 1):
                return
            yield int(row)

    def of(self, row: int) -> Seen:
        """The picture as the network saw it."""
        if row not in self.seen:
            sample = self.dataset.samples[row]
            pixels = read(self.dataset, row, min_side=self.side)
            self.seen[row] = self.explainer.see(pixels, name=sample.path, known=known(self.dataset, row))
        return self.seen[row]

    def why(self, row: int, label: str | None = None) -> Explanation:
        """Of the class, or of the one answered; where things are placed, of all that are there at once."""
        if (row, label) not in self.told:
            there = self.dataset.samples[row].labels if self.placed else ()
            labels = list(dict.fromkeys([label, None, *(self.dataset.classes[k] for k in there)]))
            found = self.explainer.each(self.of(row), labels)
            self.told |= {(row, name): one for name, one in zip(labels, found, strict=True)}
        return self.told[row, label]


def look(race: Race, delivery: Delivery) -> dict[str, Any] | None:
    """A JSON-ready table for the report; None for other tasks, people's pictures, and where nothing can be explained."""
    task = race.ground.context.task
    if race.problem.task not in TASKS or task.traits.private:
        return None
    winner = next(c for c in race.board.order if c.id == delivery.result.winner)
    try:
        graph, rows, words = _held_out(race, winner, delivery)
        seconds = min(MOST, max(LEAST, SHARE * race.now()))
        one = _look(race, delivery.solution, graph, rows, seconds)
        cases = _cases(one)
        method = cases[0]["method"] if cases else ""
        tests = [*_pointing(one), *_curves(one)]
        if find(winner.model).approach != "classical":  # fixed operators have no weights to forget
            tests += _shuffled(one, delivery.solution, graph)
        return {"method": method, "network": words, "cases": cases, "tests": tests}
    except (ObjectifError, OSError) as error:
        race.show.say(f"Where the network looked cannot be shown: {error}")
        return None


def _held_out(race: Race, winner: Candidate, delivery: Delivery) -> tuple[bytes, NDArray[np.int64], str]:
    """A network, the rows that it did not learn from, and what it is, in words."""
    context, plan = race.ground.context, race.ground.plan
    if plan.test.any():
        return (
            delivery.solution.networks["fp32"],
            np.flatnonzero(plan.test),
            "the delivered network on test images",
        )
    words = "the network of the first fold on the images that this fold held out"
    if winner.epochs or isinstance(find(winner.model), Learner):
        return fold_file(race, winner, 0).with_suffix(".onnx").read_bytes(), plan.held(0), words
    model = find_model(winner.model)
    files = race.need(winner, ("plain", *(race.symmetries if winner.views else ())))
    arrays = {view: np.load(file, mmap_mode="r") for view, file in files.items()}
    data = material(context, arrays, plan.train(0), winner.views, model.columns)
    head = head_of(context, data, winner.loss, race.problem.seed)
    graph = join(extractor(context, model, context.work), head.weight, head.bias, columns=model.columns)
    return graph, plan.held(0), words


def _look(race: Race, solution: Solution, graph: bytes, rows: NDArray[np.int64], seconds: float) -> _Look:
    preparation = solution.preparation
    order = np.random.default_rng(race.problem.seed).permutation(rows)
    return _Look(
        race.ground.dataset,
        _explainer(solution, graph),
        order,
        race.ground.context.units,
        time.monotonic(),
        seconds,
        race.problem.seed,
        max(preparation.height, preparation.width),
        tells_places(race.ground.dataset) and solution.task == "classify",
    )


def _explainer(solution: Solution, graph: bytes) -> Explainer:
    return Explainer(Predictor(replace(solution, networks={"fp32": graph}, default="fp32"), workers=1))


def _cases(one: _Look) -> list[dict[str, Any]]:
    """A few right and a few wrong answers, as they come, with their maps."""
    kept: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
    for row in one.each("cases", TRIED):
        if all(len(cases) >= CASES for cases in kept.values()):
            break
        right, truth = _right(one, row)
        if len(kept[right]) < CASES:
            kept[right].append(_case(one.why(row), right, truth))
    return [*kept[False], *kept[True]]


def _right(one: _Look, row: int) -> tuple[bool, str]:
    """Whether the answer is right, and the truth in words."""
    sample, decoded = one.dataset.samples[row], one.of(row).decoded[0]
    if one.explainer.solution.task == "regress" and sample.value is not None:
        inside = bool(decoded[0] <= sample.value <= decoded[2])
        staged = len(one.dataset.classes) > 1
        return inside, one.dataset.classes[int(sample.value)] if staged else f"{sample.value:.6g}"
    names = " and ".join(one.dataset.classes[k] for k in sample.labels) or "none of the classes"
    answer = one.of(row).answer
    assert isinstance(answer, Label)
    held = {one.dataset.classes[k] for k in sample.labels}
    return (likeliest(answer) in held) == bool(answer.labels), names


def _case(found: Explanation, right: bool, truth: str) -> dict[str, Any]:
    height, width = found.map.shape
    scale = min(1.0, CELLS / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(found.map, size, interpolation=cv2.INTER_AREA)
    return {
        "path": found.path,
        "right": right,
        "truth": truth,
        "told": found.told,
        "sentence": found.sentence,
        "method": found.method,
        "unit": found.unit,
        "hot": found.hot,
        "cells": [[float(f"{v:.3g}") for v in line] for line in small],
    }


def _pointing(one: _Look) -> list[dict[str, Any]]:
    """The pointing game over every class of each picture that is placed."""
    if not one.placed:
        return []
    found: list[Pointing] = []
    units: list[int] = []
    for row in one.each("pointing", POINTED):
        for label in one.dataset.samples[row].labels:
            where = region(one.dataset, row, label)
            if where is None or where.all():
                continue
            whole = one.why(row, one.dataset.classes[label]).map
            small = cv2.resize(where.astype(np.uint8), whole.shape[::-1], interpolation=cv2.INTER_NEAREST)
            found.append(pointing(whole, small > 0))
            units.append(int(one.units[row]))
    if not found:
        return []
    told = game(found, np.array(units, np.int64), one.seed)
    beside = {"the picture's centre": told["centre"], "a place by chance": told["chance"]}
    return [
        _test(
            "Pointing game: the hottest place lies on the object", "higher", told["hit"], beside, told["gain"]
        )
    ]


def _curves(one: _Look) -> list[dict[str, Any]]:
    """Deletion and insertion, beside random order and the order from the middle."""
    if one.explainer.solution.task != "classify":
        return []
    areas: list[dict[str, tuple[float, float]]] = []
    units: list[int] = []
    for row in one.each("curves", TESTED):
        seen = one.of(row)
        asked = question(one.explainer.solution, seen.answer, seen.decoded, None)
        areas.append(curves(one.explainer, seen, asked, one.why(row).cells, one.seed + row))
        units.append(int(one.units[row]))
    tests = []
    for place, (name, better) in enumerate(
        (
            ("Deletion: probability left while the hottest parts are hidden first", "lower"),
            ("Insertion: probability reached while the hottest parts are shown first", "higher"),
        )
    ):
        values = {order: np.array([area[order][place] for area in areas]) for order in ORDERS}
        groups = np.array(units, np.int64)
        told = {order: estimate(v, groups, one.seed) for order, v in values.items()}
        gain = (values["map"] - values["random"]) * (1 if better == "higher" else -1)
        beside = {"in random order": told["random"], "from the middle": told["centre"]}
        tests.append(_test(name, better, told["map"], beside, estimate(gain, groups, one.seed)))
    return tests


def _shuffled(one: _Look, solution: Solution, graph: bytes) -> list[dict[str, Any]]:
    """Rank correlation of maps with those of the same network when its weights are shuffled."""
    parts: list[tuple[str, Callable[[], bytes | None]]] = [
        (
            "Weights of the head shuffled: likeness to the map before",
            lambda: scrambled(graph, "head", one.seed),
        ),
        ("All weights shuffled: likeness to the map before", lambda: scrambled(graph, "network", one.seed)),
    ]
    tests = []
    for name, made in parts:
        forgotten = made()
        if forgotten is None:
            continue
        other = replace(one, explainer=_explainer(solution, forgotten), placed=False, seen={}, told={})
        alike, units = [], []
        for row in one.each("shuffled", TESTED):
            first = one.why(row)
            label = first.label if solution.task == "classify" else None
            alike.append(likeness(first.cells, other.why(row, label).cells))
            units.append(int(one.units[row]))
        tests.append(_test(name, "near 0", estimate(alike, np.array(units, np.int64), one.seed), {}, None))
    return tests


def _test(
    name: str, better: str, value: Estimate | None, beside: dict[str, Estimate | None], gain: Estimate | None
) -> dict[str, Any]:
    def plain(one: Estimate | None) -> dict[str, Any] | None:
        return None if one is None else {"mean": one.mean, "low": one.low, "high": one.high, "n": one.n}

    return {
        "test": name,
        "better": better,
        "map": plain(value),
        "beside": {words: plain(one) for words, one in beside.items()},
        "gain": plain(gain),
    }
