"""What a loss is: one callable with its name, its source and whether it is convex.

One signature serves supervised and self-supervised losses: `loss(output, truth, batch, model)`.
A loss knows nothing of optimisers, data loaders or heads; whoever minimises it knows nothing of the loss
but the attributes below. Losses are frozen values: their settings are fields with defaults, so that a name
is enough to have one, and `dataclasses.replace` makes another.

Rejected: subclasses of nn.Module (a loss has no parameters to register, and a stateful loss could not be
shared by trials), and reduction="none|mean|sum" (everyone wants the weighted mean, and three behaviours
have to be tested three times).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional

Kind = Literal["single", "multi", "dense", "box", "mask", "picture", "embedding", "number", "stage"]


@dataclass(frozen=True)
class Batch:
    """What a loss may know beside outputs and truth.

    weight: (B,) importance of each row, >= 0; a row of weight 2 counts as two rows.
    class_counts: (C,) how many rows of the whole training set have each class (weighted, may be 0); where a row is a
        picture of classes, the share of all known pixels that have it, times the number of pictures.
    progress: share of the training that is done, 0..1; 1 where a problem is solved rather than stepped through.
    image: what the network was given, where the loss may look at it: of pictures (B, C, H, W), on the scale of output.
    noise: standard deviation of the noise in it, on that scale, where it is known.
    """

    weight: Tensor
    class_counts: Tensor
    progress: float = 1.0
    image: Tensor | None = None
    noise: float | None = None


@runtime_checkable
class Loss(Protocol):
    """A training objective (door `objectif.losses`).

    name: what a Problem calls it. title: what a table calls it. source: authors, year, title.
    kind: what it compares. "single": truth is one class; "multi": a 0/1 row; "dense": the wanted quality of each class at
        each of very many places, 0 at nearly all of them; "box": another box; "mask": a picture of classes, one for each
        pixel; "picture": a picture, a number for each pixel and channel; "embedding": the identity of each image of a
        batch, whose embeddings are compared with each other; "number": a number, in units of the spread of all; "stage":
        one of some stages in order.
    convex: convex in the logits, so that a head on fixed features has one optimum.
    balanced: its answers are meant for classes that are equally common, whatever the training data hold;
        settings and temperature are then chosen with equal weight for each class.
    """

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def convex(self) -> bool: ...
    @property
    def balanced(self) -> bool: ...
    @property
    def source(self) -> str: ...

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        """Weighted mean over the batch, a scalar.

        output: (B, C) logits, float32 or float64. truth: (B,) int64 class indices, or (B, C) floats of 0 and 1.
        dense: truth (B, C) in 0..1; the value is the weighted SUM over the mass of truth, dense_mean(): a mean over the
        places would be a mean over background. box: output and truth (B, 4) x1 y1 x2 y2. mask: output (B, C, H, W), truth
        (B, H, W) int64 with VOID (metrics.masks) at pixels that are not counted; a row is a picture. picture: output and truth
        (B, C, H, W) in about 0..1; a self-supervised one looks at batch.image in place of truth (pictures.py).
        embedding: output (B, D) of length 1, truth (B,) int64 identities; model.proxies (C, D), one for each identity, for
        losses that want them; a row's weight is that of an anchor. A batch in which nobody meets a mate is finite.
        number: output and truth (B,). stage: output (B, S-1) for S stages, truth (B,) int64; the loss's `reading` says
        how they become probabilities (losses/reading.py).
        """
        ...


def weighted_mean(values: Tensor, weight: Tensor) -> Tensor:
    """sum(w v) / sum(w) of (B,) values; 0 where all weights are 0 (a batch of nothing teaches nothing)."""
    weight = weight.to(values)
    return (weight * values).sum() / weight.sum().clamp_min(torch.finfo(values.dtype).tiny)


def dense_mean(values: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """sum(w v) / max(1, sum(w truth)) of (B, C) values: the loss for one object, however many places there are."""
    weight = weight.to(values)[:, None]
    return (weight * values).sum() / (weight * truth.to(values)).sum().clamp_min(1.0)


def log_likelihood(output: Tensor, truth: Tensor) -> Tensor:
    """(B,) log of the softmax probability given to the true class. Finite for any finite logits."""
    return functional.log_softmax(output, dim=1).gather(1, truth[:, None]).squeeze(1)


def present(class_counts: Tensor, like: Tensor) -> Tensor:
    """(C,) class counts in the dtype of `like`; a class never seen counts as seen once, so that logs stay finite."""
    return class_counts.to(like).clamp_min(1.0)
