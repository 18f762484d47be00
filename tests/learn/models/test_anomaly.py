"""Networks that know good pictures: from these alone, exported as they are, whatever the pictures are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from objectif import plugins
from objectif.errors import TrialError
from objectif.learn.export.whole import export_whole
from objectif.learn.fit.train import Lesson, train
from objectif.learn.losses.base import Batch
from objectif.learn.models import find_learner
from objectif.learn.models.anomaly.gaussian import Gaussian
from objectif.learn.models.anomaly.memory import Memory, coreset
from objectif.learn.models.base import Learner
from objectif.learn.testing import check_model
from objectif.metrics.maps import SIDE, with_row
from objectif.run.network import Network

LEARNERS = ("contrast_z", "filters_gaussian", "lite0_memory", "lite0_gaussian", "lite0_places")
SIZE = (64, 96)


def lesson(images: NDArray[np.uint8], kinds: list[int]) -> Lesson:
    truth = with_row(np.zeros((len(images), SIDE, SIDE), np.uint8), kinds)
    return Lesson(images, truth, np.ones(len(images)), 2, images.shape[1:3], 1)


def noise(n: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(90, 130, (n, *SIZE, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", LEARNERS)
def test_keeps_the_contract(name: str) -> None:
    failed = [f"{c.name}: {c.detail}" for c in check_model(name) if not c.ok]
    assert not failed


@pytest.fixture(params=LEARNERS)
def learner(request: pytest.FixtureRequest) -> Learner:
    return find_learner(request.param)


def test_all_are_behind_the_door() -> None:
    assert set(LEARNERS) <= set(plugins.names("models"))


def test_defects_among_the_images_teach_nothing(learner: Learner) -> None:
    good, bad = noise(4), noise(2, 1)
    bad[:, 10:40, 20:60] = 255
    alone = train(learner, lesson(good, [0] * 4)).state_dict()
    both = train(learner, lesson(np.concatenate([bad, good]), [1, 2, 0, 0, 0, 0])).state_dict()
    assert all(torch.equal(alone[key], both[key]) for key in alone)


def test_no_good_picture_is_refused(learner: Learner) -> None:
    with pytest.raises(TrialError, match="no good picture"):
        train(learner, lesson(noise(3), [1, 1, 2]))


@pytest.mark.parametrize("kind", ["one", "constant"])
def test_few_and_constant_pictures_export_what_they_answer(learner: Learner, kind: str) -> None:
    images = noise(1) if kind == "one" else np.full((3, *SIZE, 3), 128, np.uint8)
    network = train(learner, lesson(images, [0] * len(images)))
    seen = np.concatenate([images, noise(2, 5), np.zeros((1, *SIZE, 3), np.uint8)])
    with torch.inference_mode():
        expected = network(torch.from_numpy(seen))[0].numpy()
    met = Network(export_whole(network, SIZE), threads=1, needs=("anomaly",)).outputs(seen)["anomaly"]
    assert np.isfinite(expected).all()
    assert np.abs(met - expected).max() <= 1e-3 * np.abs(expected).max()


def test_a_remembered_part_is_the_nearest() -> None:
    torch.manual_seed(0)
    features = torch.randn(3, 8, 4, 4)
    memory = Memory(8, most=48, share=1.0)
    memory.fit(features)
    assert memory(features).max() < 0.1 * memory(features + 3).min()
    flat = memory._scaled(features.permute(0, 2, 3, 1).reshape(-1, 8))
    far = memory._scaled((features + 1).permute(0, 2, 3, 1).reshape(-1, 8))
    wanted = torch.cdist(far, flat).min(1).values
    assert torch.allclose(memory(features + 1).flatten(), torch.sqrt(wanted**2 + 1e-3), atol=1e-4)


def test_a_coreset_covers_and_repeats_nothing() -> None:
    points = torch.cat([torch.zeros(50, 3), torch.ones(50, 3), 5 * torch.ones(1, 3)])
    kept = coreset(points + 1e-3 * torch.arange(101)[:, None], 3, torch.Generator().manual_seed(0))
    assert {int(k) // 50 for k in kept} == {0, 1, 2}


def test_a_gaussian_whitens() -> None:
    torch.manual_seed(0)
    mix = torch.randn(6, 6)
    features = torch.einsum("ij,njhw->nihw", mix, torch.randn(20, 6, 16, 16)) + 4
    gaussian = Gaussian(6)
    gaussian.fit(features)
    white = torch.einsum("ij,njhw->nihw", gaussian.whitening, features - gaussian.middle)
    flat = white.permute(0, 2, 3, 1).reshape(-1, 6)
    assert torch.allclose(flat.t() @ flat / len(flat), torch.eye(6), atol=0.1)


def test_what_is_solved_keeps_its_shape_by_weight() -> None:
    one = find_learner("lite0_gaussian")
    network = one.build(3, 2)
    with pytest.raises(TrialError):
        network.solve(
            torch.zeros(1, 64, 64, 3), torch.ones(1, SIDE + 1, SIDE), (), Batch(torch.ones(1), torch.zeros(2))
        )
    assert replace(one, sizes=(64,)).solved
