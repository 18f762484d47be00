"""The benchmark of promises with few worlds: what is broken, and that nothing blind is granted."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def benchmark():
    """benchmarks/promises.py by another name, because this folder is called so too."""
    sys.path.insert(0, str(BENCHMARKS))
    spec = importlib.util.spec_from_file_location("benchmark_of_promises", BENCHMARKS / "promises.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(BENCHMARKS))
        for name in (spec.name, "promise_worlds"):
            sys.modules.pop(name, None)


@pytest.mark.parametrize("kind", ["recall", "npv", "coverage"])
@pytest.mark.parametrize("unit", ["image", "group"])
def test_few_promises_are_broken(benchmark, kind, unit, monkeypatch):
    monkeypatch.setattr(benchmark, "POPULATIONS", ((2.5, 0.3),))
    cells = benchmark.results((kind, unit, 60), (300,))
    assert not any(row["above"] for row in benchmark._rows(cells))
    assert any(result.granted for _, found in cells for result in found)


@pytest.mark.parametrize("kind", ["interval_coverage", "fpir", "false_alarm_rate (anomaly)", "missed_pixels"])
def test_few_promises_of_other_tasks_are_broken(benchmark, kind):
    cells = benchmark.results((kind, "image", 60), (300,))
    assert not any(row["above"] for row in benchmark._rows(cells))
    assert any(result.granted for _, found in cells for result in found)


@pytest.mark.parametrize("which", range(5))
def test_promises_that_meet_are_kept_together(benchmark, which):
    rows = list(benchmark._rows([benchmark.jointly((which, 2000, 0.9, 24))]))
    assert not rows[0]["above"]
    assert rows[0]["granted"] > 0


def test_nothing_is_granted_to_a_rule_that_always_says_the_same(benchmark):
    found = benchmark.blind(15)
    assert found["worlds"] == 15 * 8 * 3
    assert found["constant"] == 0
    assert found["varying"] <= 0.05 * 3 * found["worlds"]
