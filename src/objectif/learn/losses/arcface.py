"""ArcFace: softmax over the angles to a proxy of each identity, the own angle made larger by a margin.

    L = -log( e^{s cos(t_y + m)} / (e^{s cos(t_y + m)} + sum_{k != y} e^{s cos t_k}) ),   t_k = angle(embedding, proxy k)

Source: Deng, Guo, Xue & Zafeiriou 2019, "ArcFace: Additive Angular Margin Loss for Deep Face Recognition". Beyond
t = pi - m the cosine would rise again: there it goes on in a straight line, as in the authors' programme.
When it helps: many identities with several images each. Scale and margin are smaller than for millions of faces.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from objectif.learn.losses.base import Batch, Kind, weighted_mean
from objectif.learn.losses.embeddings import proxy_cosines


@dataclass(frozen=True)
class ArcFace:
    """-log softmax of s cos(t + m [own])."""

    scale: float = 20.0
    margin: float = 0.3

    name = "arcface"
    title = "ArcFace"
    kind: Kind = "embedding"
    convex = False
    balanced = False
    source = "Deng et al. 2019, ArcFace"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        cosine, learned = proxy_cosines(output, batch, model)
        own = cosine.gather(1, truth[:, None]).squeeze(1).clamp(-1 + 1e-6, 1 - 1e-6)
        turned = own * math.cos(self.margin) - (1 - own.square()).sqrt() * math.sin(self.margin)
        harder = torch.where(own > -math.cos(self.margin), turned, own - self.margin * math.sin(self.margin))
        logits = cosine.masked_fill(~learned[None], -1.0).scatter(1, truth[:, None], harder[:, None])
        return weighted_mean(
            functional.cross_entropy(self.scale * logits, truth, reduction="none"), batch.weight
        )


LOSS = ArcFace()
