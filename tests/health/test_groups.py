"""Groups: names that go with looks are found, with the expression that --group takes; names that do not, never."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from objectif.data.dataset import Dataset
from objectif.data.grouping import grouped
from objectif.data.load import load
from objectif.health.features import features
from objectif.health.groups import Evidence, evidence, nearest, propose, series
from objectif.health.looks import look

from .conftest import in_memory

Floats = NDArray[np.float32]


def world(
    names: list[str], labels: list[int], identity: list[int], strength: float = 3.0
) -> tuple[Dataset, Floats]:
    """A Dataset with these names and features in which images of one identity are alike."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(max(identity) + 1, 24)) * strength
    table = (centres[identity] + rng.normal(size=(len(names), 24))).astype(np.float32)
    return in_memory([np.zeros((1, 1, 3), np.uint8)] * len(names), labels, paths=names), table


def partition(ids: NDArray[np.int64] | list[str] | list[int]) -> set[frozenset[int]]:
    found: dict[object, set[int]] = {}
    for row, key in enumerate(ids):
        found.setdefault(key, set()).add(row)
    return {frozenset(rows) for rows in found.values()}


def test_tracks_that_begin_anew_in_each_folder_need_the_folder() -> None:
    names, labels, identity = [], [], []
    for c in range(4):
        for track in range(6):
            for frame in range(5):
                names.append(f"{c:02d}/{track:05d}_{frame:05d}.png")
                labels.append(c)
                identity.append(6 * c + track)
    dataset, table = world(names, labels, identity)
    found = propose(dataset, table)
    assert found is not None
    assert found.folder
    assert partition(found.ids) == partition(identity)
    again = grouped(dataset, found.regex)  # what --group makes of it
    assert partition([s.group or "" for s in again.samples]) == partition(identity)


@pytest.mark.parametrize("form", ["{c}/patient{p}_{k}.png", "{c}/{p:04d}-{k}.jpg", "{c}/scan {p} {k}.png"])
def test_patients_in_several_classes_are_one_group(form: str) -> None:
    names, labels, identity = [], [], []
    for p in range(30):
        for k in range(4):
            names.append(form.format(c="ab"[k % 2], p=p, k=k))
            labels.append(k % 2)
            identity.append(p)
    dataset, table = world(names, labels, identity)
    found = propose(dataset, table)
    assert found is not None
    assert not found.folder
    assert partition(found.ids) == partition(identity)


def test_a_folder_below_the_class_can_be_the_group() -> None:
    names = [f"{'ab'[p % 2]}/walk{p}/{k}.jpg" for p in range(20) for k in range(5)]
    dataset, table = world(
        names, [p % 2 for p in range(20) for _ in range(5)], [p for p in range(20) for _ in range(5)]
    )
    found = propose(dataset, table)
    assert found is not None
    assert partition(found.ids) == partition([p for p in range(20) for _ in range(5)])


@pytest.mark.parametrize("batches", [3, 20])
def test_names_that_share_a_part_without_sharing_looks_are_no_group(batches: int) -> None:
    for seed in range(10):
        rng = np.random.default_rng(seed)
        names = [f"{'abc'[i % 3]}/batch{rng.integers(batches)}_{i}.jpg" for i in range(150)]
        dataset, _ = world(names, [i % 3 for i in range(150)], [0] * 150)
        table = rng.normal(size=(150, 24)).astype(np.float32)
        assert propose(dataset, table) is None


def test_classes_are_no_groups() -> None:
    names = [f"{'abc'[i % 3]}/{'abc'[i % 3]}_{i:03d}.jpg" for i in range(120)]
    dataset, table = world(names, [i % 3 for i in range(120)], [i % 3 for i in range(120)])
    assert propose(dataset, table) is None


def test_a_film_is_a_series_and_shuffled_numbers_are_none() -> None:
    rng = np.random.default_rng(0)
    walk = np.cumsum(rng.normal(size=(100, 24)), axis=0).astype(np.float32)
    names = [f"a/frame{i}.jpg" for i in range(100)]
    film, _ = world(names, [0] * 100, [0] * 100)
    (found,) = series(film, walk)
    assert found.folder == "a"
    assert found.evidence.hits > 0.5
    assert all(abs(p - q) == 1 for p, q in found.examples)
    assert series(film, walk[rng.permutation(100)]) == ()


def test_nearest_and_evidence_agree_with_counting() -> None:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(40, 5)).astype(np.float32)
    labels, ids = rng.integers(0, 2, 40), rng.integers(0, 8, 40)
    near = nearest(rows, labels, same=True)
    for i in range(40):
        others = [j for j in range(40) if j != i and labels[j] == labels[i]]
        assert near[i] == max(others, key=lambda j: float(rows[i] @ rows[j]))
    found = evidence(ids, labels, near, same=True)
    assert found is not None
    mates = [
        [j for j in range(40) if j != i and ids[j] == ids[i] and labels[j] == labels[i]] for i in range(40)
    ]
    counted = [i for i in range(40) if mates[i]]
    assert found.n == len(counted)
    assert found.hits == pytest.approx(np.mean([near[i] in mates[i] for i in counted]))
    chances = [len(mates[i]) / (np.sum(labels == labels[i]) - 1) for i in counted]
    assert found.chance == pytest.approx(np.mean(chances))


def test_evidence_counts_errors_above_chance() -> None:
    assert Evidence(100, 0.5, 0.5).errors == pytest.approx(0)
    assert Evidence(200, 0.6, 0.5).errors == pytest.approx(2.0)


def test_real_tracks(shared: Callable[..., Path]) -> None:
    dataset = load(shared("traffic_signs"))
    found = propose(dataset, features(look(dataset)))
    assert found is not None
    assert found.folder
    tracks = [s.path.rsplit("_", 1)[0] for s in dataset.samples]
    assert partition(found.ids) == partition(tracks)
