"""Folds by identity: nobody stands on both sides, and what is too little is refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectif.data.dataset import Dataset, Sample
from objectif.data.identities import grouped, plan_identities
from objectif.errors import DataError
from objectif.tasks import find


def people(images: Sequence[int], splits: Sequence[str | None] | None = None, many: bool = False) -> Dataset:
    """images: of each identity; splits: of each image."""
    labels = [k for k, n in enumerate(images) for _ in range(n)]
    names = tuple(f"p{k}" for k in range(len(images)))
    samples = tuple(
        Sample(
            f"p{label}/{row}.png",
            Path(f"{row}.png"),
            (label, 0) if many and label else (label,),
            split=None if splits is None else splits[row],
        )
        for row, label in enumerate(labels)
    )
    return Dataset("d", Path("d"), "folders", names, samples, multilabel=many)


@given(st.lists(st.integers(1, 6), min_size=8, max_size=40), st.integers(0, 3))
def test_no_identity_is_cut(images: list[int], seed: int) -> None:
    images = [*images, 4, 4, 4, 4]
    dataset, plan = plan_identities(people(images), seed=seed)
    truth = find("identify").truth(dataset)[:, 0]
    assert set(plan.fold.tolist()) == set(range(plan.folds))
    assert np.array_equal(truth[:, 1], plan.fold)
    for k in range(plan.folds):
        assert not set(truth[plan.train(k), 0]) & set(truth[plan.held(k), 0])


def test_many_people_have_more_folds_and_a_locked_part() -> None:
    assert plan_identities(people([10] * 20))[1].folds == 2
    dataset, plan = plan_identities(people([25] * 50))
    assert plan.folds == 5
    assert plan.test.any()
    assert {s.split for s in dataset.samples} >= {"test", "fold0"}


def test_identities_that_share_a_picture_share_a_fold() -> None:
    together = np.arange(32)
    together[4] = together[0]
    _, plan = plan_identities(people([4] * 8), together=together)
    assert plan.fold[0] == plan.fold[4]


def test_given_splits_are_kept_unless_they_cut_an_identity() -> None:
    whole = ["val" if row < 16 else "train" for row in range(32)]
    _, plan = plan_identities(people([4] * 8, whole))
    assert (plan.folds, plan.origin) == (1, "given splits (train, val)")
    cut = ["val" if row % 4 == 0 else "train" for row in range(32)]
    _, plan = plan_identities(people([4] * 8, cut))
    assert plan.folds == 2
    assert "same identities stand on both sides" in plan.notes[0]


def test_too_little_is_refused() -> None:
    for images in ([5, 5, 5], [1] * 9, [4, 1, 1]):
        with pytest.raises(DataError, match="expected at least four"):
            plan_identities(people(images))
    with pytest.raises(DataError, match="expected at least two, one to be known"):
        plan_identities(people([5]))
    with pytest.raises(DataError, match="has 2 identities; expected one"):
        grouped(people([2, 2], many=True))


def test_one_image_of_an_identity_makes_a_stranger() -> None:
    _, plan = plan_identities(people([4, 4, 4, 4, 1, 1]))
    assert any("2 identities have one image" in note for note in plan.notes)
