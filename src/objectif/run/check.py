"""Proof that a Solution file does on this machine what it did where it was made.

Sums say that the bytes are the same. They do not say that this onnxruntime, on this processor, gives the same answers:
the probes do. A probe is a prepared image inside the file with the raw scores that each network gave for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from objectif.errors import SolutionError
from objectif.run.network import SCORES, Network
from objectif.run.opset import opsets
from objectif.solution.file import PRECISIONS, Precision, Solution, read
from objectif.tasks.classify import choose, decode

NEWEST_OPSET = 20
FP32_TOLERANCE = 1e-4  # relative, on probabilities: the order of sums differs between processors
_TINY = 1e-6  # probabilities this far apart are equal, whatever their ratio
INT8_MEAN = 0.02  # mean difference of probabilities: integer kernels round, and saturate, differently
INT8_CLEAR = 0.1  # an answer ahead of the next by more than this must not change


T = TypeVar("T")


@dataclass(frozen=True)
class Check:
    """One thing that was checked: its name, whether it holds, what was met."""

    name: str
    ok: bool
    detail: str


def probes(networks: Mapping[Precision, bytes], inputs: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """What Solution.probes holds: prepared images (k,h,w,c) and the raw scores that each network gives for them."""
    found: dict[str, NDArray[Any]] = {"inputs": inputs}
    for precision in PRECISIONS:
        if precision in networks:
            found[f"scores_{precision}"] = Network(networks[precision]).scores(inputs)
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
    network = _try(
        found, f"{precision}: opens", lambda: Network(onnx), lambda n: f"outputs {', '.join(n.names)}"
    )
    if network is None:
        return
    inputs = solution.probes.get("inputs")
    expected = solution.probes.get(f"scores_{precision}")
    if inputs is None or expected is None or len(inputs) == 0 or len(inputs) != len(expected):
        detail = (
            "no probes for this network; expected prepared images and their scores. Export the Solution again"
        )
        found.append(Check(f"{precision}: parity", False, detail))
        return
    outputs = _try(
        found, f"{precision}: runs", lambda: network.outputs(inputs), lambda o: f"{len(inputs)} probes"
    )
    if outputs is None:
        return
    found.append(_shapes(precision, outputs, inputs, len(solution.classes)))
    if not found[-1].ok:
        return
    alone = np.concatenate([network.scores(image[None]) for image in inputs])
    found.append(_parity(f"{precision}: alone as in a batch", precision, solution, outputs[SCORES], alone))
    found.append(_parity(f"{precision}: parity", precision, solution, expected, outputs[SCORES]))


def _shapes(
    precision: Precision, outputs: Mapping[str, NDArray[Any]], inputs: NDArray[Any], classes: int
) -> Check:
    n = len(inputs)
    wrong = []
    for name, (axes, last) in {SCORES: (2, classes), "embedding": (2, None), "map": (4, classes)}.items():
        if name not in outputs:
            if name != "map":
                wrong.append(f"no output {name!r}")
            continue
        shape = outputs[name].shape
        if len(shape) != axes or shape[0] != n or (last is not None and shape[-1] != last):
            expected = {
                SCORES: f"({n}, {classes})",
                "embedding": f"({n}, any)",
                "map": f"({n}, h, w, {classes})",
            }
            wrong.append(f"{name} has shape {shape}, expected {expected[name]}")
        elif not np.isfinite(outputs[name]).all():
            wrong.append(f"{name} holds values that are not finite")
    shown = ", ".join(f"{name} {value.shape}" for name, value in outputs.items())
    return Check(f"{precision}: outputs", not wrong, "; ".join(wrong) or shown)


def _parity(
    name: str, precision: Precision, solution: Solution, expected: NDArray[Any], met: NDArray[Any]
) -> Check:
    """Whether raw scores give the same probabilities and answers, within the tolerance of the precision."""
    if expected.shape != met.shape:
        return Check(name, False, f"scores of shape {met.shape}; expected {expected.shape}")
    decoding, many = solution.decoding, solution.multilabel
    before, now = decode(expected, decoding, many), decode(met, decoding, many)
    apart = np.abs(now.astype(np.float64) - before)
    if precision == "fp32":
        relative = float((np.maximum(apart - _TINY, 0) / np.maximum(before, _TINY)).max())
        detail = f"largest relative difference of a probability {relative:.1e}, allowed {FP32_TOLERANCE:.0e}"
        return Check(name, relative <= FP32_TOLERANCE, detail)
    same = (choose(before, decoding, many) == choose(now, decoding, many)).all(axis=1)
    clear = _margin(before, many) > INT8_CLEAR
    detail = (
        f"{int(same.sum())} of {len(same)} answers equal, mean difference of a probability {apart.mean():.1e}, "
        f"allowed {INT8_MEAN:.0e}; clear answers (ahead by {INT8_CLEAR}) must be equal"
    )
    return Check(name, bool(same[clear].all()) and float(apart.mean()) <= INT8_MEAN, detail)


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
