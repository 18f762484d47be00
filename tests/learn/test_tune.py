"""Fine-tuning learns, is repeatable, respects its deadline and what views may do."""

from __future__ import annotations

import time

import pytest

torch = pytest.importorskip("torch")

from objectif.errors import TrialError
from objectif.learn.fit.augment import Augment
from objectif.learn.fit.tune import Labelled, Network, Schedule, tune
from objectif.learn.losses.cross_entropy import LOSS
from objectif.learn.models.base import Features

PLAIN = Augment(zoom=(1.0, 1.0), tilt=0.0, light=0.0)


class Tiny(Features):
    """Four filters and their means."""

    width = map_width = 4

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.convolution = torch.nn.Conv2d(3, 4, 3)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        x = torch.relu(self.convolution(image.float().permute(0, 3, 1, 2) / 255))
        return x.mean((2, 3)), x.permute(0, 2, 3, 1)


def network() -> Network:
    features = Tiny()
    return Network(features, (0, None), torch.nn.Linear(4, 2))


def stripes(count: int = 64) -> Labelled:
    """Horizontal stripes against vertical ones."""
    generator = torch.Generator().manual_seed(1)
    truth = torch.arange(count) % 2
    wave = 127 + 120 * torch.sin(torch.arange(16) * 1.5)
    images = torch.where((truth == 0)[:, None, None], wave[None, :, None], wave[None, None, :])
    images = images + 20 * torch.randn(count, 16, 16, generator=generator)
    return Labelled(images[..., None].repeat(1, 1, 1, 3).clamp(0, 255).byte(), truth, torch.ones(count), 2)


def test_it_learns_and_the_same_seed_gives_the_same_network() -> None:
    schedule = Schedule(epochs=25, side=16, batch=16, rate=0.02, head_rate=0.05)
    one = tune(network(), stripes(), LOSS, schedule, PLAIN, seed=3)
    two = tune(network(), stripes(), LOSS, schedule, PLAIN, seed=3)
    data = stripes()
    with torch.inference_mode():
        assert (one(data.images).argmax(1) == data.truth).float().mean() > 0.95
        torch.testing.assert_close(one(data.images), two(data.images))


def test_a_network_that_runs_out_of_time_or_diverges_is_no_candidate() -> None:
    with pytest.raises(TrialError, match="out of time"):
        tune(network(), stripes(), LOSS, Schedule(1000, 16), PLAIN, deadline=time.monotonic() + 0.2)
    broken = network()
    with torch.no_grad():
        broken.head.weight.fill_(float("nan"))
    with pytest.raises(TrialError, match="diverged"):
        tune(broken, stripes(), LOSS, Schedule(2, 16), PLAIN)


def test_an_epoch_is_told_and_counted() -> None:
    told: list[tuple[int, int]] = []
    tune(network(), stripes(), LOSS, Schedule(3, 16), PLAIN, tell=lambda e, of, value: told.append((e, of)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_without_any_freedom_a_view_is_the_image() -> None:
    images = stripes().images[:4]
    view = PLAIN(images, 16, torch.Generator())
    torch.testing.assert_close(view, images.float(), atol=2.0, rtol=0)


@pytest.mark.parametrize(("name", "axis"), [("mirror", 2), ("flip", 1)])
def test_a_symmetry_is_used_only_where_it_is_allowed(name: str, axis: int) -> None:
    half = torch.zeros(200, 16, 16, 3, dtype=torch.uint8)
    half.narrow(axis, 0, 8).fill_(200)
    still = {"zoom": (1.0, 1.0), "tilt": 0.0, "light": 0.0}

    def first(augment: Augment) -> torch.Tensor:
        return augment(half, 16, torch.Generator().manual_seed(0)).narrow(axis, 0, 4).mean((1, 2, 3)) > 100

    assert first(Augment(**still)).all()  # type: ignore[arg-type]
    share = first(Augment(**still, **{name: True})).float().mean()  # type: ignore[arg-type]
    assert 0.3 < share < 0.7


def test_views_stay_pixels() -> None:
    view = Augment(mirror=True, flip=True, turn=True)(stripes().images, 24, torch.Generator())
    assert view.shape == (64, 24, 24, 3)
    assert view.min() >= 0
    assert view.max() <= 255
