"""What only losses of numbers and of stages can show: descent finds the order of what is to be told."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Tensor

from objectif.learn.losses.base import Loss
from objectif.learn.losses.reading import READINGS, probabilities
from objectif.learn.testing_steps import Step, batch_of, must

RANKED = ("number", "stage")
STAGES = 4


def number_steps(loss: Loss) -> list[Step]:
    """The checks, in order."""
    steps: list[Step] = [
        ("learns", partial(_learns, loss), "gradient descent finds the order of a toy problem")
    ]
    if loss.kind == "stage":
        steps.append(("reading", partial(_reads, loss), "its numbers are probabilities of the stages"))
    return steps


def random_answers(loss: Loss, rows: int, classes: int, generator: torch.Generator) -> Tensor:
    """(rows,) numbers of 0 and more, or one of classes + 1 stages."""
    if loss.kind == "number":
        return 3 * torch.rand(rows, generator=generator, dtype=torch.float64)
    return torch.randint(0, classes + 1, (rows,), generator=generator)


def _reads(loss: Loss) -> None:
    reading = getattr(loss, "reading", None)
    must(reading in READINGS, f"reading is {reading!r}; expected one of {', '.join(READINGS)}")
    generator = torch.Generator().manual_seed(0)
    output = torch.randn(9, STAGES - 1, generator=generator, dtype=torch.float64) * 5
    said = probabilities(output, str(reading))
    must(
        bool((said >= 0).all()) and torch.allclose(said.sum(1), torch.ones(9).double()),
        "they do not sum to 1",
    )


def _learns(loss: Loss) -> None:
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(90, 6, generator=generator)
    number = points[:, 0] - points[:, 1]
    ranks = number.argsort().argsort()
    truth = ranks * STAGES // 90 if loss.kind == "stage" else ranks / 30.0
    width = STAGES - 1 if loss.kind == "stage" else 1
    weight, bias = torch.zeros(6, width, requires_grad=True), torch.zeros(width, requires_grad=True)
    optimiser = torch.optim.Adam([weight, bias], lr=0.05)
    values = []
    for _ in range(150):
        output = points @ weight + bias
        value = loss(output if width > 1 else output[:, 0], truth, batch_of(90, width), None)
        optimiser.zero_grad()
        torch.autograd.backward(value)
        optimiser.step()
        values.append(float(value.detach()))
    must(values[-1] < values[0], f"went from {values[0]:.4g} to {values[-1]:.4g}")
    output = (points @ weight + bias).detach()
    told = probabilities(output, loss.reading) @ torch.arange(STAGES).float() if width > 1 else output[:, 0]  # type: ignore[attr-defined]
    alike = float(np.corrcoef(told.argsort().argsort().numpy(), ranks.numpy())[0, 1])
    must(alike > 0.9, f"ranks agree by {alike:.2f}; expected over 0.9")
