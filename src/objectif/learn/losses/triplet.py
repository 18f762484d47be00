"""Triplet: the farthest image of the same identity in the batch must be nearer than the nearest of another.

    L = mean over anchors a of softplus( s (d(a, p*) - d(a, n*) ) ),   d = Euclidean distance of unit embeddings

Source: Schroff, Kalenichenko & Philbin 2015, "FaceNet"; hardest pairs and the soft margin: Hermans, Beyer & Leibe 2017, "In
Defense of the Triplet Loss for Person Re-Identification". Anchors without a mate or without another in the batch count 0.
When it helps: few images of each identity; it needs no proxies, and batches in which identities meet.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from objectif.learn.losses.base import Batch, Kind, weighted_mean
from objectif.learn.losses.embeddings import pairs

_TINY = 1e-6


@dataclass(frozen=True)
class Triplet:
    """Soft margin over the hardest pair of each anchor."""

    scale: float = 5.0

    name = "triplet"
    title = "Triplet, hardest in the batch"
    kind: Kind = "embedding"
    convex = False
    balanced = False
    source = "Schroff et al. 2015, FaceNet; Hermans et al. 2017"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        same, other = pairs(truth)
        apart = (2 - 2 * output @ output.T).clamp_min(_TINY).sqrt()
        farthest = apart.masked_fill(~same, 0.0).amax(1)
        nearest = apart.masked_fill(~other, 2.0).amin(1)
        able = (same.any(1) & other.any(1)).to(output.dtype)
        values = functional.softplus(self.scale * (farthest - nearest)) / self.scale
        return weighted_mean(values * able, torch.as_tensor(batch.weight))


LOSS = Triplet()
