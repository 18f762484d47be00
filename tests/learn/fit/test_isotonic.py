"""The curve of calibration: order of classes kept, a bend learned where there is one, none where a temperature does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

pytest.importorskip("torch")

from objectif.errors import SolutionError
from objectif.learn.fit.isotonic import FEWEST, fitted, worthwhile
from objectif.metrics.calibration import ece
from objectif.metrics.isotonic import bent, odds, share
from objectif.tasks.classify import Decoding, decode


def drawn(p: NDArray[np.float64], seed: int) -> NDArray[np.int64]:
    u = np.random.default_rng(seed).random((len(p), 1))
    return np.asarray((p.cumsum(1) > u).argmax(1), np.int64)


def too_sure(n: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Probabilities of three classes that are right in the middle and too sure at the ends."""
    true = np.random.default_rng(seed).dirichlet(np.full(3, 0.4), n)
    x = odds(true)
    given = share(x + 0.15 * np.sign(x) * x**2)
    return given / given.sum(1, keepdims=True), drawn(true, seed + 1)


@given(st.integers(0, 100), st.booleans())
@settings(max_examples=30, deadline=None)
def test_no_answer_changes(seed: int, several: bool) -> None:
    p, truth = too_sure(300, seed)
    curve = fitted(p, truth)
    after = bent(p, curve, several)
    assert (after.argmax(1) == p.argmax(1)).all()
    for row, new in zip(p, after, strict=True):
        assert (np.diff(new[np.argsort(row)]) >= 0).all()
    if not several:
        assert np.allclose(after.sum(1), 1)


def test_a_bend_is_learned_and_found_worthwhile() -> None:
    p, truth = too_sure(4000, 0)
    curve = worthwhile(p, truth, np.arange(len(p)))
    assert curve is not None
    fresh, labels = too_sure(8000, 77)
    assert ece(labels, bent(fresh, curve, False)) < 0.5 * ece(labels, fresh)


@pytest.mark.parametrize("seed", range(5))
def test_calibrated_probabilities_and_few_images_get_none(seed: int) -> None:
    p = np.random.default_rng(seed).dirichlet(np.full(4, 0.5), 3000)
    assert worthwhile(p, drawn(p, seed), np.arange(3000)) is None
    q, truth = too_sure(FEWEST - 1, seed)
    assert worthwhile(q, truth, np.arange(len(q))) is None


def test_a_decoding_with_a_curve_survives_the_file_and_is_checked() -> None:
    curve = ((-2.0, -1.0), (0.0, 0.1), (3.0, 2.0))
    decoding = Decoding(curve=curve)
    assert Decoding.from_dict(decoding.to_dict()) == decoding
    assert "curve" not in Decoding().to_dict()  # files without one stay as they were
    logits = np.random.default_rng(0).normal(size=(50, 4))
    assert (decode(logits, decoding, False).argmax(1) == logits.argmax(1)).all()
    for odd in (((0.0, 1.0), (1.0, 0.5)), ((0.0, float("nan")),), ()):
        with pytest.raises(SolutionError, match="curve is"):
            Decoding(curve=odd)


@given(st.integers(0, 30), st.sampled_from([0.0, 0.5, 0.95, 1.0]))
@settings(max_examples=20, deadline=None)
def test_a_network_that_is_certain_of_most_images_has_a_curve_too(seed: int, certain: float) -> None:
    p, truth = too_sure(400, seed)
    sure = np.random.default_rng(seed).random(len(p)) < certain
    p[sure] = np.eye(3)[p[sure].argmax(1)]
    assert Decoding(curve=fitted(p, truth)).curve is not None  # strictly rising, or it would be refused
