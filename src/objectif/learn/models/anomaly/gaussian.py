"""Gaussian: the Mahalanobis distance of a part of a picture from the parts of good ones, in the manner of PaDiM.

Source: Defard et al. 2021, "PaDiM", arXiv:2011.08785. The covariance is shrunk towards a multiple of the identity as Ledoit
& Wolf (2004) say, so that it can be inverted however few pictures there are; its inverse root is one matrix, a convolution of
1 x 1, which exports as it is. `places`: each place of the picture has a mean of its own (parts that always lie at one place),
drawn towards the mean of all by how few pictures tell it, under one covariance. Rejected: PaDiM's covariance for each place:
a thousand matrices to estimate from forty pictures, and to ship.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from objectif.learn.models.anomaly.unlike import BATCH, PRIOR, Measure

CANDIDATES = 60_000  # parts from which the covariance is estimated
SOFT = 1e-3  # added to squared distances, which are about 1


class Gaussian(Measure):
    """Means (1, D, h or 1, w or 1) and whitening (D, D)."""

    middle: Tensor
    whitening: Tensor

    def __init__(self, width: int, places: bool = False) -> None:
        super().__init__()
        self.places = places
        self.register_buffer("middle", torch.zeros(1, width, 1, 1))
        self.register_buffer("whitening", torch.eye(width))

    def forward(self, features: Tensor) -> Tensor:
        weight = self.whitening[:, :, None, None]
        white = functional.conv2d(features - self.middle, weight)
        return torch.sqrt(white.square().mean(1) + SOFT)

    def fit(self, features: Tensor) -> Tensor:
        """Mean and whitening of these pictures."""
        middle = features.mean((0, 2, 3), keepdim=True)
        if self.places:
            own = functional.avg_pool2d(features.mean(0, keepdim=True), 3, 1, 1, count_include_pad=False)
            middle = (len(features) * own + PRIOR * middle) / (len(features) + PRIOR)
        self.middle = middle
        flat = (features - middle).permute(0, 2, 3, 1).reshape(-1, features.shape[1])
        flat = flat[:: max(1, len(flat) // CANDIDATES)].to(torch.float64)
        self.whitening = _inverse_root(_shrunk(flat)).to(torch.float32)
        return torch.cat([self(some) for some in torch.split(features, BATCH)])


def _shrunk(flat: Tensor) -> Tensor:
    """The covariance (D, D) of centred rows (P, D), shrunk by Ledoit and Wolf's share."""
    count, width = flat.shape
    sample = flat.t() @ flat / count
    level = sample.diagonal().mean()
    apart = (sample - level * torch.eye(width, dtype=flat.dtype)).square().sum()
    noise = ((flat.square().sum(1) ** 2).sum() / count - sample.square().sum()) / count
    share = float((noise / apart.clamp_min(1e-30)).clamp(0.0, 1.0)) if float(apart) > 0 else 1.0
    floor = 1e-4 * level.clamp_min(1e-6)  # constant pictures have no covariance at all
    shrunk = (1 - share) * sample + share * level * torch.eye(width, dtype=flat.dtype)
    return shrunk + floor * torch.eye(width, dtype=flat.dtype)


def _inverse_root(covariance: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(covariance)
    root: Tensor = (vectors * values.clamp_min(1e-12).rsqrt()) @ vectors.t()
    return root
