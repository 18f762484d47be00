"""Contract tests that anybody can run on a loss or a model: `objectif check NAME`, or check_loss(name) in a test.

Our own tests run the same functions over the registries, so a new loss or model is tested without a new test. Each
returns what was checked and what was met; a loss or model keeps its contract where all checks are ok.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from objectif import plugins
from objectif.learn.export.template import fill, template
from objectif.learn.fit.heads import Rotated, fit_head
from objectif.learn.losses.base import Batch, Loss
from objectif.learn.models import find
from objectif.learn.models.base import Model
from objectif.run.check import NEWEST_OPSET, Check
from objectif.run.network import Network
from objectif.run.opset import opsets

SEGMENTS = 200  # random segments on which convexity is tried, at each of five lengths
APPROACHES = ("classical", "frozen", "finetune")
EXTREME = 1e4


def check_loss(name: str) -> list[Check]:
    """Whether the loss `name` keeps its contract; PluginError where there is none of that name."""
    loss: Loss = plugins.load("losses", name)
    steps: list[tuple[str, Callable[[], None], str]] = [
        (
            "describes itself",
            lambda: _describes_itself(loss, name),
            "name, title, source, kind, convex, balanced",
        ),
        ("finite", lambda: _finite(loss), "2 and 100 classes, float32 and float64, logits of 1e4"),
        ("derivative", lambda: _derivative(loss), "equals finite differences in float64"),
        ("weight", lambda: _weight(loss), "a row of weight 2 is two rows, of weight 0 none"),
        ("order", lambda: _order(loss), "the order of the rows changes nothing"),
        (
            "odd batches",
            lambda: _odd(loss),
            "one row, one class, no weight, classes never seen, any progress",
        ),
        ("leaves its input alone", lambda: _pure(loss), "twice the same value, nothing overwritten"),
        (
            "learns",
            lambda: _learns(loss),
            "gradient descent lowers it and finds the classes of a toy problem",
        ),
        ("solves heads", lambda: _solves(loss), "the head solver ends, with finite and useful logits"),
    ]
    if loss.convex is True:
        steps.append(("convex", lambda: _convex(loss), f"on {5 * SEGMENTS} random segments of logits"))
    return [_step(*step) for step in steps]


def check_model(name: str) -> list[Check]:
    """Whether the model `name` keeps its contract; PluginError where there is none of that name.

    A model that is a finished graph (onnx:PATH) is checked as a graph alone.
    """
    model = find(name)
    checks = [
        _step("describes itself", lambda: _entry(model, name), "name, title, source, licence, approach, size")
    ]
    if model.graph is not None:
        return [*checks, _step("runs", lambda: _graph(model), "finite vectors in onnxruntime")]
    for channels in (3, 1):
        image = "one channel" if channels == 1 else "three channels"
        checks.append(
            _step(f"vectors from {image}", partial(_vectors, model, channels), "finite, of the width it says")
        )
        checks.append(
            _step(f"export for {image}", partial(_export, model, channels), "onnxruntime agrees to 0.1 %")
        )
    checks.append(
        _step("images are independent", lambda: _independent(model), "alone, in a batch, again: the same")
    )
    return checks


def random_segment_violates(loss: Loss, length: float, seed: int, segments: int = SEGMENTS) -> bool:
    """Whether some random segment of logits bends the wrong way: f(middle) above the mean of f at both ends."""
    generator = torch.Generator().manual_seed(seed)
    classes = 2 + seed % 4
    for _ in range(segments):
        ends = torch.randn(2, 1, classes, generator=generator, dtype=torch.float64) * length
        truth, batch = _truth(loss, 1, classes, generator), _batch(1, classes)
        low, high = (float(loss(end, truth, batch, None)) for end in ends)
        middle = float(loss(ends.mean(0), truth, batch, None))
        if middle > 0.5 * (low + high) + 1e-9 * (1 + abs(low) + abs(high)):
            return True
    return False


def _step(name: str, work: Callable[[], None], detail: str) -> Check:
    try:
        work()
    except Exception as error:  # whatever a plug-in raises is what is to be reported
        return Check(name, False, f"{type(error).__name__}: {error}".splitlines()[0])
    return Check(name, True, detail)


def _must(holds: bool, message: str) -> None:
    if not holds:
        raise AssertionError(message)


def _truth(loss: Loss, rows: int, classes: int, generator: torch.Generator) -> Tensor:
    if loss.kind == "multi":
        return (torch.rand(rows, classes, generator=generator) < 0.3).to(torch.float64)
    return torch.randint(0, classes, (rows,), generator=generator)


def _batch(rows: int, classes: int, weight: Tensor | None = None, progress: float = 1.0) -> Batch:
    """Long-tailed counts, so that losses which look at them do something."""
    counts = torch.logspace(2, 1, classes, dtype=torch.float64).round()
    return Batch(torch.ones(rows, dtype=torch.float64) if weight is None else weight, counts, progress)


def _case(loss: Loss, rows: int = 7, classes: int = 4, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, classes, generator=generator, dtype=torch.float64) * 2, _truth(
        loss, rows, classes, generator
    )


def _slope(loss: Loss, output: Tensor, truth: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
    output = output.detach().clone().requires_grad_(True)
    value = loss(output, truth, batch, None)
    _must(value.ndim == 0, f"gave shape {tuple(value.shape)}; expected a scalar")
    (slope,) = torch.autograd.grad(value, output)
    return value.detach(), slope


def _describes_itself(loss: Loss, name: str) -> None:
    _must(loss.name == name, f"name is {loss.name!r}; expected {name!r}, as in the entry point")
    for what in ("title", "source"):
        text = getattr(loss, what)
        _must(isinstance(text, str) and bool(text.strip()), f"{what} is {text!r}; expected words")
    _must(loss.kind in ("single", "multi"), f"kind is {loss.kind!r}; expected 'single' or 'multi'")
    for what in ("convex", "balanced"):
        _must(type(getattr(loss, what)) is bool, f"{what} is {getattr(loss, what)!r}; expected True or False")


def _finite(loss: Loss) -> None:
    for kind in (torch.float32, torch.float64):
        for classes in (2, 100):
            for scale in (1.0, EXTREME):
                output, truth = _case(loss, rows=16, classes=classes)
                value, slope = _slope(loss, (output * scale).to(kind), truth, _batch(16, classes))
                met = f"{classes} classes, {kind}, logits of size {scale:g}"
                _must(value.dtype == kind, f"{met}: value is {value.dtype}")
                _must(bool(torch.isfinite(value)), f"{met}: value is {float(value)}")
                _must(bool(torch.isfinite(slope).all()), f"{met}: the gradient is not finite")


def _derivative(loss: Loss) -> None:
    for progress in (0.0, 1.0):
        output, truth = _case(loss)
        batch = _batch(7, 4, torch.linspace(0.5, 2, 7, dtype=torch.float64), progress)
        torch.autograd.gradcheck(lambda o, t=truth, b=batch: loss(o, t, b, None), output.requires_grad_(True))


def _weight(loss: Loss) -> None:
    output, truth = _case(loss)
    weight = torch.ones(7, dtype=torch.float64)
    weight[2], weight[5] = 2, 0
    rows = [0, 1, 2, 2, 3, 4, 6]
    weighted, _ = _slope(loss, output, truth, _batch(7, 4, weight))
    copied, _ = _slope(loss, output[rows], truth[rows], _batch(7, 4))
    _must(torch.allclose(weighted, copied), f"{float(weighted):.6g} by weight, {float(copied):.6g} by copies")
    heavy, _ = _slope(loss, output, truth, _batch(7, 4, weight * 10))
    _must(
        torch.allclose(weighted, heavy), "ten times all weights changes the value; expected a weighted mean"
    )


def _order(loss: Loss) -> None:
    output, truth = _case(loss)
    weight = torch.linspace(0.5, 2, 7, dtype=torch.float64)
    turned = torch.tensor([3, 0, 6, 2, 5, 1, 4])
    value, slope = _slope(loss, output, truth, _batch(7, 4, weight))
    other, moved = _slope(loss, output[turned], truth[turned], _batch(7, 4, weight[turned]))
    _must(torch.allclose(value, other), f"{float(value):.6g} became {float(other):.6g}")
    _must(torch.allclose(slope[turned], moved), "the gradient does not follow the rows")


def _odd(loss: Loss) -> None:
    output, truth = _case(loss)
    same = torch.zeros_like(truth)
    rare = Batch(torch.ones(7, dtype=torch.float64), torch.tensor([9.0, 0.0, 5.0, 0.0], dtype=torch.float64))
    cases = {
        "one row": (output[:1], truth[:1], _batch(1, 4)),
        "one class": (output, same, _batch(7, 4)),
        "no weight": (output, truth, _batch(7, 4, torch.zeros(7, dtype=torch.float64))),
        "classes never seen": (output, truth, rare),
        "the beginning": (output, truth, _batch(7, 4, progress=0.0)),
        "all logits equal": (torch.zeros_like(output), truth, _batch(7, 4)),
    }
    for met, case in cases.items():
        value, slope = _slope(loss, *case)
        _must(bool(torch.isfinite(value)) and bool(torch.isfinite(slope).all()), f"{met}: not finite")


def _pure(loss: Loss) -> None:
    output, truth = _case(loss)
    batch = _batch(7, 4)
    before = [t.clone() for t in (output, truth, batch.weight, batch.class_counts)]
    values = {float(loss(output, truth, batch, None)) for _ in range(2)}
    _must(len(values) == 1, f"two calls gave {sorted(values)}")
    after = (output, truth, batch.weight, batch.class_counts)
    _must(all(torch.equal(a, b) for a, b in zip(before, after, strict=True)), "an input was overwritten")


def _toy(loss: Loss) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """90 points in 8 dimensions around three centres; with several labels, signs of three directions."""
    rng = np.random.default_rng(0)
    if loss.kind == "multi":
        points = rng.standard_normal((90, 8))
        return points.astype(np.float32), (points[:, :3] > 0.3).astype(np.int64)
    truth = np.repeat(np.arange(3), 30)
    return (rng.standard_normal((90, 8)) + 4 * np.eye(8)[truth]).astype(np.float32), truth


def _hits(loss: Loss, logits: NDArray[np.floating], truth: NDArray[np.int64]) -> float:
    """Share of right answers; with several labels, of pairs of rows that a class ranks the right way."""
    if loss.kind == "single":
        return float((logits.argmax(1) == truth).mean())
    pairs = []
    for scores, there in zip(logits.T, truth.T > 0, strict=True):
        pairs.append(float((scores[there][:, None] > scores[~there]).mean()))
    return float(np.mean(pairs))


def _learns(loss: Loss) -> None:
    points, truth = _toy(loss)
    x, y = torch.from_numpy(points), torch.from_numpy(truth)
    y = y.float() if loss.kind == "multi" else y
    weight = torch.zeros(8, 3, requires_grad=True)
    optimiser = torch.optim.Adam([weight], lr=0.05)
    values = []
    for step in range(150):
        batch = Batch(torch.ones(90), torch.full((3,), 30.0), progress=step / 150)
        value = loss(x @ weight, y, batch, None)
        optimiser.zero_grad()
        torch.autograd.backward(value)
        optimiser.step()
        values.append(float(value.detach()))
    _must(values[-1] < values[0], f"went from {values[0]:.4g} to {values[-1]:.4g}")
    hits = _hits(loss, (x @ weight).detach().numpy(), truth)
    _must(hits > 0.9, f"finds {hits:.0%} of the classes of three separate clouds; expected over 90 %")


def _solves(loss: Loss) -> None:
    points, truth = _toy(loss)
    head = fit_head(Rotated(points, truth), loss, classes=3)
    logits = head.logits(points)
    _must(bool(np.isfinite(logits).all()), "logits are not finite")
    hits = _hits(loss, logits, truth)
    _must(hits > 0.9, f"the head is right for {hits:.0%}; expected over 90 %")


def _convex(loss: Loss) -> None:
    for seed, length in enumerate((0.3, 1.0, 3.0, 10.0, 30.0)):
        _must(
            not random_segment_violates(loss, length, seed),
            f"a segment of logits of size {length:g} bends the other way; expected convex = False",
        )


def _entry(model: Model, name: str) -> None:
    _must(model.name == name, f"name is {model.name!r}; expected {name!r}")
    for what in ("title", "source", "licence", "features"):
        text = getattr(model, what)
        _must(isinstance(text, str) and bool(text.strip()), f"{what} is {text!r}; expected words")
    _must(
        model.approach in APPROACHES,
        f"approach is {model.approach!r}; expected one of {', '.join(APPROACHES)}",
    )
    _must(0 < model.size <= 1024, f"size is {model.size}; expected a side in pixels")
    _must(model.size % model.multiple == 0, f"size {model.size} is no multiple of {model.multiple}")


def _images(model: Model, channels: int) -> NDArray[np.uint8]:
    """Noise, black, white, and a smooth ramp, as prepared images."""
    side = model.size
    stack = np.random.default_rng(0).integers(0, 256, (4, side, side, channels)).astype(np.uint8)
    stack[1], stack[2] = 0, 255
    stack[3] = np.linspace(0, 255, side)[:, None, None].astype(np.uint8)
    return stack


def _in_torch(model: Model, images: NDArray[np.generic], channels: int) -> tuple[NDArray[np.float32], ...]:
    torch.manual_seed(0)
    features = model.build(channels).eval()
    with torch.inference_mode():
        outputs = features(torch.from_numpy(images))
    _must(isinstance(outputs, tuple), f"forward gave {type(outputs).__name__}; expected a tuple")
    _must(
        outputs[0].shape[1] == features.width, f"vector of {outputs[0].shape[1]}, width says {features.width}"
    )
    start, stop = model.columns
    end = features.width if stop is None else stop
    _must(0 <= start < end <= features.width, f"columns {model.columns} of a vector of {features.width}")
    if features.map_width:
        pooled = outputs[1].mean((1, 2))
        near = torch.allclose(pooled, outputs[0][:, : features.map_width], rtol=1e-3, atol=1e-4)
        _must(near, "the first entries of the vector are not the mean of the map")
    return tuple(output.numpy() for output in outputs)


def _vectors(model: Model, channels: int) -> None:
    images = _images(model, channels)
    vector = _in_torch(model, images, channels)[0]
    _must(
        vector.dtype == np.float32 and vector.shape[0] == len(images), f"gave {vector.dtype} {vector.shape}"
    )
    _must(bool(np.isfinite(vector).all()), "not finite on noise, black, white or a ramp")
    if model.approach != "finetune":  # a network from nothing may see nothing yet
        _must(not np.allclose(vector[0], vector[3]), "noise and a ramp give the same vector")
    floats = _in_torch(model, images.astype(np.float32), channels)[0]
    _must(np.allclose(vector, floats, rtol=1e-4, atol=1e-5), "uint8 and float images of equal values differ")


def _export(model: Model, channels: int) -> None:
    images = _images(model, channels)
    torch.manual_seed(0)
    features = model.build(channels).eval()
    graph = fill(template(model, channels), dict(features.state_dict()))
    newest = opsets(graph).get("", 0)
    _must(newest <= NEWEST_OPSET, f"opset {newest}; expected at most {NEWEST_OPSET}")
    network = Network(graph, threads=1, needs=("embedding",))
    with torch.inference_mode():
        expected = features(torch.from_numpy(images))[0].numpy()
    for batch in (images, images[:1]):
        met = network.outputs(batch, ("embedding",))["embedding"]
        apart = float(np.abs(met - expected[: len(batch)]).max()) / max(float(np.abs(expected).max()), 1e-6)
        _must(apart < 1e-3, f"{len(batch)} images: vectors differ by {apart:.2%} of the largest entry")


def _independent(model: Model) -> None:
    images = _images(model, 3)
    together, again = _in_torch(model, images, 3)[0], _in_torch(model, images, 3)[0]
    alone = np.concatenate([_in_torch(model, images[i : i + 1], 3)[0] for i in range(len(images))])
    _must(np.array_equal(together, again), "two runs differ")
    _must(
        np.allclose(together, alone, rtol=1e-3, atol=1e-4), "an image's vector depends on the batch it is in"
    )


def _graph(model: Model) -> None:
    network = Network(template(model), threads=1, needs=("embedding",))
    vector = network.outputs(_images(model, 3), ("embedding",))["embedding"]
    _must(
        vector.ndim == 2 and bool(np.isfinite(vector).all()),
        f"gave {vector.shape}, or values that are not finite",
    )
