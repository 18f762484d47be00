"""splits: no group is cut, classes and sizes are balanced, given splits are kept, the seed decides and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from objectif.data.dataset import Dataset, Sample
from objectif.data.load import load
from objectif.data.splits import LOCK_FROM, SplitPlan, components, from_json, plan, to_json
from objectif.errors import DataError

Made = Callable[..., Dataset]


def counts(split: SplitPlan, truth: Any, classes: int) -> Any:
    return np.array([np.bincount(truth[split.held(k)], minlength=classes) for k in range(split.folds)])


@given(
    st.lists(st.integers(2, 40), min_size=2, max_size=6),
    st.integers(2, 6),
    st.integers(0, 5),
)
@settings(max_examples=80, deadline=None)
def test_without_groups_every_class_is_dealt_evenly(
    made: Made, sizes: list[int], folds: int, seed: int
) -> None:
    labels = [c for c, n in enumerate(sizes) for _ in range(n)]
    split = plan(made(labels), folds=folds, seed=seed)
    table = counts(split, np.array(labels), len(sizes))
    assert np.ptp(table, axis=0).max() <= 1
    assert np.ptp(table.sum(1)) <= len(sizes)
    assert sorted(np.concatenate([split.held(k) for k in range(split.folds)])) == list(range(len(labels)))


@given(st.data())
@settings(max_examples=120, deadline=None)
def test_groups_and_clusters_are_never_cut(made: Made, draw: st.DataObject) -> None:
    n = draw.draw(st.integers(8, 120))
    classes = draw.draw(st.integers(2, 4))
    labels = draw.draw(st.lists(st.integers(0, classes - 1), min_size=n, max_size=n))
    groups = draw.draw(st.lists(st.sampled_from([None, *"abcdefghijklmnop"]), min_size=n, max_size=n))
    together = np.array(draw.draw(st.lists(st.integers(0, 3 * n), min_size=n, max_size=n)))
    data = made(labels, classes=classes, groups=groups)
    assume(min(np.bincount(labels, minlength=classes)) >= 2)
    unit = components(data.groups(), together, n)
    assume(len(set(unit.tolist())) > 1)
    split = plan(data, seed=draw.draw(st.integers(0, 3)), together=together)
    truth = data.truth()
    for k in range(split.folds):
        held, train = split.held(k), split.train(k)
        assert len(held)
        assert not set(together[held]) & set(together[train])
        assert not {groups[i] for i in held if groups[i]} & {groups[i] for i in train if groups[i]}
        for c in range(classes):
            if len(set(unit[truth == c].tolist())) > 1 and split.folds > 2:
                assert (truth[train] == c).any(), "a class of two groups must never be missing in training"


def test_equal_groups_are_dealt_evenly(made: Made) -> None:
    labels = [c for c in range(6) for _ in range(40)]
    groups = [f"{c}-{i // 8}" for c in range(6) for i in range(40)]  # 5 groups of 8 in each class
    split = plan(made(labels, groups=groups), folds=5)
    assert (counts(split, np.array(labels), 6) == 8).all()


@pytest.mark.parametrize("seed", range(5))
def test_uneven_groups_are_dealt_nearly_evenly(made: Made, seed: int) -> None:
    random = np.random.default_rng(seed)
    labels, groups = [], []
    for g in range(120):
        label = int(random.integers(0, 4))
        for _ in range(int(random.integers(1, 12))):
            labels.append(label if random.random() < 0.9 else int(random.integers(0, 4)))
            groups.append(f"g{g}")
    table = counts(plan(made(labels, groups=groups), folds=5, seed=seed), np.array(labels), 4)
    share = table / table.sum(0)
    assert np.abs(share - 0.2).max() < 0.03
    assert np.abs(table.sum(1) / table.sum() - 0.2).max() < 0.02


def test_the_seed_decides(made: Made) -> None:
    labels = [i % 3 for i in range(60)]
    a, b, c = (plan(made(labels), seed=s) for s in (1, 1, 2))
    assert np.array_equal(a.fold, b.fold)
    assert not np.array_equal(a.fold, c.fold)


def test_given_test_is_locked_and_the_rest_is_dealt(made: Made) -> None:
    labels = [i % 2 for i in range(40)]
    split = plan(made(labels, splits=["test" if i < 10 else "train" for i in range(40)]))
    assert split.test.tolist() == [i < 10 for i in range(40)]
    assert (split.fold[:10] == -1).all()
    assert (split.fold[10:] >= 0).all()
    assert "given test split" in split.origin
    assert split.development().tolist() == list(range(10, 40))


def test_given_val_is_the_one_fold(made: Made) -> None:
    kinds = ["train"] * 20 + ["val"] * 10 + ["test"] * 6
    split = plan(made([i % 2 for i in range(36)], splits=kinds))
    assert split.folds == 1
    assert split.held(0).tolist() == list(range(20, 30))
    assert split.train(0).tolist() == list(range(20))
    assert split.scored().tolist() == list(range(20, 30))
    assert split.test.sum() == 6


def test_given_folds_are_used_as_they_are(made: Made) -> None:
    split = plan(made([i % 2 for i in range(2400)], splits=[f"fold{i % 12}" for i in range(2400)]), folds=3)
    assert split.folds == 12  # and fold10 comes after fold9
    assert np.array_equal(split.fold, np.arange(2400) % 12)
    assert not split.test.any()


def test_many_images_lock_a_fifth_away(made: Made) -> None:
    labels = [i % 4 for i in range(LOCK_FROM)]
    groups = [f"g{i // 4}" for i in range(LOCK_FROM)]
    data = made(labels, groups=groups)
    split = plan(data)
    assert split.test.sum() == pytest.approx(LOCK_FROM / 5, abs=8)
    ids = data.groups()
    assert ids is not None
    assert not set(ids[split.test]) & set(ids[~split.test])
    assert "locked away" in split.origin
    assert not plan(made(labels[:-1])).test.any()


def test_few_images_mean_fewer_folds(made: Made) -> None:
    split = plan(made([0, 0, 0, 1, 1, 1]), folds=5)
    assert split.folds == 3
    assert "3 folds instead of 5" in split.notes[0]
    split = plan(made([0] * 30 + [1, 1]), folds=5)
    assert split.folds == 5
    assert "'c1' (2)" in split.notes[0]


def test_a_class_in_one_group_is_said(made: Made) -> None:
    labels = [0] * 6 + [1] * 6
    groups = ["a"] * 6 + ["b", "b", "c", "c", "d", "d"]
    split = plan(made(labels, groups=groups), folds=3)
    assert any("'c0' are in one group" in note for note in split.notes)


def test_multilabel_is_balanced(made: Made) -> None:
    random = np.random.default_rng(0)
    hot = random.random((300, 5)) < np.array([0.5, 0.3, 0.1, 0.05, 0.9])
    data = made([np.flatnonzero(row).tolist() for row in hot], classes=5, multilabel=True)
    split = plan(data, folds=5)
    table = np.array([hot[split.held(k)].sum(0) for k in range(5)])
    assert np.ptp(table, axis=0).max() <= 3
    assert np.ptp([len(split.held(k)) for k in range(5)]) <= 3


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"labels": [0] * 9}, "one class only"),
        ({"labels": [0] * 9 + [1]}, "'c1' has one image; .*Add images of 'c1' or drop"),
        ({"labels": [0] * 9, "classes": 2}, "'c1' has no image"),
        (
            {"labels": [0, 0, 1, 1, 1], "splits": ["train", "train", "test", "test", "train"]},
            "outside the test split",
        ),
        ({"labels": [0, 0, 1, 1], "splits": ["train", "val", "val", "val"]}, "no image in the train split"),
        ({"labels": [0, 0, 1, 1], "groups": ["a"] * 4}, "all images are in one group"),
        ({"labels": [0, 0, 1, 1], "splits": ["fold0"] * 4}, "one given fold only"),
        (
            {"labels": [0, 0, 1, 1], "splits": ["fold0", "fold1", "fold0", None]},
            "given folds, others no split",
        ),
        ({"labels": [], "classes": 2}, "no usable images"),
    ],
)
def test_what_cannot_be_raced_is_said(made: Made, data: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        plan(made(**data))


def test_folds_must_be_two_or_more(made: Made) -> None:
    with pytest.raises(DataError, match="folds = 1"):
        plan(made([0, 0, 1, 1]), folds=1)


def test_a_plan_survives_json_in_another_order(made: Made) -> None:
    data = made([i % 3 for i in range(30)], groups=[f"g{i // 2}" for i in range(30)])
    split = plan(data)
    written = json.loads(json.dumps(to_json(split, data)))
    assert {"origin", "seed", "folds", "paths", "labels", "groups", "fold", "test"} <= written.keys()
    again = from_json(written, data)
    assert np.array_equal(again.fold, split.fold)
    assert (again.origin, again.seed, again.folds, again.notes) == (
        split.origin,
        split.seed,
        split.folds,
        split.notes,
    )
    order = np.random.default_rng(0).permutation(30)
    assert np.array_equal(from_json(written, data.take(order)).fold, split.fold[order])


def test_a_plan_for_other_data_is_refused(made: Made) -> None:
    data = made([0, 0, 1, 1])
    written = to_json(plan(data, folds=2), data)
    with pytest.raises(DataError, match="4 images then, 6 now"):
        from_json(written, made([0, 0, 1, 1, 0, 1]))
    with pytest.raises(DataError, match="is new"):
        from_json({**written, "paths": ["x", *written["paths"][1:]]}, data)
    with pytest.raises(DataError, match="damaged"):
        from_json({"paths": []}, data)


def test_real_tracks_stay_together(shared: Any) -> None:
    data = load(shared("traffic_signs"), group=r"[^/]+/\d+")
    split = plan(data, folds=4)
    groups = data.groups()
    assert groups is not None
    for k in range(4):
        assert not set(groups[split.held(k)]) & set(groups[split.train(k)])
        assert set(data.truth()[split.train(k)]) == set(range(20))
    sizes = [len(split.held(k)) for k in range(4)]
    assert max(sizes) - min(sizes) <= 8


def test_a_part_is_held_out_beside_a_test_split_where_training_is_dear() -> None:
    samples = tuple(
        Sample(f"{n}.png", Path(f"{n}.png"), (n % 3,), group=f"g{n // 2}", split="test" if n >= 48 else None)
        for n in range(60)
    )
    data = Dataset("x", Path(), "folders", ("a", "b", "c"), samples)
    made = plan(data, part=True)
    assert made.folds == 1
    held, train = made.held(0), made.train(0)
    assert 8 <= len(held) <= 16
    assert len(held) + len(train) == 48
    assert not {samples[i].group for i in held} & {samples[i].group for i in train}
    assert {samples[i].labels[0] for i in held} == {0, 1, 2}
    assert plan(data).folds == 5
    no_test = Dataset("x", Path(), "folders", ("a", "b", "c"), samples[:48])
    assert plan(no_test, part=True).folds == 5
