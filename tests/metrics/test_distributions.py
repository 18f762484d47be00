"""Tails and classical intervals agree with scipy and keep what they promise."""

from __future__ import annotations

import pytest

from objectif.metrics.distributions import (
    beta_cdf,
    clopper_pearson,
    normal_cdf,
    normal_quantile,
    student_from_normal,
    student_tail,
    wilson,
)

stats = pytest.importorskip("scipy.stats")


@pytest.mark.parametrize("a", [0.5, 1.0, 7.0, 300.0])
@pytest.mark.parametrize("b", [0.5, 2.0, 90.0])
def test_beta_is_scipys(a: float, b: float) -> None:
    for x in (0.0, 1e-6, 0.03, 0.5, 0.97, 1.0):
        assert beta_cdf(x, a, b) == pytest.approx(stats.beta.cdf(x, a, b), abs=1e-12)


@pytest.mark.parametrize("df", [1, 2.5, 9, 99, 5000])
def test_student_is_scipys_far_into_the_tail(df: float) -> None:
    for z in (0.2, 1.96, 3.5, 5.0):
        assert student_tail(z, df) == pytest.approx(stats.t.sf(z, df), rel=1e-7)
        assert student_from_normal(z, df) == pytest.approx(stats.t.isf(stats.norm.sf(z), df), rel=1e-6)


def test_normal_quantile_inverts() -> None:
    for p in (0.001, 0.3, 0.975):
        assert normal_cdf(normal_quantile(p)) == pytest.approx(p, abs=1e-12)


@pytest.mark.parametrize(("k", "n"), [(0, 20), (20, 20), (3, 50), (85, 100)])
def test_intervals_of_a_share_are_scipys(k: int, n: int) -> None:
    test = stats.binomtest(k, n)
    for ours, method in ((clopper_pearson(k, n), "exact"), (wilson(k, n), "wilson")):
        theirs = test.proportion_ci(0.95, method)
        assert ours == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_299_positives_without_a_miss_promise_99_percent() -> None:
    assert clopper_pearson(299, 299, 0.90)[0] == pytest.approx(0.99, abs=1e-4)


def test_impossible_shares_are_refused() -> None:
    with pytest.raises(ValueError, match="5 of 4"):
        clopper_pearson(5, 4)
    with pytest.raises(ValueError, match="n = 0"):
        wilson(0, 0)
