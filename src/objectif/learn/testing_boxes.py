"""What only losses of boxes can show: they draw boxes over their truth, and are finite wherever two boxes lie."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from objectif.learn.losses.base import Loss
from objectif.learn.testing_steps import Step, batch_of, must, slope_of

BOX = 4  # numbers of a box


def box_steps(loss: Loss) -> list[Step]:
    """The checks, in order."""
    return [
        ("learns", partial(_draws, loss), "gradient descent draws boxes over their truth"),
        ("equality", partial(_equality, loss), "0 where boxes are equal, above 0 where not"),
        ("translation", partial(_translation, loss), "boxes moved together: the same value"),
        ("any boxes", partial(_any_boxes, loss), "disjoint, empty, inverted, equal ones: finite gradients"),
    ]


def random_boxes(rows: int, generator: torch.Generator) -> Tensor:
    """(rows,4) boxes with sides of 5 to 45 px in a field of 40 px, so that most of them overlap."""
    low = 20 * torch.rand(rows, 2, generator=generator, dtype=torch.float64)
    sides = 5 + 40 * torch.rand(rows, 2, generator=generator, dtype=torch.float64)
    return torch.cat([low, low + sides], 1)


def _case() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return random_boxes(7, generator), random_boxes(7, generator)


def _draws(loss: Loss) -> None:
    generator = torch.Generator().manual_seed(0)
    truth = random_boxes(30, generator)
    boxes = (truth + 4 * torch.randn(30, BOX, generator=generator, dtype=torch.float64)).requires_grad_(True)
    optimiser = torch.optim.Adam([boxes], lr=0.1)
    before = _overlap(boxes.detach(), truth)
    for number in range(200):
        value = loss(boxes, truth, batch_of(30, BOX, progress=number / 200), None)
        optimiser.zero_grad()
        torch.autograd.backward(value)
        optimiser.step()
    after = _overlap(boxes.detach(), truth)
    must(after > 0.9, f"mean overlap went from {before:.2f} to {after:.2f}; expected over 0.9")


def _overlap(a: Tensor, b: Tensor) -> float:
    inner = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp_min(0).prod(1)
    areas = (a[:, 2:] - a[:, :2]).prod(1) + (b[:, 2:] - b[:, :2]).prod(1)
    return float((inner / (areas - inner)).mean())


def _equality(loss: Loss) -> None:
    output, truth = _case()
    same, _ = slope_of(loss, truth, truth, batch_of(7, BOX))
    must(abs(float(same)) < 1e-6, f"{float(same):.3g} for equal boxes; expected 0")
    for row in range(len(output)):
        value, _ = slope_of(loss, output[row : row + 1], truth[row : row + 1], batch_of(1, BOX))
        must(float(value) > 1e-3, f"{float(value):.3g} for boxes that differ; expected more than 0")


def _translation(loss: Loss) -> None:
    output, truth = _case()
    value, slope = slope_of(loss, output, truth, batch_of(7, BOX))
    shift = torch.tensor([31.0, -17.0, 31.0, -17.0], dtype=torch.float64)
    other, moved = slope_of(loss, output + shift, truth + shift, batch_of(7, BOX))
    near = torch.allclose(value, other, rtol=1e-6) and torch.allclose(slope, moved, rtol=1e-4, atol=1e-8)
    must(near, f"{float(value):.6g} became {float(other):.6g} when all boxes moved alike")


def _any_boxes(loss: Loss) -> None:
    one, far = [10.0, 10.0, 20.0, 30.0], [5000.0, 5000.0, 5001.0, 5001.0]
    point, line, inverted = [10.0, 10.0, 10.0, 10.0], [10.0, 10.0, 10.0, 30.0], [20.0, 30.0, 10.0, 10.0]
    shapes = {"disjoint": far, "a point": point, "a line": line, "inverted": inverted, "equal": one}
    for kind in (torch.float32, torch.float64):
        for name, shape in shapes.items():
            for wanted in (one, shape):
                output, truth = torch.tensor([shape], dtype=kind), torch.tensor([wanted], dtype=kind)
                value, slope = slope_of(loss, output, truth, batch_of(1, BOX))
                finite = bool(torch.isfinite(value)) and bool(torch.isfinite(slope).all())
                must(finite, f"{name}, {kind}: not finite")
                must(float(value) > -1e-6, f"{name}, {kind}: {float(value):.3g}; expected at least 0")
