"""Label smoothing: cross-entropy against a target that keeps a little for every class.

    L(z, y) = -(1 - e) log p_y - (e / C) sum_k log p_k

Source: C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens, Z. Wojna, 2016, "Rethinking the Inception Architecture
for Computer Vision".
When it helps: networks that grow over-confident, and a few wrong labels. A linear combination of log
probabilities with positive weights, so it stays convex.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from objectif.learn.losses.base import Batch, Kind, log_likelihood, weighted_mean


@dataclass(frozen=True)
class LabelSmoothing:
    """Cross-entropy with the share `smoothing` of the target spread over all classes."""

    smoothing: float = 0.1

    name = "label_smoothing"
    title = "Label smoothing"
    kind: Kind = "single"
    convex = True
    balanced = False
    source = "Szegedy et al. 2016, Rethinking the Inception Architecture for Computer Vision"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        spread = -functional.log_softmax(output, dim=1).mean(dim=1)
        values = -(1 - self.smoothing) * log_likelihood(output, truth) + self.smoothing * spread
        return weighted_mean(values, batch.weight)


LOSS = LabelSmoothing()
