"""The task of restoration: tiles leave no seam, answers have their own size, decoding is strict."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from objectif.errors import SolutionError
from objectif.images.prepare import Placement
from objectif.images.tiles import grid
from objectif.tasks import find
from objectif.tasks.exhibits import BeforeAfter, Cases, Sheet

TASK = find("restore")
RNG = np.random.default_rng(0)


@pytest.mark.parametrize("grow", [1, 2])
def test_tiles_of_what_sees_no_further_than_its_margin_are_the_whole(grow: int) -> None:
    picture = RNG.uniform(0, 255, (1, 70, 101, 1)).astype(np.float32)

    def answer(part: Any) -> Any:  # sees four pixels around itself
        wide = np.pad(part, ((0, 0), (4, 4), (4, 4), (0, 0)), mode="edge")
        high, across = part.shape[1:3]
        smooth = sum(wide[:, y : y + high, x : x + across] for y in range(9) for x in range(9)) / 81
        return smooth.repeat(grow, 1).repeat(grow, 2).astype(np.float32)

    tiles = grid(70, 101, (40, 48))
    parts = [(tile, answer(picture[:, tile.top : tile.bottom, tile.left : tile.right])) for tile in tiles]
    assert len(tiles) > 4
    assert np.allclose(TASK.stitch(parts, 70, 101, TASK.decoding()), answer(picture), atol=1e-4)


def test_answers_have_their_own_size_and_bits() -> None:
    decoded = np.full((2, 30, 40, 1), 300.4, np.float32)
    places = [Placement(30, 40), Placement(10, 7, 2, 2)]
    big, small = TASK.answers(["a", "b"], ("picture",), decoded, TASK.decoding(), True, places)
    assert (big.pixels.shape, small.pixels.shape) == ((30, 40, 1), (20, 14, 1))
    assert (big.rounded()[0, 0, 0], big.rounded(16)[0, 0, 0]) == (255, 65535)
    assert big.rounded(16).dtype == np.uint16
    assert big.as_dict()["shape"] == [30, 40, 1]


def test_decoding_is_strict_and_numbers_are_finite() -> None:
    with pytest.raises(SolutionError, match="unknown keys"):
        TASK.decoding({"sharpness": 1})
    with pytest.raises(SolutionError, match="no output 'picture'"):
        TASK.decode({}, TASK.decoding(), True, [])
    with pytest.raises(SolutionError, match="finite"):
        TASK.decode({"picture": np.full((1, 2, 2, 1), np.nan)}, TASK.decoding(), True, [Placement(2, 2)])


def test_exhibits_show_each_picture_and_the_ends() -> None:
    truth = np.full((9, 24, 30, 2), np.nan, np.float32)
    for row in range(9):
        truth[row, : 24 - row] = RNG.uniform(0, 255, (24 - row, 30, 1))
        truth[row, : 24 - row, :, 1] += 20
    answers = np.nan_to_num(truth[..., :1]) + np.arange(1, 10)[:, None, None, None]
    found = TASK.exhibits([f"{k}.png" for k in range(9)], ("picture",), truth, answers)
    assert isinstance(found[0], Sheet)
    assert len(found[0].rows) == 10
    worst, usual, best = (e.cases for e in found[1:] if isinstance(e, Cases))
    assert (worst[0].path, best[0].path, len(usual)) == ("8.png", "0.png", 3)
    assert isinstance(worst[0], BeforeAfter)
    assert worst[0].given.shape == worst[0].answer.shape == (16, 30, 1)
