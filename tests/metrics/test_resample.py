"""Draws are shared and repeatable; the scorer's replicates, contributions and shortcuts agree with the metric."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from objectif.metrics import resample
from objectif.metrics.base import FunctionMetric
from objectif.metrics.catalog import metric
from objectif.metrics.resample import Scorer, blocks, codes

KINDS = ["accuracy", "macro_f1", "balanced_accuracy", "cohen_kappa", "quadratic_kappa", "auroc", "log_loss"]


def test_draws_are_the_same_again_and_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = np.concatenate(list(blocks(30, 50, 7)))
    assert whole.shape == (50, 30)
    assert (whole.sum(axis=1) == 30).all()
    assert np.array_equal(whole, np.concatenate(list(blocks(30, 50, 7))))
    monkeypatch.setattr(resample, "_CELLS", 30 * 8)
    assert [len(b) for b in blocks(30, 50, 7)] == [8] * 6 + [2]


def test_group_names_become_numbers() -> None:
    assert codes(np.array([7, 3, 7]), 3).tolist() == [1, 0, 1]
    with pytest.raises(ValueError, match="2 groups for 3 images"):
        codes(np.array([1, 2]), 3)


@pytest.mark.parametrize("name", KINDS)
def test_weights_on_groups_are_weights_on_their_images(name: str, race: Callable) -> None:
    groups = np.random.default_rng(3).integers(0, 20, 120)
    truth, scores = race([1.0, 2.0], images=120, seeds=2)
    scorer = Scorer(metric(name), truth, scores, groups)
    weights = next(blocks(20, 3, 0))
    expected = [metric(name).replicates(truth, s, weights[:, groups]) for block in scores for s in block]
    assert scorer.weighted(weights) == pytest.approx(np.array(expected).T, abs=1e-12)
    assert scorer.by_candidate(scorer.values) == pytest.approx([b.mean() for b in np.split(scorer.values, 2)])


@pytest.mark.parametrize("name", KINDS)
def test_contributions_add_up(name: str, race: Callable) -> None:
    groups = np.random.default_rng(3).integers(0, 20, 120)
    truth, scores = race([1.0, 2.0, 1.5], images=120, seeds=2)
    scorer = Scorer(metric(name), truth, [scores[0], scores[1][:1], scores[2]], groups)
    utility = metric(name).sign * scorer.by_candidate(scorer.values)
    assert scorer.parts.sum(axis=0) == pytest.approx(metric(name).sign * scorer.values)
    assert scorer.influence.sum(axis=0) == pytest.approx(0.0, abs=1e-9)
    first, second = np.triu_indices(3, 1)
    gaps = scorer.contrasts(first, second)
    assert gaps.shape == (20, 3)
    assert gaps.sum(axis=0) == pytest.approx(utility[first] - utility[second])


@pytest.mark.parametrize("name", ["accuracy", "macro_f1", "cohen_kappa"])
def test_groups_answered_alike_contribute_nothing(name: str, race: Callable) -> None:
    truth, (one,) = race([1.5])
    two = one.copy()
    two[:, :30] = np.roll(two[:, :30], 1, axis=2)
    gaps = Scorer(metric(name), truth, [one, two]).contrasts(np.array([0]), np.array([1]))[:, 0]
    assert np.abs(gaps[30:]).max() < 1e-3 * np.abs(gaps[:30]).max()


@pytest.mark.parametrize("name", KINDS)
def test_the_linear_shortcut_spreads_like_the_bootstrap(
    name: str, race: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth, scores = race([1.0, 1.4], images=400)
    exact = Scorer(metric(name), truth, scores)
    monkeypatch.setattr(resample, "_OPERATIONS", 0.0)
    monkeypatch.setattr(resample, "_SORTED", 0.0)
    quick = Scorer(metric(name), truth, scores)
    assert quick.linear
    assert not exact.linear
    wide, narrow = (np.std(s.bootstrap(400, 0), axis=0) for s in (exact, quick))
    assert narrow == pytest.approx(wide, rel=0.05)


def test_a_plug_in_gets_the_shortcut_before_it_takes_minutes(race: Callable) -> None:
    calls = []

    def share(truth: np.ndarray, scores: np.ndarray, weight: np.ndarray) -> float:
        calls.append(1)
        return float(np.average(scores.argmax(axis=1) == truth, weights=weight))

    slow = FunctionMetric("share", "share", True, True, False, True, share)
    truth, scores = race([1.0] * 15, images=100)
    Scorer(slow, truth, scores).bootstrap(2000, 0)
    assert len(calls) < 15 * 2000
