"""Learners of restoration: priors reach their solution, transforms give back what they take, all sizes export."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from objectif.learn.export.whole import export_whole
from objectif.learn.losses.base import Batch
from objectif.learn.models.restore import nlm, strength, tv, wavelet
from objectif.learn.models.restore.networks import DNCNN, UNET
from objectif.learn.models.restore.nlm import NonLocalMeans
from objectif.learn.models.restore.unrolled import UNROLLED
from objectif.learn.models.restore.view import view
from objectif.learn.testing import check_model
from objectif.plugins import load
from objectif.run.network import Network


def scene(side: int = 64, sigma: float = 25.0) -> tuple[torch.Tensor, torch.Tensor]:
    """(clean, noisy) (1,1,side,side): a disc on a ramp."""
    y, x = np.mgrid[:side, :side] / side
    clean = 60 + 80 * x + 90 * ((x - 0.5) ** 2 + (y - 0.5) ** 2 < 0.1)
    noisy = clean + np.random.default_rng(0).normal(0, sigma, clean.shape)
    return tuple(torch.from_numpy(p.astype(np.float32))[None, None] for p in (clean, noisy))


def test_total_variation_reaches_its_tolerance() -> None:
    given = scene()[1].double()
    weight = torch.tensor(16.0, dtype=torch.float64)
    x, p, q = tv.solved(given, weight)
    assert float(torch.sqrt(p**2 + q**2).max()) <= 16.0 + 1e-9  # feasible: the gap is a bound
    primal, gap = tv.gap(given, 16.0, x, p, q)
    assert 0 <= gap < 1e-3 * primal
    exact = tv.solved(given, weight, 3000)[0]
    assert float((x - exact).square().mean().sqrt()) < 0.3  # levels


def test_divergence_is_minus_the_adjoint_of_the_gradient() -> None:
    x, p, q = torch.randn(3, 1, 1, 7, 9, dtype=torch.float64)[:, :, 0][:, None]
    p, q = p.clone(), q.clone()
    p[..., -1], q[..., -1, :] = 0, 0
    right, down = tv.gradient(x)
    assert float((right * p + down * q).sum()) == pytest.approx(-float((x * tv.divergence(p, q)).sum()))


def test_wavelets_give_back_what_they_take() -> None:
    network = wavelet.Wavelet(1)
    with torch.no_grad():
        network.log_noise.fill_(-20.0)
    for size in ((1, 3, 33, 50), (1, 1, 1, 2)):
        given = 255 * torch.rand(size)
        with torch.no_grad():
            assert torch.allclose(network.restored(given), given, atol=1e-2)


@pytest.mark.parametrize("make", [tv.TotalVariation, wavelet.Wavelet, NonLocalMeans])
def test_priors_take_noise_away_and_leave_constants(make: type[strength.Prior]) -> None:
    clean, noisy = scene()
    network = make(1)
    with torch.no_grad():
        for name in network.names:
            getattr(network, f"log_{name}").fill_({"weight": 2.8, "noise": 3.1, "fall": 2.7}[name])
        answer = network.restored(noisy)
        flat = torch.full((1, 1, 9, 5), 77.0)
        assert torch.allclose(network.restored(flat), flat, atol=1e-2)
    assert float((answer - clean).square().mean()) < 0.25 * float((noisy - clean).square().mean())


@pytest.mark.parametrize("loss", ["picture_l2", "sure"])
def test_strengths_are_found_with_and_without_clean_pictures(loss: str) -> None:
    clean, noisy = scene(96)
    truth = torch.cat([clean, noisy], 1).permute(0, 2, 3, 1)
    network = tv.TotalVariation(1)
    batch = Batch(torch.ones(1), torch.zeros(1), noise=25.0)
    network.solve(noisy.permute(0, 2, 3, 1), truth, (load("losses", loss),), batch)
    found = float(network.strength("weight").detach())
    errors = {}
    for weight in (0.5 * found, found, 2 * found):
        answer = tv.solved(noisy, torch.tensor(weight))[0]
        errors[weight] = float((answer - clean).square().mean())
    assert min(errors, key=lambda w: errors[w]) == found


def test_golden_section_finds_the_least() -> None:
    assert strength.least(lambda x: (x - 0.3) ** 2, -1.4, 1.4) == pytest.approx(0.3, abs=0.2)


@pytest.mark.parametrize("learner", [DNCNN, UNET, UNROLLED], ids=lambda one: one.name)
def test_networks_start_at_the_picture_and_take_any_size(learner: object) -> None:
    network = learner.build(1, 1).eval()  # type: ignore[attr-defined]
    graph = Network(export_whole(network, (32, 32), 1, True), threads=1, needs=("picture",))
    for height, width in ((1, 1), (3, 2), (17, 40)):
        image = np.random.default_rng(1).uniform(0, 255, (1, height, width, 1)).astype(np.float32)
        assert np.allclose(graph.outputs(image, ("picture",))["picture"], image, atol=1e-2)


def test_views_keep_pictures_and_truth_together() -> None:
    images = np.random.default_rng(2).uniform(0, 255, (4, 20, 30, 1)).astype(np.float32)
    truth = np.concatenate([images, images + 1], axis=3)
    for size in ((8, 12), (40, 25)):
        seen, told = view(images, truth, size, np.random.default_rng(3), 0.5, ("mirror", "flip", "turn"))
        assert np.array_equal(told[..., :1], seen)
        assert np.allclose(told[..., 1:], seen + 1)
        assert seen.shape == (4, *size, 1)


@pytest.mark.parametrize("name", ["tv", "wavelet", "nlm", "dncnn", "restore_unet", "unrolled"])
def test_contract(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Priors with fewer steps and places, because what is asked here does not depend on them."""
    monkeypatch.setattr(tv, "STEPS", 20)
    monkeypatch.setattr(nlm, "REACH", 2)
    monkeypatch.setattr(strength, "STEPS", 2)
    failed = [check for check in check_model(name) if not check.ok]
    assert not failed
