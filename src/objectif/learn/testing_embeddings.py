"""What losses of embeddings owe: identities are told apart, the order of a batch is nothing, odd batches are finite."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from objectif.learn.losses.base import Batch, Loss
from objectif.learn.testing_steps import Step, must

WIDE, PEOPLE, EACH = 6, 4, 5


class Proxies(nn.Module):
    """What a loss may ask of a model: a proxy for each identity."""

    def __init__(self, people: int = PEOPLE, kind: torch.dtype = torch.float64) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.proxies = nn.Parameter(torch.randn(people, WIDE, generator=generator, dtype=kind))


def embedding_steps(loss: Loss) -> list[Step]:
    """The checks, in order."""
    return [
        ("finite", partial(_finite, loss), "equal, opposite and zero embeddings, float32 and float64"),
        ("derivative", partial(_derivative, loss), "equals finite differences in float64"),
        ("order", partial(_order, loss), "the order of the rows changes nothing"),
        (
            "odd batches",
            partial(_odd, loss),
            "one row, one identity, all different, no weight, unseen identities",
        ),
        ("leaves its input alone", partial(_pure, loss), "twice the same value, nothing overwritten"),
        (
            "direction",
            partial(_direction, loss),
            "lower where identities are apart than where they are mixed",
        ),
        ("learns", partial(_learns, loss), "gradient descent brings images of one identity together"),
    ]


def embedding_segment_violates(loss: Loss, length: float, seed: int, segments: int) -> bool:
    """As random_segment_violates, of vectors that are brought to length 1 before the loss sees them."""
    generator = torch.Generator().manual_seed(seed)
    model = Proxies()
    truth = torch.tensor([0, 0, 1])
    for _ in range(segments):
        ends = torch.randn(2, 3, WIDE, generator=generator, dtype=torch.float64) * length
        low, high, middle = (float(_value(loss, x, truth, model).detach()) for x in (*ends, ends.mean(0)))
        if middle > 0.5 * (low + high) + 1e-9 * (1 + abs(low) + abs(high)):
            return True
    return False


def _batch(rows: int, people: int = PEOPLE, kind: torch.dtype = torch.float64) -> Batch:
    return Batch(torch.ones(rows, dtype=kind), torch.full((people,), 5.0, dtype=kind), 0.5)


def _value(loss: Loss, raw: Tensor, truth: Tensor, model: nn.Module, batch: Batch | None = None) -> Tensor:
    given = batch or _batch(len(raw), kind=raw.dtype)
    value = loss(functional.normalize(raw, dim=1), truth, given, model)
    must(value.ndim == 0, f"gave shape {tuple(value.shape)}; expected a scalar")
    return value


def _case(seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    raw = torch.randn(PEOPLE * EACH, WIDE, generator=generator, dtype=torch.float64)
    return raw, torch.arange(PEOPLE * EACH) % PEOPLE


def _slope(loss: Loss, raw: Tensor, truth: Tensor, batch: Batch | None = None) -> tuple[Tensor, Tensor]:
    raw = raw.detach().clone().requires_grad_(True)
    value = _value(loss, raw, truth, Proxies(kind=raw.dtype), batch)
    (slope,) = torch.autograd.grad(value, raw, allow_unused=True)
    return value.detach(), torch.zeros_like(raw) if slope is None else slope


def _must_be_finite(loss: Loss, what: str, raw: Tensor, truth: Tensor, batch: Batch | None = None) -> None:
    value, slope = _slope(loss, raw, truth, batch)
    must(bool(torch.isfinite(value)) and bool(torch.isfinite(slope).all()), f"{what}: {value}, or its slope")


def _finite(loss: Loss) -> None:
    raw, truth = _case()
    for kind in (torch.float32, torch.float64):
        _must_be_finite(loss, f"{kind}", raw.to(kind), truth)
        for what, rows in (("equal", raw[:1].expand_as(raw)), ("opposite", torch.cat([raw[:10], -raw[:10]]))):
            _must_be_finite(loss, f"{what}, {kind}", rows.to(kind), truth)
        own = Proxies(kind=kind).proxies.detach()
        _must_be_finite(loss, f"on their proxies, {kind}", own, torch.arange(PEOPLE))
        _must_be_finite(loss, f"opposite to them, {kind}", -own, torch.arange(PEOPLE))


def _derivative(loss: Loss) -> None:
    raw, truth = _case()
    _, slope = _slope(loss, raw, truth)
    way = torch.randn(raw.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    model, step = Proxies(), 1e-6
    up, down = (float(_value(loss, raw + s * step * way, truth, model).detach()) for s in (1, -1))
    met, expected = (up - down) / (2 * step), float((slope * way).sum())
    must(
        abs(met - expected) <= 1e-4 * (1 + abs(expected)),
        f"{expected:.6g}; finite differences give {met:.6g}",
    )


def _order(loss: Loss) -> None:
    raw, truth = _case()
    turned = torch.randperm(len(raw), generator=torch.Generator().manual_seed(3))
    one, other = (
        float(_value(loss, raw[k], truth[k], Proxies()).detach()) for k in (torch.arange(len(raw)), turned)
    )
    must(abs(one - other) <= 1e-9 * (1 + abs(one)), f"{one:.9g} became {other:.9g}")


def _odd(loss: Loss) -> None:
    raw, truth = _case()
    _must_be_finite(loss, "one row", raw[:1], truth[:1])
    _must_be_finite(loss, "one identity", raw, torch.zeros_like(truth))
    _must_be_finite(loss, "all different", raw[:PEOPLE], truth[:PEOPLE])
    none = Batch(torch.zeros(len(raw), dtype=torch.float64), _batch(1).class_counts)
    _must_be_finite(loss, "no weight", raw, truth, none)
    unseen = Batch(torch.ones(len(raw), dtype=torch.float64), torch.tensor([5.0, 5.0, 0.0, 0.0]))
    _must_be_finite(loss, "identities that are held out", raw, truth % 2, unseen)


def _pure(loss: Loss) -> None:
    raw, truth = _case()
    kept, told = raw.clone(), truth.clone()
    one, other = (float(_value(loss, raw, truth, Proxies()).detach()) for _ in range(2))
    must(one == other and torch.equal(raw, kept) and torch.equal(truth, told), "differs the second time")


def _direction(loss: Loss) -> None:
    model = Proxies()
    truth = torch.arange(PEOPLE * EACH) % PEOPLE
    apart = model.proxies.detach()[truth]
    mixed = model.proxies.detach()[(truth + 1 + torch.arange(len(truth)) // PEOPLE % 2) % PEOPLE]
    good, bad = (float(_value(loss, rows, truth, model).detach()) for rows in (apart, mixed))
    must(good < bad, f"{good:.4g} where identities are apart, {bad:.4g} where they are mixed")


def _learns(loss: Loss) -> None:
    raw, truth = _case()
    raw, model = raw.clone().requires_grad_(True), Proxies()
    optimiser = torch.optim.Adam([raw, model.proxies], lr=0.05)
    for _ in range(150):
        value = _value(loss, raw, truth, model)
        optimiser.zero_grad()
        torch.autograd.backward(value)
        optimiser.step()
    rows = functional.normalize(raw.detach(), dim=1)
    alike = rows @ rows.T - 2 * torch.eye(len(rows), dtype=rows.dtype)
    right = float((truth[alike.argmax(1)] == truth).double().mean())
    must(right > 0.95, f"the nearest is of the same identity for {right:.0%}; expected over 95 %")
