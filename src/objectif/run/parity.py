"""Whether a network's outputs give the same answers as before, within the tolerance of its precision; a rule for each task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.answers import Label
from objectif.images.prepare import Placement
from objectif.metrics.similarity import unit
from objectif.run.network import DISTANCE, SCORES
from objectif.solution.file import Precision, Solution
from objectif.tasks import find

FP32_TOLERANCE = (
    1e-4  # relative, on probabilities and on outputs: the order of sums differs between processors
)
_TINY = 1e-6  # probabilities this far apart are equal, whatever their ratio
MAP_FP32 = 1e-3  # of the threshold: a distance is a root of a difference, which costs digits
MAP_INT8 = 0.1
INT8_MEAN = 0.02  # mean difference of probabilities, and of depths in 0..1: integer kernels round, and saturate, differently
INT8_CLEAR = 0.1  # an answer ahead of the next by more than this must not change
INT8_SAME = 0.98  # share of the cells of a grid, of those that are clear, that must have the same class
INT8_PLACE = 0.02  # mean difference of a place that matters, as a share of the image's long side
PICTURE_FP32, PICTURE_INT8 = 0.01, 1.0  # levels of 0..255: far below the half by which a file is rounded
INT8_SURE = 0.3  # a place matters where a class scores this much

Outputs = Mapping[str, NDArray[Any]]


def of_classes(precision: Precision, solution: Solution, expected: Outputs, met: Outputs) -> tuple[bool, str]:
    """Parity of answers for whole images: probabilities, and the classes that are answered."""
    before, now = _probabilities(solution, expected), _probabilities(solution, met)
    apart = np.abs(now.astype(np.float64) - before)
    if precision == "fp32":
        relative = float((np.maximum(apart - _TINY, 0) / np.maximum(before, _TINY)).max())
        detail = f"largest relative difference of a probability {relative:.1e}, allowed {FP32_TOLERANCE:.0e}"
        return relative <= FP32_TOLERANCE, detail
    same = np.array([a == b for a, b in zip(_labels(solution, before), _labels(solution, now), strict=True)])
    clear = _margin(before, solution.multilabel) > INT8_CLEAR
    detail = (
        f"{int(same.sum())} of {len(same)} answers equal, mean difference of a probability {apart.mean():.1e}, "
        f"allowed {INT8_MEAN:.0e}; clear answers (ahead by {INT8_CLEAR}) must be equal"
    )
    return bool(same[clear].all()) and float(apart.mean()) <= INT8_MEAN, detail


def of_places(precision: Precision, solution: Solution, expected: Outputs, met: Outputs) -> tuple[bool, str]:
    """Parity of answers for places: scores in 0..1, and where those places are in which something is seen."""
    side = max(solution.preparation.height, solution.preparation.width)
    scores = np.abs(met[SCORES].astype(np.float64) - expected[SCORES])
    sure = expected[SCORES].max(axis=-1) >= INT8_SURE
    worst, mean = 0.0, 0.0
    for output in set(expected) - {SCORES}:
        apart = np.abs(met[output].astype(np.float64) - expected[output]) / side
        worst = max(worst, float(apart.max(initial=0.0)))
        mean = max(mean, float(apart[sure].mean()) if sure.any() else 0.0)
    if precision == "fp32":
        worst = max(worst, float(scores.max(initial=0.0)))
        detail = f"largest difference {worst:.1e} (of 1, of the image's side), allowed {FP32_TOLERANCE:.0e}"
        return worst <= FP32_TOLERANCE, detail
    detail = (
        f"mean difference of a score {scores.mean():.1e}, allowed {INT8_MEAN:.0e}, of a place that scores "
        f"{INT8_SURE} or more {mean:.1e} of the image's side, allowed {INT8_PLACE:.0e}"
    )
    return float(scores.mean()) <= INT8_MEAN and mean <= INT8_PLACE, detail


def of_grid(precision: Precision, solution: Solution, expected: Outputs, met: Outputs) -> tuple[bool, str]:
    """Parity of answers for the cells of a grid: the probabilities of the classes, the class that is answered, depths."""
    before, now = (_softmax(outputs[SCORES].astype(np.float64)) for outputs in (expected, met))
    depths = np.abs(met[DISTANCE].astype(np.float64) - expected[DISTANCE])
    apart = max(float(np.abs(now - before).max()), float(depths.max()))
    if precision == "fp32":
        detail = f"largest difference of a probability or a depth {apart:.1e}, allowed {FP32_TOLERANCE:.0e}"
        return apart <= FP32_TOLERANCE, detail
    ranked = np.sort(before, axis=-1)
    clear = ranked[..., -1] - ranked[..., -2] > INT8_CLEAR
    same = float((before.argmax(-1) == now.argmax(-1))[clear].mean()) if clear.any() else 1.0
    mean, deep = float(np.abs(now - before).mean()), float(depths.mean())
    detail = (
        f"{same:.1%} of the cells that are clear have the same class, expected {INT8_SAME:.0%}; mean difference of a "
        f"probability {mean:.1e}, of a depth {deep:.1e}, allowed {INT8_MEAN:.0e}"
    )
    return same >= INT8_SAME and max(mean, deep) <= INT8_MEAN, detail


def of_maps(precision: Precision, solution: Solution, expected: Outputs, met: Outputs) -> tuple[bool, str]:
    """Parity of anomaly maps, in units of the threshold: the picture's score, and each cell."""
    before, now = (
        _probabilities(solution, outputs).astype(np.float64)[:, :-1] for outputs in (expected, met)
    )
    unit = max(abs(float(solution.decoding.threshold)), _TINY)
    cell = np.abs(now - before) / unit
    score = np.abs(now.max(axis=(1, 2)) - before.max(axis=(1, 2))) / unit
    if precision == "fp32":
        detail = f"largest difference of a score {score.max():.1e}, of a cell {cell.max():.1e} of the threshold, allowed {MAP_FP32:.0e}"
        return max(float(score.max()), float(cell.max())) <= MAP_FP32, detail
    detail = (
        f"largest difference of a score {score.max():.1e} of the threshold, allowed {MAP_INT8:.0e}, mean difference of a "
        f"cell {cell.mean():.1e}, allowed {INT8_MEAN:.0e}"
    )
    return float(score.max()) <= MAP_INT8 and float(cell.mean()) <= INT8_MEAN, detail


def of_pictures(
    precision: Precision, solution: Solution, expected: Outputs, met: Outputs
) -> tuple[bool, str]:
    """Parity of pictures: levels of 0..255, of which the largest difference and the root of the mean square count."""
    apart = met["picture"].astype(np.float64) - expected["picture"]
    worst, usual = float(np.abs(apart).max(initial=0.0)), float(np.sqrt(np.square(apart).mean()))
    allowed = PICTURE_FP32 if precision == "fp32" else PICTURE_INT8
    detail = f"largest difference {worst:.1e} levels of 255, usual {usual:.1e}, allowed usual {allowed:g}"
    return usual <= allowed and worst <= 100 * allowed, detail


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def _probabilities(solution: Solution, outputs: Outputs) -> NDArray[Any]:
    """The task's answers (n, C) for prepared images."""
    preparation = solution.preparation
    places = [Placement(preparation.height, preparation.width)] * len(next(iter(outputs.values())))
    return find(solution.task).decode(outputs, solution.decoding, solution.multilabel, places)


def _labels(solution: Solution, probabilities: NDArray[Any]) -> list[tuple[str, ...]]:
    """The names that are answered for each image."""
    preparation, n = solution.preparation, len(probabilities)
    places = [Placement(preparation.height, preparation.width)] * n
    found = find(solution.task).answers(
        [""] * n, solution.classes, probabilities, solution.decoding, solution.multilabel, places
    )
    return [answer.labels for answer in found if isinstance(answer, Label)]


def _margin(probabilities: NDArray[Any], multilabel: bool) -> NDArray[Any]:
    """(N,) how far an answer is from another one: to the second class, or to one half where multi-label."""
    if multilabel or probabilities.shape[1] < 2:
        return np.asarray(np.abs(probabilities - 0.5).min(axis=1))
    ranked = np.sort(probabilities, axis=1)
    return np.asarray(ranked[:, -1] - ranked[:, -2])


def of_embeddings(
    precision: Precision, solution: Solution, expected: Outputs, met: Outputs
) -> tuple[bool, str]:
    """Parity of embeddings: how far the cosine of each with itself as it was is from 1; by angle, as names are given by it."""
    before, now = (unit(outputs["embedding"]).astype(np.float64) for outputs in (expected, met))
    apart = float(np.abs(1 - (before * now).sum(axis=1)).max())
    allowed = FP32_TOLERANCE if precision == "fp32" else INT8_MEAN
    return apart <= allowed, f"largest 1 - cosine of an embedding {apart:.1e}, allowed {allowed:.0e}"


def of_quantities(
    precision: Precision, solution: Solution, expected: Outputs, met: Outputs
) -> tuple[bool, str]:
    """Parity of numbers, in widths of their intervals, or of the probabilities of stages."""
    before, now = expected["quantity"].astype(np.float64), met["quantity"].astype(np.float64)
    single = len(solution.classes) == 1
    unit = (
        max(float((before[:, 2] - before[:, 0]).mean()), float(np.abs(before).max()) * 1e-3, _TINY)
        if single
        else 1.0
    )
    apart = np.abs(now - before) / unit
    if precision == "fp32":
        worst, what = float(apart.max()), "width of an interval" if single else "probability"
        return (
            worst <= 10 * FP32_TOLERANCE,
            f"largest difference {worst:.1e} of a {what}, allowed {10 * FP32_TOLERANCE:.0e}",
        )
    mean = float(apart.mean())
    return mean <= INT8_MEAN, f"mean difference {mean:.1e}, allowed {INT8_MEAN:.0e}"


Rule = Callable[[Precision, Solution, Outputs, Outputs], tuple[bool, str]]

PARITY: dict[str, Rule] = {
    "classify": of_classes,
    "detect": of_places,
    "segment": of_grid,
    "anomaly": of_maps,
    "restore": of_pictures,
    "identify": of_embeddings,
    "regress": of_quantities,
}
"""Task -> (precision, solution, outputs expected, outputs met) to whether they agree, and what was met."""
