"""Logit-adjusted cross-entropy: the class frequencies are added while training and left out when answering.

    L(z, y) = -log softmax(z + t log q)_y,    q_c = n_c / n

What the network must explain beyond the frequencies q is all that remains in z, so that z alone answers for
classes that are equally common: the Bayes answer for balanced accuracy.
Source: A. K. Menon, S. Jayasumana, A. S. Rawat, H. Jain, A. Veit, S. Kumar, 2021, "Long-Tail Learning via Logit
Adjustment".
When it helps: long-tailed training data, judged with equal weight for each class.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from objectif.learn.losses.base import Batch, Kind, log_likelihood, present, weighted_mean


@dataclass(frozen=True)
class LogitAdjusted:
    """Cross-entropy on logits shifted by `strength` times the log class frequencies."""

    strength: float = 1.0

    name = "logit_adjusted"
    title = "Logit-adjusted cross-entropy"
    kind: Kind = "single"
    convex = True
    balanced = True
    source = "Menon et al. 2021, Long-Tail Learning via Logit Adjustment"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        counts = present(batch.class_counts, output)
        shifted = output + self.strength * (counts / counts.sum()).log()
        return weighted_mean(-log_likelihood(shifted, truth), batch.weight)


LOSS = LogitAdjusted()
