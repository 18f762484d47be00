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

from objectif.errors import SolutionError
from objectif.run.network import SCORES, Network
from objectif.run.opset import opsets
from objectif.run.parity import PARITY, Outputs
from objectif.run.shapes import flaws
from objectif.solution.file import PRECISIONS, Precision, Solution, read
from objectif.tasks import find

NEWEST_OPSET = 20
T = TypeVar("T")


@dataclass(frozen=True)
class Check:
    """One thing that was checked: its name, whether it holds, what was met."""

    name: str
    ok: bool
    detail: str


def probes(
    networks: Mapping[Precision, bytes],
    inputs: NDArray[Any],
    outputs: tuple[str, ...] = (SCORES,),
    columns: NDArray[np.float32] | None = None,
) -> dict[str, NDArray[Any]]:
    """What Solution.probes holds: prepared images (k,h,w,c), and what each network gives for them.

    outputs: those that the task's answers are made of (Task.outputs). columns: (k, K) what is known beside the pixels.
    """
    found: dict[str, NDArray[Any]] = {"inputs": inputs}
    if columns is not None:
        found["columns"] = columns
    for precision in PRECISIONS:
        if precision in networks:
            given = Network(networks[precision], needs=outputs).outputs(inputs, outputs, columns)
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
    inputs, columns = solution.probes.get("inputs"), solution.probes.get("columns")
    expected = {name: solution.probes.get(f"{name}_{precision}", np.zeros(0)) for name in needed}
    if inputs is None or len(inputs) == 0 or any(len(inputs) != len(value) for value in expected.values()):
        detail = (
            f"no probes for this network; expected prepared images and their {', '.join(needed)}. "
            "Export the Solution again"
        )
        found.append(Check(f"{precision}: parity", False, detail))
        return
    outputs = _try(
        found,
        f"{precision}: runs",
        lambda: network.outputs(inputs, columns=columns),
        lambda o: f"{len(inputs)} probes",
    )
    if outputs is None:
        return
    found.append(_shapes(precision, outputs, inputs, len(solution.classes), needed))
    if not found[-1].ok:
        return
    one_by_one = [
        network.outputs(image[None], needed, None if columns is None else columns[k : k + 1])
        for k, image in enumerate(inputs)
    ]
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
    ok, detail = PARITY[solution.task](precision, solution, expected, met)
    return Check(name, ok, detail)


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
