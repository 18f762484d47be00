"""A head of numbers stands on features that are computed once, and on pictures that show nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from objectif.learn.fit.regress.learners import COLUMNS_ONLY, MEAN_COLOUR, MEAN_COLOUR_STAGES
from objectif.learn.fit.train import Lesson, fixed, train
from objectif.learn.losses.corn import LOSS as CORN
from objectif.learn.losses.huber import LOSS as HUBER
from objectif.learn.losses.poisson import LOSS as POISSON


def lesson(images: Any, values: Any, **fields: Any) -> Lesson:
    n = len(values)
    truth = np.column_stack([values, np.arange(n) % 4]).astype(float)
    plain: dict[str, Any] = {"classes": 1, "size": (16, 16), "epochs": 1, "losses": (HUBER,)}
    return Lesson(images=images, truth=truth, weight=np.ones(n), **{**plain, **fields})


def pictures(n: int = 24) -> Any:
    return np.random.default_rng(0).integers(0, 256, (n, 1, 1, 3), np.uint8) + np.zeros(
        (n, 16, 16, 3), np.uint8
    )


def test_what_was_computed_before_gives_the_same_network() -> None:
    told = lesson(pictures(), pictures()[:, 0, 0, 0])
    plain = train(MEAN_COLOUR, told).state_dict()
    kept = train(MEAN_COLOUR, replace(told, fixed=fixed(MEAN_COLOUR, told, 3))).state_dict()
    assert all(torch.equal(plain[name], kept[name]) for name in plain)


def test_what_is_known_beside_the_picture_is_learned_from() -> None:
    told = lesson(pictures(), np.arange(24.0), columns=("age", "day"))
    known = np.column_stack([np.zeros(24), np.arange(24.0)])
    told = replace(told, truth=np.column_stack([told.truth, known]))
    network = train(COLUMNS_ONLY, told)
    assert network.columns == ("age", "day")
    side = torch.from_numpy(known.astype(np.float32))
    middle = network(torch.from_numpy(told.images), side)[0].detach().numpy()[:, 1]
    assert np.abs(middle - told.truth[:, 0]).max() < 1


def test_the_mean_colour_tells_how_red_a_picture_is() -> None:
    told = lesson(pictures(), pictures()[:, 0, 0, 0])
    low, middle, high = train(MEAN_COLOUR, told)(torch.from_numpy(told.images))[0].detach().numpy().T
    assert np.abs(middle - told.truth[:, 0]).max() < 5
    assert (low <= middle).all()
    assert (middle <= high).all()


@pytest.mark.parametrize("loss", [HUBER, POISSON])
def test_constant_images_get_one_answer_with_an_interval(loss: Any) -> None:
    values = np.arange(24.0)
    told = lesson(np.full((24, 16, 16, 3), 90, np.uint8), values, losses=(loss,))
    answers = train(MEAN_COLOUR, told)(torch.from_numpy(told.images))[0].detach().numpy()
    assert np.isfinite(answers).all()
    assert np.ptp(answers[:, 1]) < 1e-4
    assert answers[0, 1] == pytest.approx(11.5, abs=0.5)
    assert ((answers[:, 0] <= values) & (values <= answers[:, 2])).mean() >= 0.8


def test_constant_images_get_the_stages_as_often_as_they_are() -> None:
    told = lesson(np.full((24, 16, 16, 3), 90, np.uint8), np.arange(24) % 3, losses=(CORN,), classes=3)
    answers = train(MEAN_COLOUR_STAGES, told)(torch.from_numpy(told.images))[0].detach().numpy()
    np.testing.assert_allclose(answers[:, 1:], 1 / 3, atol=0.02)


def test_numbers_that_are_all_the_same_are_answered_so() -> None:
    told = lesson(pictures(), np.full(24, 7.0))
    answers = train(MEAN_COLOUR, told)(torch.from_numpy(told.images))[0].detach().numpy()
    np.testing.assert_allclose(answers, 7.0, atol=0.01)
