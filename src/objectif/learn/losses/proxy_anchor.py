"""Proxy-anchor: each identity's proxy draws its images and pushes all others away, the hardest the most.

    L = 1/|P+| sum_{p in P+} log(1 + sum_{x of p} e^{-a (s(x,p) - d)}) + 1/|P| sum_p log(1 + sum_{x not of p} e^{a (s(x,p) + d)})

Source: Kim, Kim, Cho & Kwak 2020, "Proxy Anchor Loss for Deep Metric Learning". P: proxies of identities that are learned,
P+: those with an image in the batch. An image's weight multiplies its exponential.
When it helps: batches too small for triplets to meet; converges in few passes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from objectif.learn.losses.base import Batch, Kind
from objectif.learn.losses.embeddings import proxy_cosines


@dataclass(frozen=True)
class ProxyAnchor:
    """Two sums of log(1 + sum of exponentials), over proxies."""

    sharpness: float = 16.0
    margin: float = 0.1

    name = "proxy_anchor"
    title = "Proxy-anchor"
    kind: Kind = "embedding"
    convex = False
    balanced = False
    source = "Kim et al. 2020, Proxy Anchor Loss for Deep Metric Learning"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        cosine, learned = proxy_cosines(output, batch, model)
        own = functional.one_hot(truth, cosine.shape[1]).bool()
        weight = batch.weight.to(output).clamp_min(torch.finfo(output.dtype).tiny).log()[:, None]
        drawn = _soft(self.sharpness * (self.margin - cosine) + weight, own)
        pushed = _soft(self.sharpness * (self.margin + cosine) + weight, ~own)
        here = own.any(0) & learned
        return (drawn * here).sum() / here.sum().clamp_min(1) + (
            pushed * learned
        ).sum() / learned.sum().clamp_min(1)


def _soft(values: Tensor, chosen: Tensor) -> Tensor:
    """(C,) log(1 + sum over the chosen rows of e^values)."""
    far = torch.finfo(values.dtype).min
    return functional.softplus(torch.logsumexp(values.masked_fill(~chosen, far), 0))


LOSS = ProxyAnchor()
