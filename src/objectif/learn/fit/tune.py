"""Fine-tuning: all weights of a pretrained (or new) extractor and a head, under one loss, in a fixed number of steps.

The head starts where the convex problem on the untouched features ends (Kumar et al. 2022, "Fine-tuning can distort
pretrained features", arXiv:2202.10054), so that the first steps do not tear the features apart. The weights that
leave are an exponential average over the last steps: it costs nothing and steadies short runs.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from objectif.errors import TrialError
from objectif.learn.fit.augment import Augment
from objectif.learn.losses.base import Batch, Loss
from objectif.learn.models.base import Features


@dataclass(frozen=True)
class Schedule:
    """epochs: passes over the images. side: pixels of a training view. rate: peak learning rate of the trunk."""

    epochs: int
    side: int
    batch: int = 32
    rate: float = 1e-3
    head_rate: float = 3e-3
    decay: float = 0.02
    average: float = 0.97
    low_precision: bool = False


class Network(nn.Module):
    """Features and a linear head on some of their columns: image -> logits (N,C)."""

    def __init__(self, features: Features, columns: tuple[int, int | None], head: nn.Linear) -> None:
        super().__init__()
        self.features = features
        self.columns = slice(*columns)
        self.dropout = nn.Dropout(0.2)
        self.head = head

    def forward(self, image: Tensor) -> Tensor:
        logits: Tensor = self.head(self.dropout(self.features(image)[0][:, self.columns]))
        return logits


@dataclass(frozen=True)
class Labelled:
    """Training material: images (n,H,W,C), truth (n,) or (n,C), weight (n,) float32."""

    images: Tensor
    truth: Tensor
    weight: Tensor
    classes: int

    def counts(self) -> Tensor:
        """(C,) number of training images of each class."""
        if self.truth.ndim == 2:
            return self.truth.sum(0).to(torch.float32)
        return torch.bincount(self.truth, minlength=self.classes).to(torch.float32)


def start_head(weight: NDArray[np.float32], bias: NDArray[np.float32]) -> nn.Linear:
    """A torch layer with the values of a solved head: weight (D,C), bias (C,)."""
    layer = nn.Linear(*weight.shape)
    layer.weight.data = torch.from_numpy(np.ascontiguousarray(weight.T, np.float32))
    layer.bias.data = torch.from_numpy(np.ascontiguousarray(bias, np.float32))
    return layer


def tune(
    network: Network,
    data: Labelled,
    loss: Loss,
    schedule: Schedule,
    augment: Augment,
    *,
    seed: int = 0,
    deadline: float | None = None,
    tell: Callable[[int, int, float], None] | None = None,
) -> Network:
    """Train and return the averaged network in evaluation mode.

    deadline: time.monotonic() after which TrialError is raised: a network cut short is not comparable.
    tell: called after each epoch with (epoch, epochs, mean loss).
    """
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    steps_per_epoch = max(1, len(data.images) // schedule.batch)
    total = steps_per_epoch * schedule.epochs
    optimiser, plan = _optimiser(network, schedule, total)
    averaged = copy.deepcopy(network)
    device = next(network.parameters()).device
    counts = data.counts().to(device)
    network.train()
    step = 0
    for epoch in range(schedule.epochs):
        losses = 0.0
        order = torch.randperm(len(data.images), generator=generator)
        for start in range(steps_per_epoch):
            rows = order[start * schedule.batch : (start + 1) * schedule.batch]
            if deadline is not None and time.monotonic() > deadline:
                raise TrialError(f"out of time after step {step} of {total}")
            images = augment(data.images[rows], schedule.side, generator).to(device)
            batch = Batch(weight=data.weight[rows].to(device), class_counts=counts, progress=step / total)
            value = _step(network, images, data.truth[rows].to(device), batch, loss, schedule.low_precision)
            if not np.isfinite(value):
                raise TrialError(f"diverged: the loss is {value} at step {step} of {total}")
            nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimiser.step()
            plan.step()
            optimiser.zero_grad(set_to_none=True)
            step += 1
            losses += value
            _average(averaged, network, min(schedule.average, (1 + step) / (10 + step)))
        if tell is not None:
            tell(epoch + 1, schedule.epochs, losses / steps_per_epoch)
    return averaged.eval()


def _step(
    network: Network, images: Tensor, truth: Tensor, batch: Batch, loss: Loss, low_precision: bool
) -> float:
    with torch.autocast(images.device.type, torch.bfloat16, enabled=low_precision):
        output = network(images)
    value = loss(output.float(), truth, batch, network)
    value.backward()  # type: ignore[no-untyped-call]
    return float(value.detach())


def _optimiser(
    network: Network, schedule: Schedule, total: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """AdamW with a short warm-up and a cosine; norms and biases are not decayed."""
    plain = [p for p in network.features.parameters() if p.ndim < 2]
    decayed = [p for p in network.features.parameters() if p.ndim >= 2]
    groups = [
        {"params": decayed, "lr": schedule.rate, "weight_decay": schedule.decay},
        {"params": plain, "lr": schedule.rate, "weight_decay": 0.0},
        {"params": network.head.parameters(), "lr": schedule.head_rate, "weight_decay": schedule.decay},
    ]
    optimiser = torch.optim.AdamW(groups)
    rates = [schedule.rate, schedule.rate, schedule.head_rate]
    plan = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, rates, total_steps=total + 1, pct_start=0.15, div_factor=10, cycle_momentum=False
    )
    return optimiser, plan


@torch.no_grad()
def _average(averaged: nn.Module, network: nn.Module, keep: float) -> None:
    """Move the average a step towards the network; buffers of normalisation too."""
    for mean, now in zip(averaged.state_dict().values(), network.state_dict().values(), strict=True):
        if mean.dtype.is_floating_point:
            mean.lerp_(now.to(mean.dtype), 1 - keep)
        else:
            mean.copy_(now)
