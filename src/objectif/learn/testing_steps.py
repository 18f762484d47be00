"""What contract tests are made of: a claim that must hold, a step that reports whether its claims did, a loss's slope."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from objectif.learn.losses.base import Batch, Loss
from objectif.run.check import Check

Step = tuple[str, Callable[[], None], str]  # its name, what it does, what to say when it held


def step(name: str, work: Callable[[], None], detail: str) -> Check:
    """Do it; whatever it raises is what is to be reported."""
    try:
        work()
    except Exception as error:  # a plug-in may raise anything
        return Check(name, False, f"{type(error).__name__}: {error}".splitlines()[0])
    return Check(name, True, detail)


def must(holds: bool, message: str) -> None:
    """AssertionError(message) unless it holds."""
    if not holds:
        raise AssertionError(message)


def batch_of(rows: int, classes: int, weight: Tensor | None = None, progress: float = 1.0) -> Batch:
    """Long-tailed counts, so that losses which look at them do something."""
    counts = torch.logspace(2, 1, classes, dtype=torch.float64).round()
    return Batch(torch.ones(rows, dtype=torch.float64) if weight is None else weight, counts, progress)


def slope_of(loss: Loss, output: Tensor, truth: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
    """The value of a loss, which must be a scalar, and its gradient with respect to the output."""
    output = output.detach().clone().requires_grad_(True)
    value = loss(output, truth, batch, None)
    must(value.ndim == 0, f"gave shape {tuple(value.shape)}; expected a scalar")
    (slope,) = torch.autograd.grad(value, output)
    return value.detach(), slope
