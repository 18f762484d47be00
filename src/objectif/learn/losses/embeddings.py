"""What losses of embeddings share: which pairs of a batch are of one identity."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from objectif.learn.losses.base import Batch


def pairs(truth: Tensor) -> tuple[Tensor, Tensor]:
    """(B, B) same identity but not the same image; (B, B) another identity."""
    same = truth[:, None] == truth[None]
    itself = torch.eye(len(truth), dtype=torch.bool, device=truth.device)
    return same & ~itself, ~same


def proxy_cosines(output: Tensor, batch: Batch, model: nn.Module | None) -> tuple[Tensor, Tensor]:
    """(B, C) cosines of embeddings (B, D) to the model's proxies (C, D), and (C,) which identities are learned at all."""
    if model is None:
        raise ValueError("this loss needs a model with proxies (C, D), one for each identity")
    proxies = cast(Tensor, model.proxies)
    return output @ functional.normalize(proxies, dim=1).to(output).T, batch.class_counts.to(output) > 0
