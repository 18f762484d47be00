"""wavelet: details of an undecimated wavelet transform are drawn towards 0, each band as much as BayesShrink says.

    threshold of a band = s^2 / sqrt(max(mean of d^2 - s^2, 0)),  d its coefficients, s the noise

Source: Chang, Yu, Vetterli 2000, "Adaptive wavelet thresholding for image denoising and compression"; undecimated as in Coifman &
Donoho 1995, "Translation-invariant de-noising", because a transform that skips pixels leaves marks where it skips. Filters are
Daubechies' with two vanishing moments, as dilated convolutions and their transposes; the picture is continued by its edge.
The noise s is not estimated from each picture (a median does not export well) but chosen on the training pairs.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from objectif.learn.models.base import Learner
from objectif.learn.models.restore.restorer import like
from objectif.learn.models.restore.strength import Prior
from objectif.learn.models.restore.view import view

LEVELS = 4
_ROOT = math.sqrt(3.0)
LOW = tuple(v / (4 * math.sqrt(2.0)) for v in (1 + _ROOT, 3 + _ROOT, 3 - _ROOT, 1 - _ROOT))


def filters() -> Tensor:
    """(4, 1, 4, 4): smooth, and details across, down and slanting; each of norm 1."""
    low = torch.tensor(LOW)
    high = torch.tensor([LOW[3], -LOW[2], LOW[1], -LOW[0]])
    return torch.stack([torch.outer(a, b) for a in (low, high) for b in (low, high)])[:, None]


class Wavelet(Prior):
    """noise: standard deviation in levels of 0..255."""

    def __init__(self, channels: int) -> None:
        super().__init__(noise=12.0)
        self.register_buffer("filters", filters(), persistent=False)

    def restored(self, given: Tensor) -> Tensor:
        margin = 3 * (2**LEVELS - 1)  # what four taps reach over all levels
        wide = functional.pad(given, (margin, margin, margin, margin), mode="replicate")
        planes = [self._plane(wide[:, k : k + 1], self.strength("noise")) for k in range(given.shape[1])]
        return like(torch.cat(planes, 1)[:, :, margin:, margin:], given)

    def _plane(self, wide: Tensor, noise: Tensor) -> Tensor:
        """One channel (N,1,H,W), with its margin, which is used up where values would be wrong."""
        bank: Tensor = self.filters  # type: ignore[assignment]
        smooth, details = wide, []
        for level in range(LEVELS):
            bands = functional.conv2d(smooth, bank, dilation=2**level)
            smooth = bands[:, :1]
            details.append(shrunk(bands[:, 1:], noise))
        for level in reversed(range(LEVELS)):
            bands = torch.cat([smooth, details[level]], 1)
            smooth = functional.conv_transpose2d(bands, bank, dilation=2**level) / 4.0
        return smooth


def shrunk(details: Tensor, noise: Tensor) -> Tensor:
    """Bands (N,B,h,w) after BayesShrink; a band that is no stronger than noise becomes 0."""
    signal = (details.square().mean((2, 3), keepdim=True) - noise**2).clamp_min(1e-3)
    threshold = noise**2 / torch.sqrt(signal)
    return torch.sign(details) * functional.relu(details.abs() - threshold)


def _build(channels: int, classes: int) -> Wavelet:
    return Wavelet(channels)


WAVELET = Learner(
    name="wavelet",
    approach="classical",
    title="Undecimated wavelets, BayesShrink",
    source="Chang, Yu & Vetterli 2000; Coifman & Donoho 1995",
    licence="Apache-2.0 (no weights inside)",
    task="restore",
    sizes=(64,),
    build=_build,
    view=view,
    losses=("picture",),
    usual=("picture_l2",),
    epochs=(1, 1),
    steps=0,
    solved=True,
)
