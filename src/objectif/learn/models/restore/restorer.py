"""Restorer: a Whole that answers with a picture of any size; what all Learners of restoration share.

Sides are free in the exported graph, so nothing is resized or padded to fit, and no seam can show. What a network cannot
divide evenly is padded within the graph by repeating its edge, at most `step` - 1 pixels, and cut off again.

Networks answer with what is to be taken away (Zhang et al. 2017, "Beyond a Gaussian denoiser", arXiv:1608.03981): that starts
at the picture itself and is small. Losses see pictures in 0..1, so that their constants mean what their sources say.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from objectif.learn.models.base import Whole

if TYPE_CHECKING:
    from objectif.learn.losses.base import Batch, Loss

RANGE = 255.0


class Restorer(Whole):
    """Subclasses give restored()."""

    outputs = ("picture", "embedding")
    any_size = True

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """image (N,H,W,C) in 0..255 -> (picture (N,H,W,C) float32, embedding (N, 4C))."""
        given = image.permute(0, 3, 1, 2).float()
        answer = self.restored(given)
        return answer.permute(0, 2, 3, 1), summary(given, answer)

    def restored(self, given: Tensor) -> Tensor:
        """(N,C,H,W) in 0..255 to the same, restored."""
        raise NotImplementedError

    def objective(self, image: Tensor, truth: Tensor, losses: tuple[Loss, ...], batch: Batch) -> Tensor:
        """The one loss, of pictures in 0..1. truth (N,H,W,2C): clean, then given; the given one is not looked at here."""
        given = image.permute(0, 3, 1, 2).float()
        clean = truth[..., : given.shape[1]].permute(0, 3, 1, 2)
        noise = None if batch.noise is None else batch.noise / RANGE
        told = replace(batch, image=given / RANGE, noise=noise)
        own = getattr(losses[0], "own_pass", False)  # it runs the network itself
        output = given if own else self.restored(given)
        return losses[0](output / RANGE, clean / RANGE, told, self)


def summary(given: Tensor, answer: Tensor) -> Tensor:
    """(N, 4C) mean and deviation of the answer, and of what was taken away."""
    parts = []
    for values in (answer, given - answer):
        mean = values.mean((2, 3), keepdim=True)
        spread = (values - mean).square().mean((2, 3))
        parts += [mean[:, :, 0, 0], torch.sqrt(spread + 1e-6)]
    return torch.cat(parts, 1) / RANGE


def divisible(given: Tensor, step: int) -> Tensor:
    """(N,C,H,W) padded at the right and at the bottom by its edge until both sides are multiples of `step`."""
    height, width = given.shape[2], given.shape[3]
    wide = functional.pad(given, (0, step - 1, 0, step - 1), mode="replicate")
    return wide[:, :, : (height + step - 1) // step * step, : (width + step - 1) // step * step]


def like(answer: Tensor, given: Tensor) -> Tensor:
    """The top left of answer (N,C,H',W'), as large as given (N,C,H,W)."""
    return answer[:, :, : given.shape[2], : given.shape[3]]
