"""The task 'identify': truth and its blocks, decodings that come back, thresholds that keep their rate, exhibits without pictures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectif.errors import DataError, InputError, SolutionError
from objectif.images.prepare import Placement
from objectif.metrics.identity import searches
from objectif.tasks import find
from objectif.tasks.exhibits import Cases, Sheet
from objectif.tasks.identify import Decoding, Identify, measured

TASK = Identify()


def crowd(people: int = 16, images: int = 8, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    identity = np.repeat(np.arange(people), images)
    truth = np.stack([identity, np.zeros_like(identity)], 1)[:, None]
    rows = rng.normal(size=(people, 8))[identity] + 0.7 * rng.normal(size=(len(identity), 8))
    return truth, TASK.decode({"embedding": rows}, Decoding(), False, [Placement(1, 1)] * len(rows))


def test_the_threshold_keeps_the_rate_it_is_for() -> None:
    truth, rows = crowd()
    decoding = TASK.operate(Decoding(), truth, rows, False)
    found = searches(truth, rows)
    strangers = np.concatenate([s.top[~s.mated] for s in found])
    assert (decoding.entries, decoding.people) == (12, 16)
    for rate in (0.001, 0.01, 0.05, 0.3):
        limit = decoding.threshold(rate)
        met = float((strangers > limit.value).mean())
        assert met <= rate + 1e-9
        assert met >= 0.85 * rate - 2 / len(strangers)  # the curve is kept in points
        assert limit.low <= rate <= limit.high or rate * decoding.images < 1
    assert measured(found, truth) == decoding


@given(
    st.floats(1e-4, 0.5),
    st.integers(1, 10_000),
    st.integers(1, 10_000),
)
def test_larger_galleries_and_smaller_rates_ask_for_more(rate: float, one: int, other: int) -> None:
    rates = tuple(np.linspace(0, 0.5, 40).tolist())
    decoding = Decoding(0.01, 10, 20, 200, rates, tuple(1 - r for r in rates))
    small, large = sorted((one, other))
    assert decoding.threshold(rate, small).value <= decoding.threshold(rate, large).value
    assert decoding.threshold(rate / 2, one).value >= decoding.threshold(rate, one).value


def test_a_decoding_comes_back_and_wrong_ones_are_refused() -> None:
    truth, rows = crowd()
    decoding = TASK.operate(Decoding(0.05), truth, rows, False)
    assert TASK.decoding(decoding.to_dict()) == decoding
    assert decoding.fpir == 0.05
    for wrong, says in (
        ({"threshold": 1}, "unknown keys"),
        ({"fpir": 0}, "above 0 and below 1"),
        ({"rates": [0.1]}, "expected as many"),
        ({"rates": [0.1], "scores": [0.5]}, "counts none"),
        ({"rates": ["a"], "scores": [0.5]}, "not a number"),
        ({"rates": [0.1], "scores": [float("nan")], "entries": 1}, "not finite"),
    ):
        with pytest.raises(SolutionError, match=says):
            TASK.decoding(wrong)
    with pytest.raises(InputError, match="knows no threshold"):
        Decoding().threshold()


def test_outputs_that_are_no_embeddings_are_refused() -> None:
    for outputs, says in (
        ({}, "no output 'embedding'"),
        ({"embedding": np.zeros(3)}, "no output 'embedding'"),
        ({"embedding": np.full((1, 3), np.nan)}, "not finite"),
    ):
        with pytest.raises(SolutionError, match=says):
            TASK.decode(outputs, Decoding(), False, [Placement(1, 1)])


def test_exhibits_show_files_and_no_pictures() -> None:
    truth, rows = crowd()
    paths = [f"p{k}/x.png" for k in range(len(truth))]
    decoding = TASK.operate(Decoding(), truth, rows, False)
    names = tuple(f"p{k}" for k in range(16))
    found = TASK.exhibits(paths, names, truth, rows, decoding.to_dict())
    assert [e.title for e in found] == ["Scores", "TPIR against FPIR", "Figures", "Identities", "Errors"]
    assert not any(isinstance(e, Cases) for e in found)
    curve = found[1].curves[0]  # type: ignore[union-attr]
    assert list(curve.y) == sorted(curve.y)
    errors = found[4]
    assert isinstance(errors, Sheet)
    assert {row[0] for row in errors.rows} <= set(paths)
    assert TASK.exhibits(["a"], ("a",), truth[:1], rows[:1]) == []


def test_what_has_no_place_is_not_tiled() -> None:
    assert find("identify").tiled is False
    with pytest.raises(NotImplementedError):
        TASK.stitch([], 1, 1, Decoding())


def test_two_identities_in_one_picture_are_refused() -> None:
    from pathlib import Path

    from objectif.data.dataset import Dataset, Sample

    dataset = Dataset(
        "d", Path("d"), "manifest", ("a", "b"), (Sample("x", Path("x"), (0, 1)),), multilabel=True
    )
    with pytest.raises(DataError, match="2 identities; expected one"):
        TASK.truth(dataset)
