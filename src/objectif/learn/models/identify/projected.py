"""Projected: fixed features, centred, and scaled so that what varies within identities counts less. Solved at once.

'cosine' takes each feature in units of its spread over the training images. 'whitened' goes on: principal components, then
the inverse root of the covariance within identities (Hatch, Kajarekar & Stolcke 2006, "Within-class covariance normalization
for SVM-based speaker recognition"; Belhumeur, Hespanha & Kriegman 1997 for faces), drawn towards a multiple of the identity
matrix because it is estimated from few images. It learns from the training identities alone, so strangers test it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from objectif.learn.models.base import Features, Whole

if TYPE_CHECKING:
    from objectif.learn.losses.base import Batch, Loss

COMPONENTS = 128
SHRINK = 0.5  # of the covariance within identities, towards a multiple of the identity matrix
BATCH = 32
FLOOR = 1e-3


class Projected(Whole):
    """features: prepared images to vectors, never moved. whitened: whether directions are weighed, or features alone."""

    outputs = ("embedding",)

    def __init__(self, features: Features, whitened: bool) -> None:
        super().__init__()
        self.features = features.requires_grad_(False)
        self.whitened = whitened
        self.mean = nn.Parameter(torch.zeros(features.width), requires_grad=False)
        wide = COMPONENTS if whitened else features.width
        start = torch.eye(features.width, wide) if whitened else torch.ones(wide)
        self.weight = nn.Parameter(start)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        centred: Tensor = self.features.vectors(image) - self.mean
        found = centred @ self.weight if self.whitened else centred * self.weight
        return (functional.normalize(found, dim=1, eps=1e-6),)

    def objective(self, image: Tensor, truth: Tensor, losses: tuple[Loss, ...], batch: Batch) -> Tensor:
        """How unlike images of one identity are, against those of others: no loss is asked, it is only told."""
        embedding = self(image)[0]
        same = truth[:, 0, 0][:, None] == truth[:, 0, 0][None]
        alike = embedding @ embedding.T
        gap: Tensor = (alike * ~same).sum() / (~same).sum().clamp_min(1) - (alike * same).sum() / same.sum()
        return gap

    @torch.no_grad()
    def solve(self, image: Tensor, truth: Tensor, losses: tuple[Loss, ...], batch: Batch) -> None:
        found = torch.cat([self.features.vectors(image[i : i + BATCH]) for i in range(0, len(image), BATCH)])
        rows = found.double().cpu().numpy()
        identity = truth[:, 0, 0].long().cpu().numpy()
        mean = rows.mean(0)
        spread = rows.std(0)
        scale = 1 / (spread + FLOOR * max(float(spread.mean()), 1e-12))
        scale[spread < 1e-9] = 0.0
        self.mean.copy_(torch.from_numpy(mean))
        if not self.whitened:
            self.weight.copy_(torch.from_numpy(scale))
            return
        directions = whitening((rows - mean) * scale, identity, COMPONENTS)
        self.weight.copy_(torch.from_numpy(scale[:, None] * directions))


def whitening(rows: NDArray[np.float64], identity: NDArray[np.int64], wide: int) -> NDArray[np.float64]:
    """(F, wide): principal components of centred rows (N, F), weighed by the inverse root of what varies within identities.

    Columns beyond the rank are 0. Where nobody has two images all components count alike.
    """
    _, size, axes = np.linalg.svd(rows, full_matrices=False)
    rank = int(min(wide, (size > 1e-6 * size[0]).sum())) if len(size) and size[0] > 0 else 0
    directions = np.zeros((rows.shape[1], wide))
    if not rank:
        return directions
    inside = rows @ axes[:rank].T
    for one in np.unique(identity):
        inside[identity == one] -= inside[identity == one].mean(0)
    freedom = max(1, len(rows) - len(np.unique(identity)))
    within = inside.T @ inside / freedom
    level = float(np.trace(within)) / rank
    if level <= 0:
        directions[:, :rank] = axes[:rank].T
        return directions
    values, vectors = np.linalg.eigh((1 - SHRINK) * within + SHRINK * level * np.eye(rank))
    directions[:, :rank] = axes[:rank].T @ (vectors / np.sqrt(values)) @ vectors.T
    return directions
