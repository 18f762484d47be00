"""check_solution(): a whole Solution passes, and each way of being wrong fails the check that names it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from objectif.run.check import check_solution, probes
from objectif.solution.file import Solution, write

Make = Callable[..., Solution]


def failed(path: Path) -> list[str]:
    return [check.name for check in check_solution(path) if not check.ok]


def test_a_whole_solution_passes(colours: Make, tmp_path: Path) -> None:
    checks = check_solution(write(tmp_path / "a.objectif", colours()))
    assert len(checks) > 10
    assert all(check.ok for check in checks)


def test_probes_made_here_hold_here(colours: Make, tmp_path: Path) -> None:
    solution = colours()
    made = probes(solution.networks, solution.probes["inputs"])
    for name, value in solution.probes.items():
        np.testing.assert_allclose(made[name], value, rtol=1e-4)
    assert failed(write(tmp_path / "a.objectif", colours(probes=made))) == []


def test_a_damaged_file_fails_as_a_file(colours: Make, tmp_path: Path) -> None:
    path = write(tmp_path / "a.objectif", colours())
    path.write_bytes(path.read_bytes()[:-100])
    assert failed(path) == ["file"]


@pytest.mark.parametrize(("precision", "shift"), [("fp32", 1e-3), ("int8", 0.5)])
def test_other_scores_than_the_probes_fail_parity(
    colours: Make, tmp_path: Path, precision: str, shift: float
) -> None:
    wrong = dict(colours().probes)
    wrong[f"scores_{precision}"] = wrong[f"scores_{precision}"] + np.array([shift, 0, -shift], np.float32)
    assert failed(write(tmp_path / "a.objectif", colours(probes=wrong))) == [f"{precision}: parity"]


def test_rounding_within_the_tolerance_passes(colours: Make, tmp_path: Path) -> None:
    near = dict(colours().probes)
    near["scores_fp32"] = near["scores_fp32"] + np.float32(2e-5)
    near["scores_int8"] = near["scores_int8"] + np.array([0.02, 0, -0.02], np.float32)
    assert failed(write(tmp_path / "a.objectif", colours(probes=near))) == []


@pytest.mark.parametrize(("shift", "wrong"), [(0.01, False), (0.05, True)])
def test_depths_of_integers_are_compared_too(
    regions: Make, tmp_path: Path, shift: float, wrong: bool
) -> None:
    moved = dict(regions().probes)
    moved["distance_int8"] = moved["distance_int8"] + np.float32(shift)
    path = write(tmp_path / "a.objectif", regions(probes=moved))
    assert failed(path) == (["int8: parity"] if wrong else [])
    assert any("of a depth" in check.detail for check in check_solution(path))


def test_without_probes_nothing_is_proven(colours: Make, tmp_path: Path) -> None:
    assert failed(write(tmp_path / "a.objectif", colours(probes={}))) == ["fp32: parity", "int8: parity"]


def test_outputs_must_be_those_of_the_contract(colours: Make, tmp_path: Path) -> None:
    onnx = colours().networks["fp32"]
    for change, names in {
        (b"embedding", b"embeddinG"): ["fp32: outputs"],
        (b"scores", b"scoreZ"): ["fp32: opens"],
    }.items():
        solution = colours(networks={"fp32": onnx.replace(*change)})
        assert failed(write(tmp_path / "a.objectif", solution)) == names
    two = colours(classes=("a", "b"), networks={"fp32": onnx})
    assert failed(write(tmp_path / "b.objectif", two)) == ["fp32: outputs"]


def test_a_newer_operator_set_is_refused(colours: Make, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load_from_string(colours().networks["fp32"])
    model.opset_import[0].version = 21
    solution = colours(networks={"fp32": model.SerializeToString()})
    assert failed(write(tmp_path / "a.objectif", solution)) == ["fp32: opset"]
