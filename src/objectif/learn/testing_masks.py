"""What only losses of masks can show: open pixels have no part, absent classes do no harm, and a picture is learned."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from objectif.learn.losses.base import Batch, Loss
from objectif.learn.testing_steps import Step, batch_of, must, slope_of
from objectif.metrics.masks import VOID

SHAPE = (3, 4)
FEW = (1, 2)  # where many pixels are averaged, one that bends the wrong way does not show
EXTREME = 1e4
SURE = 40.0  # a logit of which the softmax is 1 to the last digit


def mask_steps(loss: Loss) -> list[Step]:
    """The checks, in order."""
    return [
        (
            "learns",
            partial(_learns, loss),
            "gradient descent finds the classes of a toy picture, the rare one too",
        ),
        (
            "open pixels",
            partial(_open, loss),
            "neither value nor gradient; nor padding, nor an image of nothing else",
        ),
        ("nothing known", partial(_nothing, loss), "0, with a gradient of 0, also for logits of 1e4"),
        ("absent classes", partial(_absent, loss), "finite, and pushed down where they are given"),
        ("direction", partial(_direction, loss), "the true class of no pixel is pushed down"),
        (
            "equality",
            partial(_equality, loss),
            "0 where the answer is the truth, above 0 where a pixel differs",
        ),
        ("resolution", partial(_resolution, loss), "each pixel as four: the same value"),
    ]


def random_scores(
    rows: int, classes: int, generator: torch.Generator, shape: tuple[int, int] = SHAPE
) -> Tensor:
    """(rows, classes, H, W) normal logits of small pictures."""
    return torch.randn(rows, classes, *shape, generator=generator, dtype=torch.float64)


def random_masks(
    rows: int, classes: int, generator: torch.Generator, shape: tuple[int, int] = SHAPE
) -> Tensor:
    """(rows, H, W) classes, a tenth of the pixels open; the first pixel of each is known."""
    truth = torch.randint(0, classes, (rows, *shape), generator=generator)
    gaps = torch.rand(truth.shape, generator=generator) < 0.1
    gaps[:, 0, 0] = False
    return truth.masked_fill(gaps, VOID)


def _case(rows: int = 4, classes: int = 4) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return 2 * random_scores(rows, classes, generator), random_masks(rows, classes, generator)


def _learns(loss: Loss) -> None:
    """Two pictures of plain colours in noise: a field, a large object, and a small one that fills one pixel of 30."""
    generator = torch.Generator().manual_seed(0)
    truth = torch.zeros(2, 12, 20, dtype=torch.int64)
    truth[:, 2:10, 2:9] = 1
    truth[:, 4:8, 14:16] = 2
    truth[0, :2] = VOID
    colour = torch.randn(2, 8, 12, 20, generator=generator)
    colour[:, :3] += 4 * (truth[:, None] == torch.arange(3)[:, None, None])
    weight = torch.zeros(3, 8, requires_grad=True)
    optimiser = torch.optim.Adam([weight], lr=0.05)
    values = []
    for number in range(150):
        output = torch.einsum("cd,ndhw->nchw", weight, colour)
        value = loss(output, truth, Batch(torch.ones(2), torch.ones(3), progress=number / 150), None)
        optimiser.zero_grad()
        torch.autograd.backward(value)
        optimiser.step()
        values.append(float(value.detach()))
    must(values[-1] < values[0], f"went from {values[0]:.4g} to {values[-1]:.4g}")
    answer = torch.einsum("cd,ndhw->nchw", weight.detach(), colour).argmax(1)
    found = [float((answer[truth == c] == c).float().mean()) for c in range(3)]
    must(min(found) > 0.9, f"finds {min(found):.0%} of the pixels of a class; expected over 90 %")


def _open(loss: Loss) -> None:
    output, truth = _case()
    weight = torch.linspace(0.5, 2, 4, dtype=torch.float64)
    value, slope = slope_of(loss, output, truth, batch_of(4, 4, weight))
    gap = (truth == VOID)[:, None].expand_as(output)
    must(bool((slope[gap] == 0).all()), "an open pixel has a gradient")
    wild, _ = slope_of(loss, torch.where(gap, EXTREME * output, output), truth, batch_of(4, 4, weight))
    must(
        torch.allclose(value, wild),
        f"{float(value):.6g} became {float(wild):.6g} with other logits at open pixels",
    )
    wide = torch.nn.functional.pad(output, (0, 2, 0, 3), value=7.0)
    padded, _ = slope_of(
        loss, wide, torch.nn.functional.pad(truth, (0, 2, 0, 3), value=VOID), batch_of(4, 4, weight)
    )
    must(torch.allclose(value, padded), f"{float(value):.6g} became {float(padded):.6g} with padding")
    blind = torch.full_like(truth[:1], VOID)
    heavier = batch_of(5, 4, torch.cat([weight, weight[-1:]]))
    more, _ = slope_of(loss, torch.cat([output, output[:1]]), torch.cat([truth, blind]), heavier)
    must(
        torch.allclose(value, more),
        f"{float(value):.6g} became {float(more):.6g} with an image that is all open",
    )


def _nothing(loss: Loss) -> None:
    output, truth = _case()
    for kind in (torch.float32, torch.float64):
        for scale in (1.0, EXTREME):
            given = (output * scale).to(kind)
            value, slope = slope_of(loss, given, torch.full_like(truth, VOID), batch_of(4, 4))
            must(float(value) == 0, f"{kind}, logits of size {scale:g}: {float(value)}; expected 0")
            must(bool((slope == 0).all()), f"{kind}, logits of size {scale:g}: the gradient is not 0")


def _absent(loss: Loss) -> None:
    output, truth = _case()
    truth = torch.where(truth == VOID, VOID, truth % 2)
    for counts in (torch.tensor([2.0, 2.0, 0.0, 0.0]), torch.ones(4)):
        batch = Batch(torch.ones(4, dtype=torch.float64), counts.double())
        for scale in (1.0, EXTREME):
            value, slope = slope_of(loss, scale * output, truth, batch)
            finite = bool(torch.isfinite(value)) and bool(torch.isfinite(slope).all())
            must(finite, f"logits of size {scale:g}: not finite")
        _, slope = slope_of(loss, output, truth, batch)
        must(bool((slope[:, 2:].sum((0, 2, 3)) > 0).all()), "a class that is not there is not pushed down")


def _direction(loss: Loss) -> None:
    output, truth = _case()
    _, slope = slope_of(loss, output, truth, batch_of(4, 4))
    known = truth != VOID
    own = slope.gather(1, truth.masked_fill(~known, 0)[:, None])[:, 0][known]
    must(bool((own <= 0).all()), "the true class of a pixel is pushed down")
    must(float(own.sum()) < 0, "no true class is pushed up")


def _equality(loss: Loss) -> None:
    _, truth = _case()
    number = torch.arange(4)[:, None, None]
    right = SURE * (truth[:, None] == number).double()
    value, _ = slope_of(loss, right, truth, batch_of(4, 4))
    must(abs(float(value)) < 1e-6, f"{float(value):.3g} where the answer is the truth; expected 0")
    for row in range(4):
        wrong = truth.clone()
        wrong[row, 0, 0] = (wrong[row, 0, 0] + 1) % 4
        met, _ = slope_of(loss, SURE * (wrong[:, None] == number).double(), truth, batch_of(4, 4))
        must(float(met) > 1e-3, f"{float(met):.3g} where a pixel is wrong; expected more than 0")


def _resolution(loss: Loss) -> None:
    output, truth = _case()
    value, _ = slope_of(loss, output, truth, batch_of(4, 4))
    finer = output.repeat_interleave(2, 2).repeat_interleave(2, 3)
    other, _ = slope_of(loss, finer, truth.repeat_interleave(2, 1).repeat_interleave(2, 2), batch_of(4, 4))
    must(
        torch.allclose(value, other), f"{float(value):.6g} became {float(other):.6g} with each pixel as four"
    )
