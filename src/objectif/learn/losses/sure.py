"""SURE: the squared error to the clean picture, estimated without it, where noise is Gaussian and its strength known.

    L = mean (f(y) - y)^2 + 2 s^2 * mean of df_i/dy_i,    the second by b (f(y + e b) - f(y)) / e with random signs b

(the error is that minus s^2, a constant). Source: C. M. Stein, 1981, "Estimation of the mean of a multivariate normal distribution";
S. Ramani, T. Blu, M. Unser, 2008, "Monte-Carlo SURE"; to train networks S. Soltanayev, S. Y. Chun, 2018, "Training Deep Learning Based
Denoisers without Ground Truth Data". When it helps: noisy pictures alone with Gaussian noise; near a training with clean ones.
Where the strength is not stated it is estimated from the finest details of the batch. Wrong for other noise. Convex in the answers.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from objectif.learn.losses.base import Batch, Kind
from objectif.learn.losses.pictures import answered, drawn, given, image_mean, noise_of


@dataclass(frozen=True)
class Sure:
    """epsilon: the step of the finite difference; pictures lie in 0..1."""

    name = "sure"
    title = "SURE"
    kind: Kind = "picture"
    convex = True
    balanced = False
    source = "Stein 1981; Ramani, Blu & Unser 2008, Monte-Carlo SURE; Soltanayev & Chun 2018"
    self_supervised = True
    epsilon: float = 1e-3

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        image = given(truth, batch).to(output)
        error = (output - image).square()
        if model is not None:
            signs = 2.0 * torch.randint(0, 2, image.shape[1:], generator=drawn(batch)).to(image) - 1.0
            moved = answered(model, image + self.epsilon * signs)
            error = error + 2 * noise_of(image, batch) ** 2 * signs * (moved - output) / self.epsilon
        return image_mean(error, batch.weight)


LOSS = Sure()
