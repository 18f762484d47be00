"""Comparisons call nobody beaten without reason, and somebody with it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from objectif.metrics import compare
from objectif.metrics.catalog import metric
from objectif.metrics.compare import all_pairs, gain_over, mcnemar
from objectif.metrics.resample import Scorer

KINDS = ["accuracy", "balanced_accuracy", "macro_f1", "cohen_kappa", "auroc", "average_precision", "log_loss"]


@pytest.mark.parametrize("name", KINDS)
def test_the_better_one_wins_and_twins_tie(name: str, race: Callable) -> None:
    truth, (good, bad) = race([2.5, 0.8], images=300)
    pairs = all_pairs(Scorer(metric(name), truth, [good, bad, good.copy()]))
    assert pairs.beaten.tolist() == [False, True, False]
    assert not pairs.testable[0, 2]
    assert pairs.difference[0, 2] == 0.0
    assert pairs.better[0, 1]
    assert not pairs.better[1, 0]
    assert pairs.low == pytest.approx(-pairs.high.T)
    assert (pairs.low <= pairs.difference + 1e-12).all()
    assert (pairs.difference <= pairs.high + 1e-12).all()


@pytest.mark.parametrize("name", ["accuracy", "macro_f1"])
def test_order_does_not_matter(name: str, race: Callable) -> None:
    truth, scores = race([1.0, 1.4, 2.0, 1.1])
    order = np.array([2, 0, 3, 1])
    one = all_pairs(Scorer(metric(name), truth, scores))
    two = all_pairs(Scorer(metric(name), truth, [scores[i] for i in order]))
    assert two.low == pytest.approx(one.low[np.ix_(order, order)])


@pytest.mark.parametrize(("differ", "beaten"), [(5, False), (6, True)])
def test_six_images_all_one_way_are_needed(differ: int, beaten: bool) -> None:
    truth = np.zeros(300, np.int64)
    right = np.ones(300)
    wrong = right.copy()
    wrong[:differ] = 0.0
    scores = [np.stack([r, 1 - r], axis=1)[None] for r in (right, wrong)]
    assert all_pairs(Scorer(metric("accuracy"), truth, scores)).beaten[1] == beaten


def test_few_groups_for_many_candidates_beat_nobody(race: Callable) -> None:
    groups = np.arange(120) % 10
    truth, scores = race([3.0, *[1.0] * 39], images=120)
    pairs = all_pairs(Scorer(metric("accuracy"), truth, scores, groups))
    bounded = np.isfinite(pairs.low)
    assert not pairs.better[~bounded].any()
    alone = all_pairs(Scorer(metric("accuracy"), truth, scores[:2], groups))
    assert alone.beaten[1]


def test_one_pair_is_about_as_strict_as_mcnemar(race: Callable) -> None:
    """On single images the two tests of one pair agree but for the border."""
    agreed = 0
    for seed in range(40):
        truth, (one, two) = race([1.2, 1.7], images=150, seed=seed)
        right = [s[0].argmax(axis=1) == truth for s in (one, two)]
        found = all_pairs(Scorer(metric("accuracy"), truth, [one, two]), draws=1000).beaten.any()
        agreed += found == (mcnemar(*right) < 0.05)
    assert agreed >= 36


def test_mcnemar_is_the_binomial_test() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 80)) < np.array([[0.9], [0.7]])
    only = int((a & ~b).sum()), int((b & ~a).sum())
    assert mcnemar(a, b) == pytest.approx(stats.binomtest(only[0], sum(only)).pvalue)
    assert mcnemar(a, a) == 1.0


def test_gain_over_a_reference(race: Callable) -> None:
    truth, scores = race([0.0, 0.0, 2.0], images=300)
    blind = np.full((1, 300, 3), 1 / 3)
    scorer = Scorer(metric("accuracy"), truth, [*scores, blind])
    lower = gain_over(scorer, np.arange(3), 3)
    assert (lower > 0).tolist() == [False, False, True]
    alone = gain_over(scorer, np.array([2]), 3)
    assert lower[2] < alone[0] < scorer.values[2] - scorer.values[3]


def test_memory_is_bounded_by_pairs(race: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    truth, scores = race([1.0, 1.5, 2.0])
    paired = all_pairs(Scorer(metric("macro_f1"), truth, scores))
    monkeypatch.setattr(compare, "_GAPS", 0)
    monkeypatch.setattr(compare, "_CELLS", 10_000)
    split = all_pairs(Scorer(metric("macro_f1"), truth, scores))
    assert split.low == pytest.approx(paired.low, abs=0.02)


def test_null_races_call_nobody_beaten_too_often() -> None:
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "null_races.py"
    spec = importlib.util.spec_from_file_location("null_races", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["null_races"] = module
    spec.loader.exec_module(module)
    result = module.run(races=216, draws=500, seed=1)
    assert result["passed"]
    assert sum(row["n"] for row in result["by"] if row["what"] == "images") == 216
    assert "passed" in module.table(result)
