"""Planted disagreements of boxes, numbers and masks come first, and say what they are."""

from __future__ import annotations

import numpy as np
import pytest

from objectif.health.second_look import NOTHING, of_boxes, of_masks, of_numbers, share_below
from objectif.metrics.masks import VOID

N = 30
PATHS = [f"{k}.png" for k in range(N)]


def test_a_share_counts_the_others_that_are_smaller() -> None:
    assert share_below(np.array([3.0, 1.0, 2.0])).tolist() == [1.0, 0.0, 0.5]
    assert share_below(np.array([4.0])).tolist() == [0.0]


def test_numbers_far_outside_their_interval_come_first_with_their_subject() -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(10, 3, N)
    answers = np.column_stack([y - 1, y + rng.normal(0, 0.2, N), y + 1])
    told = y.copy()
    told[7] += 9
    looks = of_numbers(PATHS, np.column_stack([told, np.arange(N) // 3]), answers, "out-of-fold")
    assert looks[0].path == "7.png" and looks[0].against == 1.0
    assert "of this subject 1 of 3 photos are outside" in looks[0].looks
    assert len(looks) == N and all(look.wrong is None for look in looks)
    assert [look.against for look in looks] == sorted((look.against for look in looks), reverse=True)


def test_masks_that_disagree_come_first_and_open_pixels_count_nothing() -> None:
    truth = np.zeros((N, 20, 20), np.uint8)
    truth[:, :10] = 1
    answers = truth.copy()
    answers[:, 9] = 0
    truth[4] = 0
    truth[5, :, 10:] = VOID
    answers[5, :, 10:] = 1
    looks = of_masks(PATHS, ("soil", "crop"), truth, answers, "test")
    assert looks[0].path == "4.png" and looks[0].part == "test"
    assert looks[0].given == "crop on 0% of the pixels" and looks[0].looks.startswith("crop on 45%")
    assert len({look.looks.rpartition(" ")[2] for look in looks[1:]}) == 1


def boxes() -> tuple[np.ndarray, np.ndarray]:
    """(truth, answers): two objects in each picture, both found, the second less surely; a third answer is noise."""
    truth, answers = np.zeros((N, 2, 6)), np.zeros((N, 3, 6), np.float32)
    for k in range(N):
        truth[k] = [[10, 10, 30, 30, 0, 0], [50, 50, 80, 80, 1, 0]]
        answers[k] = [[11, 10, 30, 30, 0.9, 0], [50, 50, 79, 80, 0.8, 1], [0, 80, 9, 99, 0.05, 1]]
    return truth, answers


def test_a_label_that_is_missing_or_of_nothing_or_of_another_class_comes_first() -> None:
    truth, answers = boxes()
    truth[3, 0] = [0, 0, 0, 0, -1, 0]  # forgotten
    answers[6, 1] = [0, 0, 0, 0, 0, -1]  # nobody sees it
    truth[9, 0, 4] = 1  # called by the wrong name
    looks = of_boxes(PATHS, ("ant", "bee"), truth, answers, "out-of-fold")
    assert {look.path for look in looks} == {"3.png", "6.png", "9.png"}
    by = {look.path: look for look in looks}
    assert (by["3.png"].given, by["3.png"].looks) == (NOTHING, "ant at 11, 10, 30, 30")
    assert (by["6.png"].given, by["6.png"].looks) == ("bee at 50, 50, 80, 80", NOTHING)
    assert (by["9.png"].given, by["9.png"].looks) == ("bee at 10, 10, 30, 30", "ant at 11, 10, 30, 30")
    assert len(looks) == 3  # the label and the answer beside it are one case
    assert all(look.against > 0.85 for look in looks)


def test_what_is_to_be_ignored_and_what_is_often_missed_raise_no_doubt() -> None:
    truth, answers = boxes()
    truth[3, 0, 5] = 1
    assert not of_boxes(PATHS, ("ant", "bee"), truth, answers, "test")
    answers[5:, 1] = [0, 0, 0, 0, 0, -1]  # bees are mostly missed
    assert max(look.against for look in of_boxes(PATHS, ("ant", "bee"), truth, answers, "test")) < 0.3


@pytest.mark.parametrize("objects", [0, 2])
def test_no_objects_or_no_answers_are_no_error(objects: int) -> None:
    truth, answers = boxes()
    truth[:, objects:, 4] = -1
    answers[..., 5] = -1
    assert of_boxes(PATHS, ("ant", "bee"), truth, answers, "test") == []
