"""Dense BCE: cross-entropy of each class at each place, against the wanted quality.

    L(z, q) = -q log s - (1 - q) log(1 - s),    s = sigmoid(z)

Source: C. Feng, Y. Zhong, Y. Gao, M. Scott, W. Huang, 2021, "TOOD: Task-aligned One-stage Object Detection" and the
detectors after it, which found that with a soft target no factor for hard places is needed.
When it helps: enough objects a picture that background does not drown them; the steadiest start.
Convex in the logits.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from objectif.learn.losses.base import Batch, Kind, dense_mean


@dataclass(frozen=True)
class DenseBCE:
    """Binary cross-entropy with soft targets, divided by the mass of the targets."""

    name = "dense_bce"
    title = "Dense BCE"
    kind: Kind = "dense"
    convex = True
    balanced = False
    source = "Feng et al. 2021, TOOD: Task-aligned One-stage Object Detection"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        values = functional.binary_cross_entropy_with_logits(output, truth.to(output), reduction="none")
        return dense_mean(values, truth, batch.weight)


LOSS = DenseBCE()
