"""Bounds: known values, and what every bound must do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from objectif.metrics.distributions import clopper_pearson
from objectif.promises.bounds import Losses, binomial_tail, lower, most, p_value, told_apart, upper


def plain(values):
    """Losses of 0 and 1."""
    means = np.asarray(values, float)
    return Losses(means, means == 1)


def drawn(means, seed=0):
    """Losses with lots."""
    return Losses(means, np.random.default_rng(seed).random(len(means)) < means)


stats = pytest.importorskip("scipy.stats")


@settings(max_examples=60, deadline=None)
@given(n=st.integers(1, 3000), share=st.floats(0, 1), p=st.floats(0.001, 0.999))
def test_the_binomial_tail_is_scipys(n, share, p):
    k = round(share * n)
    assert binomial_tail(k, n, p) == pytest.approx(stats.binom.cdf(k, n, p), rel=1e-8, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(n=st.integers(1, 2000), limit=st.floats(0.005, 0.5), level=st.floats(0.001, 0.2))
def test_the_most_mistakes_are_those_that_still_prove(n, limit, level):
    k = most(n, limit, level)
    assert k == -1 or binomial_tail(k, n, limit) <= level * (1 + 1e-9)
    assert binomial_tail(k + 1, n, limit) > level * (1 - 1e-9)


def test_figures_that_are_known():
    assert upper(plain(np.zeros(299)), 0.05) <= 0.01 < upper(plain(np.zeros(298)), 0.05)
    assert 1 - upper(plain(np.zeros(39)), 0.05) == pytest.approx(0.926, abs=5e-4)
    assert most(299, 0.01, 0.05) == 0
    assert most(298, 0.01, 0.05) == -1


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 400), share=st.floats(0, 1))
def test_of_single_images_the_bound_is_clopper_and_pearsons(n, share):
    k = round(share * n)
    losses = plain(np.repeat([1.0, 0.0], [k, n - k]))
    low, high = clopper_pearson(k, n, 0.9)
    assert upper(losses, 0.05) == pytest.approx(high, abs=1e-9)
    assert lower(losses, 0.05) == pytest.approx(low, abs=1e-9)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.integers(0, 59), st.floats(0.001, 0.3))
def test_more_loss_is_a_higher_bound_and_more_units_a_lower_one(values, place, level):
    means = np.array(values)
    more = means.copy()
    more[place % len(means)] = 1.0
    losses = drawn(means)
    thrice = Losses(np.tile(means, 3), np.tile(losses.lost, 3))
    assert upper(drawn(more), level) >= upper(losses, level) - 1e-9
    assert upper(thrice, level) <= upper(losses, level) + 1e-9
    assert upper(losses, level) >= means.mean() - 1e-9 >= lower(losses, level) - 2e-9


@pytest.mark.parametrize("shape", [(0.05, 0.95), (0.5, 9.5), (5.0, 95.0)])
def test_means_of_groups_are_bounded_as_often_as_is_said(shape):
    rng = np.random.default_rng(3)
    draws = rng.beta(*shape, size=(2000, 60))
    refuted = np.mean([p_value(drawn(row, k), 0.05) <= 0.05 for k, row in enumerate(draws)])
    assert refuted <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 2000)


def test_fishers_test_is_scipys():
    rng = np.random.default_rng(0)
    for _ in range(20):
        saved, right = rng.random((2, 50)) < rng.random((2, 1))
        table = [
            [(saved & right).sum(), (saved & ~right).sum()],
            [(~saved & right).sum(), (~saved & ~right).sum()],
        ]
        want = stats.fisher_exact(table, "greater").pvalue
        assert told_apart(saved, right) == pytest.approx(want, rel=1e-6)
