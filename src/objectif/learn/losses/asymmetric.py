"""Asymmetric loss: absent classes fade faster than present ones, and fade out altogether below a clip.

    L(z, y) = -sum_k  y_k (1 - p_k)^g+ log p_k + (1 - y_k) q_k^g- log(1 - q_k)
    p = sigmoid(z),    q = max(p - m, 0)

Source: T. Ridnik, E. Ben-Baruch, N. Zamir, A. Noy, I. Friedman, M. Protter, L. Zelnik-Manor, 2021, "Asymmetric Loss
for Multi-Label Classification".
When it helps: many classes of which each image has few, and labels that were forgotten (a class that is there but
not listed): where the network is very sure of a "forgotten" class the pull goes to zero. Not convex.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from objectif.learn.losses.base import Batch, Kind, weighted_mean


@dataclass(frozen=True)
class Asymmetric:
    """Focal exponents for present (gamma_present) and absent (gamma_absent) classes, and the clip m."""

    gamma_present: float = 1.0
    gamma_absent: float = 4.0
    clip: float = 0.05

    name = "asymmetric"
    title = "Asymmetric"
    kind: Kind = "multi"
    convex = False
    balanced = False
    source = "Ridnik et al. 2021, Asymmetric Loss for Multi-Label Classification"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        truth = truth.to(output)
        present = -torch.sigmoid(-output).pow(self.gamma_present) * functional.logsigmoid(output)
        shifted = (torch.sigmoid(output) - self.clip).clamp_min(0.0)
        absent = -shifted.pow(self.gamma_absent) * torch.log1p(-shifted)  # shifted <= 1 - clip: finite
        return weighted_mean((truth * present + (1 - truth) * absent).sum(dim=1), batch.weight)


LOSS = Asymmetric()
