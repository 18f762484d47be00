"""Binary cross-entropy for several labels: one yes-or-no question a class, summed.

    L(z, y) = sum_k  y_k log(1 + exp(-z_k)) + (1 - y_k) log(1 + exp(z_k))

Source: D. R. Cox, 1958, "The Regression Analysis of Binary Sequences".
When it helps: the one to beat where an image can have several classes or none. Proper and convex.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from objectif.learn.losses.base import Batch, Kind, weighted_mean


@dataclass(frozen=True)
class BinaryCrossEntropy:
    """Logistic loss summed over the classes."""

    name = "bce"
    title = "BCE"
    kind: Kind = "multi"
    convex = True
    balanced = False
    source = "Cox 1958, The Regression Analysis of Binary Sequences"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        values = functional.binary_cross_entropy_with_logits(output, truth.to(output), reduction="none")
        return weighted_mean(values.sum(dim=1), batch.weight)


LOSS = BinaryCrossEntropy()
