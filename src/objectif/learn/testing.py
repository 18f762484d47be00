"""Contract tests that anybody can run on a loss or a model: `objectif check NAME`, or check_loss(name) in a test.

Our own tests run the same functions over the registries, so a new loss or model is tested without a new test. Each
returns what was checked and what was met; a loss or model keeps its contract where all checks are ok.
"""

from __future__ import annotations

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
from objectif.learn.models.base import Learner, Model
from objectif.learn.testing_boxes import BOX, box_steps, random_boxes
from objectif.learn.testing_embeddings import embedding_segment_violates, embedding_steps
from objectif.learn.testing_learner import learner_steps
from objectif.learn.testing_masks import FEW, mask_steps, random_masks, random_scores
from objectif.learn.testing_numbers import RANKED, number_steps, random_answers
from objectif.learn.testing_pictures import FEW as FEW_PIXELS
from objectif.learn.testing_pictures import picture_steps, random_pictures
from objectif.learn.testing_steps import Step, batch_of, must, slope_of, step
from objectif.run.check import NEWEST_OPSET, Check
from objectif.run.network import Network
from objectif.run.opset import opsets

SEGMENTS = 200  # random segments on which convexity is tried, at each of five lengths
APPROACHES = ("classical", "frozen", "finetune")
KINDS = ("single", "multi", "dense", "box", "mask", "picture", "embedding", "number", "stage")
EXTREME = 1e4


def check_loss(name: str) -> list[Check]:
    """Whether the loss `name` keeps its contract; PluginError where there is none of that name."""
    loss: Loss = plugins.load("losses", name)
    steps: list[Step] = [
        (
            "describes itself",
            lambda: _describes_itself(loss, name),
            "name, title, source, kind, convex, balanced",
        )
    ]
    if loss.kind == "embedding":  # of pairs, not of rows
        return [step(*one) for one in (*steps, *embedding_steps(loss))]
    steps += [
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
        *_by_kind(loss),
    ]
    if loss.convex is True:
        steps.append(("convex", lambda: _convex(loss), f"on {5 * SEGMENTS} random segments of logits"))
    return [step(*one) for one in steps]


def _by_kind(loss: Loss) -> list[Step]:
    """What only losses of its kind can show."""
    if loss.kind == "box":
        return box_steps(loss)
    if loss.kind == "mask":
        return mask_steps(loss)
    if loss.kind == "picture":
        return picture_steps(loss)
    if loss.kind in RANKED:
        return number_steps(loss)
    steps = [
        (
            "learns",
            lambda: _learns(loss),
            "gradient descent lowers it and finds the classes of a toy problem",
        )
    ]
    if loss.kind == "dense":
        return [
            *steps,
            ("places", lambda: _places(loss), "more places that are known to be empty change nothing"),
            ("direction", lambda: _direction(loss), "empty places are pushed down, perfect ones up"),
        ]
    return [
        *steps,
        ("solves heads", lambda: _solves(loss), "the head solver ends, with finite and useful logits"),
    ]


def check_model(name: str) -> list[Check]:
    """Whether the model `name` keeps its contract; PluginError where there is none of that name.

    A model that is a finished graph (onnx:PATH) is checked as a graph alone. A Learner is built, trained for some steps
    on a problem made up for its task, and exported.
    """
    model = find(name)
    if isinstance(model, Learner):
        return [step(*one) for one in learner_steps(model, name)]
    checks = [
        step("describes itself", lambda: _entry(model, name), "name, title, source, licence, approach, size")
    ]
    if model.graph is not None:
        return [*checks, step("runs", lambda: _graph(model), "finite vectors in onnxruntime")]
    for channels in (3, 1):
        image = "one channel" if channels == 1 else "three channels"
        checks.append(
            step(f"vectors from {image}", partial(_vectors, model, channels), "finite, of the width it says")
        )
        checks.append(
            step(f"export for {image}", partial(_export, model, channels), "onnxruntime agrees to 0.1 %")
        )
    checks.append(
        step("images are independent", lambda: _independent(model), "alone, in a batch, again: the same")
    )
    return checks


def random_segment_violates(loss: Loss, length: float, seed: int, segments: int = SEGMENTS) -> bool:
    """Whether some random segment of logits bends the wrong way: f(middle) above the mean of f at both ends."""
    if loss.kind == "embedding":
        return embedding_segment_violates(loss, length, seed, segments)
    generator = torch.Generator().manual_seed(seed)
    classes = BOX if loss.kind == "box" else 2 + seed % 4
    for _ in range(segments):
        ends = torch.randn(2, 1, classes, generator=generator, dtype=torch.float64) * length
        if loss.kind == "box":
            ends = random_boxes(2, generator)[:, None]
        elif loss.kind == "mask":
            ends = random_scores(2, classes, generator, FEW)[:, None] * length
        elif loss.kind == "picture":
            ends = random_pictures(2, generator, FEW_PIXELS)[:, None] * length
        elif loss.kind == "number":
            ends = ends[:, :, 0]
        truth, batch = _truth(loss, 1, classes, generator), batch_of(1, classes)
        if loss.kind == "mask":
            truth = random_masks(1, classes, generator, FEW)
        elif loss.kind == "picture":
            truth = random_pictures(1, generator, FEW_PIXELS)
        low, high = (float(loss(end, truth, batch, None)) for end in ends)
        middle = float(loss(ends.mean(0), truth, batch, None))
        if middle > 0.5 * (low + high) + 1e-9 * (1 + abs(low) + abs(high)):
            return True
    return False


def _truth(loss: Loss, rows: int, classes: int, generator: torch.Generator) -> Tensor:
    if loss.kind == "box":
        return random_boxes(rows, generator)
    if loss.kind == "mask":
        return random_masks(rows, classes, generator)
    if loss.kind == "picture":
        return random_pictures(rows, generator)
    if loss.kind in RANKED:
        return random_answers(loss, rows, classes, generator)
    if loss.kind in ("multi", "dense"):
        there = (torch.rand(rows, classes, generator=generator) < 0.3).to(torch.float64)
        return there if loss.kind == "multi" else there * torch.rand(rows, classes, generator=generator)
    return torch.randint(0, classes, (rows,), generator=generator)


def _case(loss: Loss, rows: int = 7, classes: int = 4, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    output = torch.randn(rows, classes, generator=generator, dtype=torch.float64) * 2
    if loss.kind == "box":
        output = random_boxes(rows, generator)
    elif loss.kind == "mask":
        output = random_scores(rows, classes, generator) * 2
    elif loss.kind == "picture":
        output = random_pictures(rows, generator)
    elif loss.kind == "number":
        output = output[:, 0]
    return output, _truth(loss, rows, classes, generator)


def _describes_itself(loss: Loss, name: str) -> None:
    must(loss.name == name, f"name is {loss.name!r}; expected {name!r}, as in the entry point")
    for what in ("title", "source"):
        text = getattr(loss, what)
        must(isinstance(text, str) and bool(text.strip()), f"{what} is {text!r}; expected words")
    must(loss.kind in KINDS, f"kind is {loss.kind!r}; expected one of {', '.join(KINDS)}")
    for what in ("convex", "balanced"):
        must(type(getattr(loss, what)) is bool, f"{what} is {getattr(loss, what)!r}; expected True or False")


def _finite(loss: Loss) -> None:
    for kind in (torch.float32, torch.float64):
        for classes in (2, 100):
            for scale in (1.0, EXTREME):
                output, truth = _case(loss, rows=16, classes=classes)
                value, slope = slope_of(loss, (output * scale).to(kind), truth, batch_of(16, classes))
                met = f"{classes} classes, {kind}, logits of size {scale:g}"
                must(value.dtype == kind, f"{met}: value is {value.dtype}")
                must(bool(torch.isfinite(value)), f"{met}: value is {float(value)}")
                must(bool(torch.isfinite(slope).all()), f"{met}: the gradient is not finite")


def _derivative(loss: Loss) -> None:
    for progress in (0.0, 1.0):
        output, truth = _case(loss)
        batch = batch_of(7, 4, torch.linspace(0.5, 2, 7, dtype=torch.float64), progress)
        torch.autograd.gradcheck(lambda o, t=truth, b=batch: loss(o, t, b, None), output.requires_grad_(True))


def _weight(loss: Loss) -> None:
    output, truth = _case(loss)
    weight = torch.ones(7, dtype=torch.float64)
    weight[2], weight[5] = 2, 0
    rows = [0, 1, 2, 2, 3, 4, 6]
    weighted, _ = slope_of(loss, output, truth, batch_of(7, 4, weight))
    copied, _ = slope_of(loss, output[rows], truth[rows], batch_of(7, 4))
    must(torch.allclose(weighted, copied), f"{float(weighted):.6g} by weight, {float(copied):.6g} by copies")
    heavy, _ = slope_of(loss, output, truth, batch_of(7, 4, weight * 10))
    must(torch.allclose(weighted, heavy), "ten times all weights changes the value; expected a weighted mean")


def _order(loss: Loss) -> None:
    output, truth = _case(loss)
    weight = torch.linspace(0.5, 2, 7, dtype=torch.float64)
    turned = torch.tensor([3, 0, 6, 2, 5, 1, 4])
    value, slope = slope_of(loss, output, truth, batch_of(7, 4, weight))
    other, moved = slope_of(loss, output[turned], truth[turned], batch_of(7, 4, weight[turned]))
    must(torch.allclose(value, other), f"{float(value):.6g} became {float(other):.6g}")
    must(torch.allclose(slope[turned], moved), "the gradient does not follow the rows")


def _odd(loss: Loss) -> None:
    output, truth = _case(loss)
    same = torch.zeros_like(truth)
    rare = Batch(torch.ones(7, dtype=torch.float64), torch.tensor([9.0, 0.0, 5.0, 0.0], dtype=torch.float64))
    cases = {
        "one row": (output[:1], truth[:1], batch_of(1, 4)),
        "one class": (output, same, batch_of(7, 4)),
        "no weight": (output, truth, batch_of(7, 4, torch.zeros(7, dtype=torch.float64))),
        "classes never seen": (output, truth, rare),
        "the beginning": (output, truth, batch_of(7, 4, progress=0.0)),
        "all logits equal": (torch.zeros_like(output), truth, batch_of(7, 4)),
    }
    for met, case in cases.items():
        value, slope = slope_of(loss, *case)
        must(bool(torch.isfinite(value)) and bool(torch.isfinite(slope).all()), f"{met}: not finite")


def _pure(loss: Loss) -> None:
    output, truth = _case(loss)
    batch = batch_of(7, 4)
    before = [t.clone() for t in (output, truth, batch.weight, batch.class_counts)]
    values = {float(loss(output, truth, batch, None)) for _ in range(2)}
    must(len(values) == 1, f"two calls gave {sorted(values)}")
    after = (output, truth, batch.weight, batch.class_counts)
    must(all(torch.equal(a, b) for a, b in zip(before, after, strict=True)), "an input was overwritten")


def _toy(loss: Loss) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """90 points in 8 dimensions around three centres; with several labels, signs of three directions."""
    rng = np.random.default_rng(0)
    if loss.kind != "single":
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
    y = y if loss.kind == "single" else y.float()
    weight = torch.zeros(8, 3, requires_grad=True)
    optimiser = torch.optim.Adam([weight], lr=0.05)
    values = []
    for number in range(150):
        batch = Batch(torch.ones(90), torch.full((3,), 30.0), progress=number / 150)
        value = loss(x @ weight, y, batch, None)
        optimiser.zero_grad()
        torch.autograd.backward(value)
        optimiser.step()
        values.append(float(value.detach()))
    must(values[-1] < values[0], f"went from {values[0]:.4g} to {values[-1]:.4g}")
    hits = _hits(loss, (x @ weight).detach().numpy(), truth)
    must(hits > 0.9, f"finds {hits:.0%} of the classes of three separate clouds; expected over 90 %")


def _places(loss: Loss) -> None:
    output, truth = _case(loss, rows=40)
    value, _ = slope_of(loss, output, truth, batch_of(40, 4))
    empty = torch.full((500, 4), -40.0, dtype=torch.float64)
    more, _ = slope_of(
        loss, torch.cat([output, empty]), torch.cat([truth, torch.zeros_like(empty)]), batch_of(540, 4)
    )
    must(
        torch.allclose(value, more, rtol=1e-6),
        f"{float(value):.6g} became {float(more):.6g} with 500 more places; expected a sum over the mass of truth",
    )


def _direction(loss: Loss) -> None:
    output = torch.linspace(-4, 4, 9, dtype=torch.float64)[:, None].expand(-1, 4).contiguous()
    _, down = slope_of(loss, output, torch.zeros_like(output), batch_of(9, 4))
    must(bool((down > 0).all()), "an empty place is not pushed down")
    _, up = slope_of(loss, output, torch.ones_like(output), batch_of(9, 4))
    must(bool((up < 0).all()), "a place of quality 1 is not pushed up")


def _solves(loss: Loss) -> None:
    points, truth = _toy(loss)
    head = fit_head(Rotated(points, truth), loss, classes=3)
    logits = head.logits(points)
    must(bool(np.isfinite(logits).all()), "logits are not finite")
    hits = _hits(loss, logits, truth)
    must(hits > 0.9, f"the head is right for {hits:.0%}; expected over 90 %")


def _convex(loss: Loss) -> None:
    for seed, length in enumerate((0.3, 1.0, 3.0, 10.0, 30.0)):
        must(
            not random_segment_violates(loss, length, seed),
            f"a segment of logits of size {length:g} bends the other way; expected convex = False",
        )


def _entry(model: Model, name: str) -> None:
    must(model.name == name, f"name is {model.name!r}; expected {name!r}")
    for what in ("title", "source", "licence", "features"):
        text = getattr(model, what)
        must(isinstance(text, str) and bool(text.strip()), f"{what} is {text!r}; expected words")
    must(
        model.approach in APPROACHES,
        f"approach is {model.approach!r}; expected one of {', '.join(APPROACHES)}",
    )
    must(0 < model.size <= 1024, f"size is {model.size}; expected a side in pixels")
    must(model.size % model.multiple == 0, f"size {model.size} is no multiple of {model.multiple}")


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
    must(isinstance(outputs, tuple), f"forward gave {type(outputs).__name__}; expected a tuple")
    must(
        outputs[0].shape[1] == features.width, f"vector of {outputs[0].shape[1]}, width says {features.width}"
    )
    start, stop = model.columns
    end = features.width if stop is None else stop
    must(0 <= start < end <= features.width, f"columns {model.columns} of a vector of {features.width}")
    if features.map_width:
        pooled = outputs[1].mean((1, 2))
        near = torch.allclose(pooled, outputs[0][:, : features.map_width], rtol=1e-3, atol=1e-4)
        must(near, "the first entries of the vector are not the mean of the map")
    return tuple(output.numpy() for output in outputs)


def _vectors(model: Model, channels: int) -> None:
    images = _images(model, channels)
    vector = _in_torch(model, images, channels)[0]
    must(vector.dtype == np.float32 and vector.shape[0] == len(images), f"gave {vector.dtype} {vector.shape}")
    must(bool(np.isfinite(vector).all()), "not finite on noise, black, white or a ramp")
    if model.approach != "finetune":  # a network from nothing may see nothing yet
        must(not np.allclose(vector[0], vector[3]), "noise and a ramp give the same vector")
    floats = _in_torch(model, images.astype(np.float32), channels)[0]
    must(np.allclose(vector, floats, rtol=1e-4, atol=1e-5), "uint8 and float images of equal values differ")


def _export(model: Model, channels: int) -> None:
    images = _images(model, channels)
    torch.manual_seed(0)
    features = model.build(channels).eval()
    graph = fill(template(model, channels), dict(features.state_dict()))
    newest = opsets(graph).get("", 0)
    must(newest <= NEWEST_OPSET, f"opset {newest}; expected at most {NEWEST_OPSET}")
    network = Network(graph, threads=1, needs=("embedding",))
    with torch.inference_mode():
        expected = features(torch.from_numpy(images))[0].numpy()
    for batch in (images, images[:1]):
        met = network.outputs(batch, ("embedding",))["embedding"]
        apart = float(np.abs(met - expected[: len(batch)]).max()) / max(float(np.abs(expected).max()), 1e-6)
        must(apart < 1e-3, f"{len(batch)} images: vectors differ by {apart:.2%} of the largest entry")


def _independent(model: Model) -> None:
    images = _images(model, 3)
    together, again = _in_torch(model, images, 3)[0], _in_torch(model, images, 3)[0]
    alone = np.concatenate([_in_torch(model, images[i : i + 1], 3)[0] for i in range(len(images))])
    must(np.array_equal(together, again), "two runs differ")
    must(
        np.allclose(together, alone, rtol=1e-3, atol=1e-4), "an image's vector depends on the batch it is in"
    )


def _graph(model: Model) -> None:
    network = Network(template(model), threads=1, needs=("embedding",))
    vector = network.outputs(_images(model, 3), ("embedding",))["embedding"]
    must(
        vector.ndim == 2 and bool(np.isfinite(vector).all()),
        f"gave {vector.shape}, or values that are not finite",
    )
