"""Proof that a Solution file does on this machine what it did where it was made.

Sums say that the bytes are the same. They do not say that this onnxruntime, on this processor, gives the same answers:
the probes do. A probe is a prepared image inside the file with what each network gave for it: every output that the
task's answers are made of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from objectif.answers import Label
from objectif.errors import SolutionError
from objectif.images.prepare import Placement
from objectif.run.network import DISTANCE, SCORES, Network
from objectif.run.opset import opsets
from objectif.run.shapes import flaws
from objectif.solution.file import PRECISIONS, Precision, Solution, read
from objectif.tasks import find

NEWEST_OPSET = 20
FP32_TOLERANCE = (
    1e-4  # relative, on probabilities and on outputs: the order of sums differs between processors
)
_TINY = 1e-6  # probabilities this far apart are equal, whatever their ratio
INT8_MEAN = 0.02  # mean difference of probabilities, and of depths in 0..1: integer kernels round, and saturate, differently
INT8_CLEAR = 0.1  # an answer ahead of the next by more than this must not change
INT8_SAME = 0.98  # share of the cells of a grid, of those that are clear, that must have the same class
INT8_PLACE = 0.02  # mean difference of a place that matters, as a share of the image's long side
INT8_SURE = 0.3  # a place matters where a class scores this much

Outputs = Mapping[str, NDArray[Any]]
T = TypeVar("T")


@dataclass(frozen=True)
class Check:
    """One thing that was checked: its name, whether it holds, what was met."""

    name: str
    ok: bool
    detail: str


def probes(
    networks: Mapping[Precision, bytes], inputs: NDArray[Any], outputs: tuple[str, ...] = (SCORES,)
) -> dict[str, NDArray[Any]]:
    """What Solution.probes holds: prepared images (k,h,w,c), and what each network gives for them.

    outputs: those that the task's answers are made of (Task.outputs).
    """
    found: dict[str, NDArray[Any]] = {"inputs": inputs}
    for precision in PRECISIONS:
        if precision in networks:
            given = Network(networks[precision], needs=outputs).outputs(inputs, outputs)
            found |= {f"{name}_{precision}": value for name, value in given.items()}
    return found


def check_solution(path: Path) -> list[Check]:
    """All checks of a Solution file, in order; a file that cannot be read gives one failed check."""
    found: list[Check] = []
    solution = _try(found, "file", lambda: read(path), lambda s: f"whole, sums match, {_sizes(s)}")
    if solution is None:
        return found
    for precision in PRECISIONS:
        if precision in solution.networks:
            _check_network(found, solution, precision)
    return found


def _check_network(found: list[Check], solution: Solution, precision: Precision) -> None:
    onnx = solution.networks[precision]
    version = _try(found, f"{precision}: opset", lambda: opsets(onnx).get("", 0), str)
    if version is not None and not 1 <= version <= NEWEST_OPSET:
        detail = f"{version}; expected 1 to {NEWEST_OPSET}, so that older runtimes open it too"
        found[-1] = Check(found[-1].name, False, detail)
    needed = find(solution.task).outputs
    network = _try(
        found,
        f"{precision}: opens",
        lambda: Network(onnx, needs=needed),
        lambda n: f"outputs {', '.join(n.names)}",
    )
    if network is None:
        return
    inputs = solution.probes.get("inputs")
    expected = {name: solution.probes.get(f"{name}_{precision}", np.zeros(0)) for name in needed}
    if inputs is None or len(inputs) == 0 or any(len(inputs) != len(value) for value in expected.values()):
        detail = (
            f"no probes for this network; expected prepared images and their {', '.join(needed)}. "
            "Export the Solution again"
        )
        found.append(Check(f"{precision}: parity", False, detail))
        return
    outputs = _try(
        found, f"{precision}: runs", lambda: network.outputs(inputs), lambda o: f"{len(inputs)} probes"
    )
    if outputs is None:
        return
    found.append(_shapes(precision, outputs, inputs, len(solution.classes), needed))
    if not found[-1].ok:
        return
    one_by_one = [network.outputs(image[None], needed) for image in inputs]
    alone = {name: np.concatenate([one[name] for one in one_by_one]) for name in needed}
    met = {name: outputs[name] for name in needed}
    found.append(_parity(f"{precision}: alone as in a batch", precision, solution, met, alone))
    found.append(_parity(f"{precision}: parity", precision, solution, expected, met))


def _shapes(
    precision: Precision, outputs: Outputs, inputs: NDArray[Any], classes: int, needed: tuple[str, ...]
) -> Check:
    wrong = [] if "embedding" in outputs else ["no output 'embedding'"]
    wrong += flaws(outputs, needed, classes, len(inputs))
    wrong += [
        f"{name} holds values that are not finite"
        for name, value in outputs.items()
        if not np.isfinite(value).all()
    ]
    shown = ", ".join(f"{name} {value.shape}" for name, value in outputs.items())
    return Check(f"{precision}: outputs", not wrong, "; ".join(wrong) or shown)


def _parity(name: str, precision: Precision, solution: Solution, expected: Outputs, met: Outputs) -> Check:
    """Whether outputs give the same answers, within the tolerance of the precision."""
    for output, value in expected.items():
        if value.shape != met[output].shape:
            detail = f"{output} of shape {met[output].shape}; expected {value.shape}"
            return Check(name, False, detail)
    compare = _PARITY.get(frozenset(expected), _of_places)
    return compare(name, precision, solution, expected, met)


def _of_classes(
    name: str, precision: Precision, solution: Solution, expected: Outputs, met: Outputs
) -> Check:
    """Parity of answers for whole images: probabilities, and the classes that are answered."""
    before, now = _probabilities(solution, expected), _probabilities(solution, met)
    apart = np.abs(now.astype(np.float64) - before)
    if precision == "fp32":
        relative = float((np.maximum(apart - _TINY, 0) / np.maximum(before, _TINY)).max())
        detail = f"largest relative difference of a probability {relative:.1e}, allowed {FP32_TOLERANCE:.0e}"
        return Check(name, relative <= FP32_TOLERANCE, detail)
    same = np.array([a == b for a, b in zip(_labels(solution, before), _labels(solution, now), strict=True)])
    clear = _margin(before, solution.multilabel) > INT8_CLEAR
    detail = (
        f"{int(same.sum())} of {len(same)} answers equal, mean difference of a probability {apart.mean():.1e}, "
        f"allowed {INT8_MEAN:.0e}; clear answers (ahead by {INT8_CLEAR}) must be equal"
    )
    return Check(name, bool(same[clear].all()) and float(apart.mean()) <= INT8_MEAN, detail)


def _of_places(name: str, precision: Precision, solution: Solution, expected: Outputs, met: Outputs) -> Check:
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
        return Check(name, worst <= FP32_TOLERANCE, detail)
    detail = (
        f"mean difference of a score {scores.mean():.1e}, allowed {INT8_MEAN:.0e}, of a place that scores "
        f"{INT8_SURE} or more {mean:.1e} of the image's side, allowed {INT8_PLACE:.0e}"
    )
    return Check(name, float(scores.mean()) <= INT8_MEAN and mean <= INT8_PLACE, detail)


def _of_grid(name: str, precision: Precision, solution: Solution, expected: Outputs, met: Outputs) -> Check:
    """Parity of answers for the cells of a grid: the probabilities of the classes, the class that is answered, depths."""
    before, now = (_softmax(outputs[SCORES].astype(np.float64)) for outputs in (expected, met))
    depths = np.abs(met[DISTANCE].astype(np.float64) - expected[DISTANCE])
    apart = max(float(np.abs(now - before).max()), float(depths.max()))
    if precision == "fp32":
        detail = f"largest difference of a probability or a depth {apart:.1e}, allowed {FP32_TOLERANCE:.0e}"
        return Check(name, apart <= FP32_TOLERANCE, detail)
    ranked = np.sort(before, axis=-1)
    clear = ranked[..., -1] - ranked[..., -2] > INT8_CLEAR
    same = float((before.argmax(-1) == now.argmax(-1))[clear].mean()) if clear.any() else 1.0
    mean, deep = float(np.abs(now - before).mean()), float(depths.mean())
    detail = (
        f"{same:.1%} of the cells that are clear have the same class, expected {INT8_SAME:.0%}; mean difference of a "
        f"probability {mean:.1e}, of a depth {deep:.1e}, allowed {INT8_MEAN:.0e}"
    )
    return Check(name, same >= INT8_SAME and max(mean, deep) <= INT8_MEAN, detail)


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


_PARITY = {frozenset({SCORES}): _of_classes, frozenset({SCORES, DISTANCE}): _of_grid}


def _probabilities(solution: Solution, outputs: Outputs) -> NDArray[Any]:
    """The task's answers (n, C) for prepared images."""
    preparation = solution.preparation
    places = [Placement(preparation.height, preparation.width)] * len(outputs[SCORES])
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


def _try(found: list[Check], name: str, work: Callable[[], T], say: Callable[[T], str]) -> T | None:
    """Do one step and write down how it went; None where it failed."""
    try:
        value = work()
    except SolutionError as error:
        found.append(Check(name, False, str(error)))
        return None
    found.append(Check(name, True, say(value)))
    return value


def _sizes(solution: Solution) -> str:
    return ", ".join(f"{p} {len(onnx) / 1e6:.1f} MB" for p, onnx in solution.networks.items())
