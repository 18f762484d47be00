"""Metrics of identification: extremes, what a threshold means, weights, influence, and blocks kept apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from objectif.metrics.identity import (
    METRICS,
    RANK1,
    TPIR,
    divisions,
    searches,
    threshold,
)
from objectif.metrics.similarity import templates, unit


def crowd(
    people: int = 12, images: int = 6, noise: float = 0.6, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    identity = np.repeat(np.arange(people), images)
    own = rng.normal(size=(people, 8))[identity]
    truth = np.stack([identity, np.zeros_like(identity)], 1)[:, None]
    return truth, (own + noise * rng.normal(size=own.shape)).astype(np.float32)


@pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.name)
def test_perfect_and_blind(metric: object) -> None:
    truth, _ = crowd()
    perfect = np.eye(12, dtype=np.float32)[truth[:, 0, 0]]
    assert metric.value(truth, perfect) == 1.0  # type: ignore[attr-defined]
    blind = metric.value(truth, metric.blind(truth, 12))  # type: ignore[attr-defined]
    assert blind == (0.5 if metric.ranks else 0.0)  # type: ignore[attr-defined]


def test_the_threshold_keeps_the_rate() -> None:
    truth, rows = crowd(20, 10, 1.0)
    [found] = searches(truth, rows)
    strangers = found.top[~found.mated]
    limit = threshold(strangers, 0.01)
    assert (strangers > limit).mean() <= 0.01 < (strangers >= limit - 1e-3).mean() + 0.01
    hits = (found.right & (found.top > limit))[found.mated]
    assert TPIR.value(truth, rows) == pytest.approx(hits.mean())


@settings(deadline=None, max_examples=20)
@given(st.integers(2, 9), st.integers(2, 7), st.integers(0, 3))
def test_a_division_keeps_its_parts_apart(people: int, images: int, seed: int) -> None:
    identity = np.repeat(np.arange(people), images)
    for one in divisions(identity, seed):
        assert not set(one.gallery) & set(one.probes)
        assert sorted([*one.gallery, *one.probes]) == list(range(len(identity)))
        known = {int(identity[row]): int(number) for row, number in zip(one.gallery, one.entry, strict=True)}
        for row, mate in zip(one.probes, one.mate, strict=True):
            assert known.get(int(identity[row]), -1) == mate
        assert len(known) < people


def test_who_has_one_image_is_a_stranger_and_two_of_those_are_too_few() -> None:
    identity = np.array([0, 0, 0, 1, 2])
    assert all(
        set(d.entry) == {0} and set(identity[d.probes[d.mate < 0]]) == {1, 2} for d in divisions(identity)
    )
    assert divisions(np.array([0, 1, 2])) == []
    assert divisions(np.array([0, 0, 0])) == []
    with pytest.raises(ValueError, match="needs at least two identities"):
        TPIR.value(np.array([[[0, 0]], [[0, 0]]]), np.eye(2))


@pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.name)
def test_weights_of_one_are_none_and_replicates_are_values(metric: object) -> None:
    truth, rows = crowd()
    plain = metric.value(truth, rows)  # type: ignore[attr-defined]
    weight = np.random.default_rng(0).integers(0, 3, (4, len(truth))).astype(float)
    found = metric.replicates(truth, rows, weight)  # type: ignore[attr-defined]
    assert metric.value(truth, rows, np.full(len(truth), 2.0)) == pytest.approx(plain)  # type: ignore[attr-defined]
    for row, value in zip(weight, found, strict=True):
        assert metric.value(truth, rows, row) == pytest.approx(value)  # type: ignore[attr-defined]
    value, influence, parts = metric.expand(truth, rows)  # type: ignore[attr-defined]
    assert value == pytest.approx(plain)
    assert influence.sum() == pytest.approx(0, abs=1e-9)
    assert parts.sum() == pytest.approx(plain)


@pytest.mark.parametrize("name", ["rank1", "open_auroc"])
def test_influence_is_the_derivative(name: str) -> None:
    metric = next(m for m in METRICS if m.name == name)
    truth, rows = crowd()
    influence = metric.influence(truth, rows)
    for row in (0, 7, 30):
        more = np.ones(len(truth))
        more[row] += 1e-4
        slope = (metric.value(truth, rows, more) - metric.value(truth, rows)) / 1e-4
        assert influence[row] == pytest.approx(slope, abs=1e-3)


def test_blocks_are_never_compared() -> None:
    truth, rows = crowd()
    truth = truth.copy()
    truth[:, 0, 1] = truth[:, 0, 0] % 2
    turned = rows.copy()
    turned[truth[:, 0, 1] == 1] = -turned[truth[:, 0, 1] == 1]  # another network's space
    for metric in METRICS:
        assert metric.value(truth, turned) == pytest.approx(metric.value(truth, rows), abs=1e-6)


def test_the_order_of_candidates_does_not_depend_on_scale() -> None:
    truth, rows = crowd()
    assert RANK1.value(truth, 7 * rows) == pytest.approx(RANK1.value(truth, rows))
    assert np.allclose(np.linalg.norm(unit(rows), axis=1), 1)
    assert not templates(np.zeros((2, 3)), np.array([0, 1]), 2).any()
