"""Memory: the distance of a part of a picture to the nearest remembered part of a good one, in the manner of PatchCore.

Source: Roth et al. 2022, "Towards Total Recall in Industrial Anomaly Detection", arXiv:2106.08265. Of all parts a greedy
coreset is kept (the farthest from what is kept so far, again and again), found in a random projection. Distances are a
matrix product, |x|^2 + |m|^2 - 2 x m, which every runtime computes alike; to keep digits, features are centred and scaled to
unit variance first, and a little is added under the root, whose slope at 0 would turn rounding into an answer.

The weight that PatchCore gives to a score by the density of the neighbourhood is left out: the map alone then tells the
score, and what is exported is one product and one minimum.
"""

from __future__ import annotations

import torch
from torch import Tensor

from objectif.learn.models.anomaly.unlike import Measure

MOST = 2000  # parts that are remembered
SHARE = 0.1  # of all parts, at most
CANDIDATES = 20_000  # parts among which the coreset is looked for
PROJECTED = 64  # numbers of a part in which it is looked for
LOOKED_UP = 64  # pictures that tell how far good ones are from others
SOFT = 1e-3  # added to squared distances, which are about 1


class Memory(Measure):
    """The bank (M, D), and what is needed to compare with it."""

    middle: Tensor
    spread: Tensor
    bank: Tensor

    def __init__(self, width: int, most: int = MOST, share: float = SHARE) -> None:
        super().__init__()
        self.most, self.share = most, share
        self.register_buffer("middle", torch.zeros(width))
        self.register_buffer("spread", torch.ones(width))
        self.register_buffer("bank", torch.zeros(most, width))

    def forward(self, features: Tensor) -> Tensor:
        high, wide = int(features.shape[2]), int(features.shape[3])
        flat = features.flatten(2).transpose(1, 2)
        found = self._distance(self._scaled(flat), self.bank)
        return found.reshape(-1, high, wide)

    def _scaled(self, flat: Tensor) -> Tensor:
        return (flat - self.middle) * self.spread

    @staticmethod
    def _distance(flat: Tensor, bank: Tensor) -> Tensor:
        """(..., D), (M, D) -> (...) distance to the nearest."""
        nearest = (torch.matmul(flat, -2.0 * bank.t()) + bank.square().sum(1)).amin(-1)
        return torch.sqrt((nearest + flat.square().sum(-1)).clamp_min(0.0) + SOFT)

    def fit(self, features: Tensor) -> Tensor:
        """Remember a coreset of the parts of these pictures; some are then looked up in what is remembered of the others."""
        count, width, high, wide = features.shape
        everything = features.permute(0, 2, 3, 1).reshape(count, high * wide, width)
        flat = everything.reshape(-1, width)
        owner = torch.arange(count).repeat_interleave(high * wide)
        generator = torch.Generator().manual_seed(0)
        if len(flat) > CANDIDATES:
            some = torch.randperm(len(flat), generator=generator)[:CANDIDATES]
            flat, owner = flat[some], owner[some]
        self.middle = flat.mean(0)
        deviation = flat.std(0, correction=0)
        floor = 1e-3 * deviation.mean().clamp_min(1e-3)  # what never varies says nothing
        self.spread = 1.0 / (deviation.clamp_min(floor) * width**0.5)
        scaled = self._scaled(flat)
        kept = coreset(scaled, min(self.most, max(1, round(self.share * len(flat)))), generator)
        self.bank = scaled[kept].contiguous()
        owners = owner[kept]
        found = []
        for picture in range(0, count, max(1, -(-count // LOOKED_UP))):
            others = owners != picture
            bank = self.bank[others] if bool(others.any()) else self.bank
            found.append(self._distance(self._scaled(everything[picture]), bank))
        return torch.stack(found).reshape(-1, high, wide)


def coreset(points: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """(count,) rows of points (P, D), each the farthest from those before (Sener & Savarese 2018)."""
    if points.shape[1] > PROJECTED:
        points = points @ (torch.randn(points.shape[1], PROJECTED, generator=generator) / PROJECTED**0.5)
    squares = points.square().sum(1)
    chosen = [int((points - points.mean(0)).square().sum(1).argmin())]
    far = torch.full((len(points),), float("inf"))
    for _ in range(count - 1):
        last = points[chosen[-1]]
        torch.minimum(far, squares - 2.0 * (points @ last) + last.square().sum(), out=far)
        chosen.append(int(far.argmax()))
    return torch.tensor(chosen)
