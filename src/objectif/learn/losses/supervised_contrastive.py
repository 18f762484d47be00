"""Supervised contrastive: images of one identity are picked out of all others in the batch by their cosine.

    L = mean over anchors a of  -1/|P(a)| sum_{p in P(a)} log( e^{z_a.z_p / t} / sum_{i != a} e^{z_a.z_i / t} )

Source: Khosla et al. 2020, "Supervised Contrastive Learning" (the variant with the sum outside). Anchors without a mate in
the batch count 0.
When it helps: as triplets, but all images of the batch teach and not only the hardest, which steadies small data.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from objectif.learn.losses.base import Batch, Kind, weighted_mean
from objectif.learn.losses.embeddings import pairs


@dataclass(frozen=True)
class SupervisedContrastive:
    """Mean log-probability of mates among all others, negated."""

    temperature: float = 0.1

    name = "supervised_contrastive"
    title = "Supervised contrastive"
    kind: Kind = "embedding"
    convex = False
    balanced = False
    source = "Khosla et al. 2020, Supervised Contrastive Learning"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        same, other = pairs(truth)
        logits = output @ output.T / self.temperature
        far = torch.finfo(logits.dtype).min
        everyone = torch.logsumexp(logits.masked_fill(~(same | other), far), 1)
        mates = same.sum(1)
        likely = (logits.masked_fill(~same, 0.0).sum(1) / mates.clamp_min(1)) - everyone
        return weighted_mean(torch.where(mates > 0, -likely, torch.zeros_like(likely)), batch.weight)


LOSS = SupervisedContrastive()
