"""Films are split by number: the last third is the test, the rest is cut into blocks, same pictures stay together."""

from __future__ import annotations

import numpy as np

from objectif.health.groups import Evidence, Series
from objectif.health.sequences import by_number, in_blocks, scattered, together, torn


def film(*runs: tuple[int, ...]) -> tuple[Series, ...]:
    return (Series("film", Evidence(30, 0.5, 0.1), (), runs),)


def test_blocks_of_neighbours_and_the_last_third() -> None:
    order = tuple(range(29, -1, -1))  # rows against the order of numbers
    splits = by_number(film(order), 30)
    told = [splits[row] for row in order]
    assert told == [f"fold{k // 4}" for k in range(20)] + ["test"] * 10
    assert in_blocks(film(order), splits)


def test_each_run_has_its_own_third_and_other_images_go_to_folds() -> None:
    splits = by_number(film(tuple(range(12)), tuple(range(12, 24))), 26)
    assert [k for k, split in enumerate(splits) if split == "test"] == [8, 9, 10, 11, 20, 21, 22, 23]
    assert {splits[24], splits[25]} == {"fold0", "fold1"}


def test_same_pictures_share_a_part() -> None:
    splits = ["fold0", "fold0", "fold1", "fold1", "test", "test"] + ["test"] * 14
    same = np.arange(20)
    same[2] = 0  # the third is the first again
    near = same.copy()
    near[4] = near[3]
    found = together(splits, same, near)
    assert found[:5] == ["fold0", "fold0", "fold0", "test", "test"]
    rest = np.zeros(20, np.int64)  # a camera at rest: all alike, which cannot be one part
    assert together(splits, np.arange(20), rest) == splits


def test_random_splits_are_scattered_and_blocks_are_not() -> None:
    run = tuple(range(60))
    drawn: list[str | None] = list(np.random.default_rng(0).choice(["train", "val", "test"], 60))
    blocks: list[str | None] = ["train"] * 40 + ["val"] * 10 + ["test"] * 10
    assert scattered(film(run), drawn)
    assert not in_blocks(film(run), drawn)
    assert torn(film(run), blocks) == (2, 59)
    assert in_blocks(film(run), blocks)
    assert not in_blocks(film(run), ["train"] * 40 + ["test"] * 20)  # train is dealt into folds at random
    assert not in_blocks(film(run), [None] * 60)
