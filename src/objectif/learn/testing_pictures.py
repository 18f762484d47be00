"""What only losses of pictures can show: nothing is lost where the answer is the truth, and descent finds the truth.

A self-supervised loss has no truth to find; it must not look at it, and its descent must lead towards the clean picture.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn

from objectif.learn.losses.base import Batch, Loss
from objectif.learn.testing_steps import Step, batch_of, must, slope_of

SHAPE = (1, 13, 14)
FEW = (1, 2, 2)  # where many pixels are averaged, one that bends the wrong way does not show
NOISE = 0.1


def random_pictures(rows: int, generator: torch.Generator, shape: tuple[int, int, int] = SHAPE) -> Tensor:
    """(rows, *shape) float64, about 0..1."""
    return torch.rand(rows, *shape, generator=generator, dtype=torch.float64)


def picture_steps(loss: Loss) -> list[Step]:
    """The checks, in order."""
    if getattr(loss, "self_supervised", False):
        return [
            ("truth", partial(_blind, loss), "truth has no part where the given picture is known"),
            ("learns", partial(_denoises, loss), "a small filter learned under it takes noise away"),
        ]
    return [
        ("equality", partial(_equality, loss), "least where the answer is the truth"),
        ("learns", partial(_learns, loss), "descent on the answer goes to the truth"),
    ]


def _equality(loss: Loss) -> None:
    generator = torch.Generator().manual_seed(0)
    truth = random_pictures(3, generator)
    value, slope = slope_of(loss, truth, truth, batch_of(3, 1))
    must(float(value) < 2e-3, f"{float(value):.3g} where the answer is the truth; expected about 0")
    must(float(slope.abs().sum()) < 0.1, "a gradient where the answer is the truth")
    for size in (0.01, 0.1):
        moved = truth + size * torch.randn(truth.shape, generator=generator, dtype=truth.dtype)
        worse, _ = slope_of(loss, moved, truth, batch_of(3, 1))
        must(bool(worse > value), f"noise of {size} costs nothing")
        value = worse


def _learns(loss: Loss) -> None:
    generator = torch.Generator().manual_seed(1)
    truth = random_pictures(2, generator)
    answer = (truth + NOISE * torch.randn(truth.shape, generator=generator)).requires_grad_(True)
    before = float((answer - truth).detach().square().mean())
    optimiser = torch.optim.Adam([answer], lr=0.005)
    for _ in range(60):
        optimiser.zero_grad()
        torch.autograd.backward(loss(answer, truth, batch_of(2, 1), None))
        optimiser.step()
    after = float((answer - truth).detach().square().mean())
    must(
        after < 0.5 * before,
        f"the squared error went from {before:.3g} to {after:.3g}; expected less than half",
    )


def _blind(loss: Loss) -> None:
    generator = torch.Generator().manual_seed(2)
    output, one, other, given = (random_pictures(3, generator) for _ in range(4))
    batch = replace(batch_of(3, 1), image=given)
    values = [float(loss(output, truth, batch, None)) for truth in (one, other)]
    must(values[0] == values[1], f"{values[0]:.6g} became {values[1]:.6g} with another truth")


class _Filter(nn.Module):
    """One learned 5 x 5 filter for pictures (N,H,W,1) in 0..255; starts at doing nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(1, 1, 5, 1, 2, bias=False, padding_mode="replicate")
        with torch.no_grad():
            self.layer.weight.zero_()
            self.layer.weight[0, 0, 2, 2] = 1.0

    def forward(self, image: Tensor) -> tuple[Tensor]:
        return (self.layer(image.permute(0, 3, 1, 2)).permute(0, 2, 3, 1),)


def _denoises(loss: Loss) -> None:
    torch.manual_seed(3)
    ramp = torch.linspace(0, 1, 48)
    clean = (0.3 + 0.2 * torch.sin(6 * ramp)[:, None] + 0.3 * ramp[None]).expand(8, 1, 48, 48)
    noisy = clean + NOISE * torch.randn(clean.shape)
    network = _Filter()
    optimiser = torch.optim.Adam(network.parameters(), lr=0.02)
    for number in range(80):
        output = network(noisy.permute(0, 2, 3, 1) * 255)[0].permute(0, 3, 1, 2) / 255
        batch = Batch(torch.ones(8), torch.zeros(1), number / 80, image=noisy, noise=NOISE)
        optimiser.zero_grad()
        torch.autograd.backward(loss(output, clean, batch, network))
        optimiser.step()
    with torch.no_grad():
        answer = network(noisy.permute(0, 2, 3, 1) * 255)[0].permute(0, 3, 1, 2) / 255
    before, after = (float((p - clean).square().mean()) for p in (noisy, answer))
    must(
        after < 0.5 * before,
        f"the squared error went from {before:.3g} to {after:.3g}; expected less than half",
    )
