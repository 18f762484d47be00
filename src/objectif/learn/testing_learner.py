"""The contract of a Learner: it describes itself, views, answers, learns, repeats itself, and exports what it is.

Each task gives a problem made up for it, small enough that a few epochs take a second on one core; a Learner of any
name is tried on the problem of its task.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from objectif import plugins, tasks
from objectif.learn.export.whole import export_whole
from objectif.learn.fit.train import Lesson, seconds_per_image, train
from objectif.learn.losses.base import Batch
from objectif.learn.models.base import Learner, Whole, built
from objectif.learn.testing_steps import Step, must
from objectif.metrics.maps import SIDE
from objectif.metrics.masks import VOID, classes_of
from objectif.run.check import NEWEST_OPSET
from objectif.run.network import Network
from objectif.run.opset import opsets

CLASSES = 2
STAGES = 3
IMAGES = 8
EPOCHS = 12
APPROACHES = ("classical", "frozen", "finetune")


def learner_steps(learner: Learner, name: str) -> list[Step]:
    """The checks, in order; of one that cannot be built here its description alone, and why."""
    described = partial(_describes_itself, learner, name)
    steps: list[Step] = [("describes itself", described, "name, title, source, licence, task, sizes, losses")]
    missing = learner.available()
    if missing is not None:
        return [*steps, ("built", lambda: None, f"not here: {missing}")]
    fitted: list[Step] = [
        (
            "objective",
            partial(_objective, learner),
            "finite, also where nothing is there, with finite gradients",
        ),
        ("export", partial(_export, learner), "onnxruntime agrees to 0.1 %"),
        ("learns", partial(_learns, learner), "a few epochs lower the objective; twice the same by seed"),
    ]
    if learner.solved:
        fitted = [
            ("export", partial(_export, learner), "onnxruntime agrees to 0.1 %"),
            ("solves", partial(_solves, learner), "twice the same by seed; its export agrees to 0.1 %"),
        ]
    return [
        *steps,
        ("views", partial(_views, learner), "of the size asked for, truth inside, the same by seed"),
        (
            "answers",
            partial(_answers, learner),
            "one and three channels, bytes and floats, images independent",
        ),
        *fitted,
    ]


def _detect(channels: int, size: tuple[int, int]) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Bright and dark rectangles on noise; the last image has none, and an object is to be ignored."""
    rng = np.random.default_rng(0)
    images = rng.integers(90, 130, (IMAGES, *size, channels), dtype=np.uint8)
    truth = np.zeros((IMAGES, 2, 6))
    truth[:, :, 4] = -1
    for row in range(IMAGES - 1):
        for number in range(2):
            width, height = rng.integers(16, 40, 2)
            x, y = rng.integers(0, size[1] - width), rng.integers(0, size[0] - height)
            images[row, y : y + height, x : x + width] = 230 if number else 20
            truth[row, number] = [x, y, x + width, y + height, number, 0]
    truth[0, 0, 5] = 1
    return images, truth


def _segment(channels: int, size: tuple[int, int]) -> tuple[NDArray[np.uint8], NDArray[np.uint32]]:
    """Bright rectangles on noise are objects of class 1, a dark one is background as the noise is.

    The last image has no object; part of the first is open.
    """
    rng = np.random.default_rng(0)
    images = rng.integers(90, 130, (IMAGES, *size, channels), dtype=np.uint8)
    truth = np.zeros((IMAGES, *size), np.uint32)
    for row in range(IMAGES):
        for number in range(3 if row < IMAGES - 1 else 1):
            width, height = rng.integers(16, 40, 2)
            x, y = rng.integers(0, size[1] - width), rng.integers(0, size[0] - height)
            there = (row, slice(y, y + height), slice(x, x + width))
            images[there] = 230 if number else 20
            truth[there] = 1 + 256 * number if number else 0
    truth[0, : size[0] // 4] = VOID
    return images, truth


def _anomaly(channels: int, size: tuple[int, int]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Noise is good; a bright rectangle, in the last two, is a defect."""
    rng = np.random.default_rng(0)
    images = rng.integers(90, 130, (IMAGES, *size, channels), dtype=np.uint8)
    truth = np.zeros((IMAGES, SIDE + 1, SIDE), np.uint8)
    images[-2:, 10:30, 20:50] = 230
    truth[-2:, -1] = 1
    return images, truth


def _restore(channels: int, size: tuple[int, int]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Rectangles on a ramp, with noise of 20 levels; the last picture is of one level. Truth: clean, then given."""
    rng = np.random.default_rng(0)
    clean = np.empty((IMAGES, *size, channels))
    clean[:] = 60 + 100 * np.linspace(0, 1, size[1])[:, None]
    clean[-1] = 128
    for row in range(IMAGES - 1):
        for level in (30, 220):
            y, x = (int(rng.integers(0, side - 16)) for side in size)
            clean[row, y : y + 16, x : x + 16] = level
    given = np.clip(np.rint(clean + rng.normal(0, 20, clean.shape)), 0, 255).astype(np.uint8)
    return given, np.concatenate([clean, given], axis=3).astype(np.float32)


def _identify(channels: int, size: tuple[int, int]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Two subjects with four pictures each: a bright rectangle high or low, at another place and in another light each."""
    rng = np.random.default_rng(0)
    images = rng.integers(90, 130, (IMAGES, *size, channels), dtype=np.uint8)
    truth = np.zeros((IMAGES, 1, 2), np.int64)
    for row in range(IMAGES):
        number = row % CLASSES
        y, x = number * size[0] // 2 + rng.integers(0, 8), rng.integers(0, size[1] // 2)
        images[row, y : y + size[0] // 3, x : x + 24] = rng.integers(180, 240)
        truth[row, 0, 0] = number
    return images, truth


def _regress(channels: int, size: tuple[int, int]) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Gray pictures, the lighter the higher the stage or number; four subjects; what is known is the number again."""
    rng = np.random.default_rng(0)
    stage = np.arange(IMAGES) % STAGES
    images = 40 + 60 * stage[:, None, None, None] + rng.integers(0, 20, (IMAGES, *size, channels))
    return images.astype(np.uint8), np.column_stack([stage, np.arange(IMAGES) // 2, stage]).astype(float)


CLASSES_OF = {"regress": STAGES}
"""Of the problems that have another number of classes."""
COLUMNS_OF: dict[str, tuple[str, ...]] = {"regress": ("day",)}
"""Of the problems in which something is known beside the picture."""

PROBLEMS: dict[str, Callable[[int, tuple[int, int]], tuple[NDArray[np.uint8], NDArray[Any]]]] = {
    "detect": _detect,
    "segment": _segment,
    "anomaly": _anomaly,
    "restore": _restore,
    "identify": _identify,
    "regress": _regress,
}


def _size(learner: Learner) -> tuple[int, int]:
    """Not square, so that height and width cannot be taken for each other."""
    unit = learner.multiple * max(1, round(64 / learner.multiple))
    return unit, unit + learner.multiple * max(1, round(32 / learner.multiple))


def _lesson(learner: Learner, epochs: int, channels: int = 3) -> Lesson:
    size = _size(learner)
    images, truth = PROBLEMS[learner.task](channels, size)
    losses = tuple(plugins.load("losses", name) for name in learner.usual)
    symmetries = ("mirror", "flip", "turn")
    weight = np.ones(IMAGES)
    classes = CLASSES_OF.get(learner.task, CLASSES)
    return Lesson(
        images,
        truth,
        weight,
        classes,
        size,
        epochs,
        losses,
        symmetries=symmetries,
        batch=4,
        columns=COLUMNS_OF.get(learner.task, ()),
    )


def _describes_itself(learner: Learner, name: str) -> None:
    must(learner.name == name, f"name is {learner.name!r}; expected {name!r}")
    for what in ("title", "source", "licence"):
        text = getattr(learner, what)
        must(isinstance(text, str) and bool(text.strip()), f"{what} is {text!r}; expected words")
    must(learner.approach in APPROACHES, f"approach is {learner.approach!r}; expected one of {APPROACHES}")
    must(learner.task in tasks.NAMES, f"task is {learner.task!r}; expected one of {tasks.NAMES}")
    must(learner.task in PROBLEMS, f"there is no problem to try {learner.task!r} on")
    fits = learner.sizes and all(side > 0 and side % learner.multiple == 0 for side in learner.sizes)
    must(bool(fits), f"sizes {learner.sizes}: expected multiples of {learner.multiple}")
    must(list(learner.sizes) == sorted(learner.sizes), f"sizes {learner.sizes}: expected the cheapest first")
    must(1 <= learner.epochs[0] <= learner.epochs[1], f"epochs are {learner.epochs}; expected fewest, most")
    kinds = tuple(plugins.load("losses", loss).kind for loss in learner.usual)
    must(kinds == learner.losses, f"usual losses are of kinds {kinds}; expected {learner.losses}")


def _built(learner: Learner, channels: int = 3) -> Whole:
    torch.manual_seed(0)
    classes, columns = CLASSES_OF.get(learner.task, CLASSES), COLUMNS_OF.get(learner.task, ())
    return built(learner, channels, classes, columns).eval()


def _views(learner: Learner) -> None:
    lesson = _lesson(learner, 1)
    height, width = larger = lesson.size[0] + learner.multiple, lesson.size[1]
    for progress in (0.0, 1.0):
        for size in (lesson.size, larger):
            again = [
                learner.view(
                    lesson.images,
                    lesson.truth,
                    size,
                    np.random.default_rng(1),
                    progress,
                    lesson.symmetries,
                )
                for _ in range(2)
            ]
            seen, truth = again[0]
            must(seen.shape == (IMAGES, *size, 3), f"views are {seen.shape}; asked for {(IMAGES, *size, 3)}")
            must(seen.dtype == lesson.images.dtype, f"views of {lesson.images.dtype} are {seen.dtype}")
            must(
                len(truth) == IMAGES and bool(np.isfinite(truth).all()),
                "truth of another number, or not finite",
            )
            same = np.array_equal(seen, again[1][0]) and np.array_equal(truth, again[1][1])
            must(same, "the same generator gives other views")
            if learner.task == "segment":
                _mask(truth, size)
    single = learner.view(
        lesson.images[:1, ..., :1], lesson.truth[:1], (height, width), np.random.default_rng(1), 0.5, ()
    )
    must(single[0].shape == (1, height, width, 1), f"one image of one channel gives {single[0].shape}")
    floats = lesson.images.astype(np.float32)
    seen = learner.view(floats, lesson.truth, lesson.size, np.random.default_rng(1), 0.5, ())[0]
    must(seen.dtype == np.float32 and float(seen.max()) <= 255.5, "float views are not floats in 0..255")


def _mask(truth: NDArray[Any], size: tuple[int, int]) -> None:
    """Masks (n,H,W) in any type that holds their whole numbers."""
    must(truth.shape == (IMAGES, *size), f"masks are {truth.shape}; asked for {(IMAGES, *size)}")
    whole = truth.astype(np.uint32)
    must(np.array_equal(whole, truth), "masks are not whole numbers; was something made smooth?")
    met = set(np.unique(classes_of(whole)).tolist())
    must(met <= {*range(CLASSES), VOID}, f"masks hold classes {sorted(met)}; expected 0, 1 and {VOID}")
    must(set(np.unique(whole[-1]).tolist()) <= {0, VOID}, "the view of an empty image has an object")


def _answers(learner: Learner) -> None:
    wanted = tasks.find(learner.task).outputs
    for channels in (3, 1):
        images = _lesson(learner, 1, channels).images
        network = _built(learner, channels)
        given = tuple(dict.fromkeys((*wanted, "embedding")))
        must(
            network.outputs in (given, (*given, "map")),
            f"outputs are {network.outputs}; expected {given}, perhaps with a map behind",
        )
        with torch.inference_mode():
            side = _side(network)
            together = network(torch.from_numpy(images), *side)
            floats = network(torch.from_numpy(images.astype(np.float32)), *side)
            alone = network(torch.from_numpy(images[2:3]), *(s[2:3] for s in side))
        must(len(together) == len(network.outputs), f"gives {len(together)} outputs")
        for name, value, other, one in zip(network.outputs, together, floats, alone, strict=True):
            must(
                len(value) == IMAGES and bool(torch.isfinite(value).all()),
                f"{name}: {value.shape}, or not finite",
            )
            must(_near(value, other), f"{name}: uint8 and float images of equal values differ")
            must(_near(value[2:3], one), f"{name}: an image's answer depends on the batch it is in")
        embedding = together[network.outputs.index("embedding")]
        must(embedding.ndim == 2, f"embedding is {tuple(embedding.shape)}; expected (N, D)")
        if "scores" in wanted:
            scores = together[network.outputs.index("scores")]
            must(scores.shape[-1] == CLASSES, f"scores are {tuple(scores.shape)}; expected {CLASSES} last")
        if learner.task == "restore":
            same = together[0].shape == images.shape
            must(same, f"picture is {tuple(together[0].shape)}; expected {images.shape}")
        if learner.task == "segment":
            _grids(dict(zip(network.outputs, together, strict=True)), images.shape[1:3])


def _grids(given: dict[str, torch.Tensor], size: tuple[int, ...]) -> None:
    """Scores (n,h,w,C) and distance (n,h,w,1) on one grid, which is the picture's or a whole fraction of it."""
    scores, distance = given["scores"].shape, given["distance"].shape
    must(len(scores) == 4, f"scores are {tuple(scores)}; expected (n, h, w, {CLASSES})")
    must(distance == (*scores[:3], 1), f"distance is {tuple(distance)}; expected {(*scores[:3], 1)}")
    steps = {side // max(1, cells) for side, cells in zip(size, scores[1:3], strict=True)}
    whole = all(cells and side % cells == 0 for side, cells in zip(size, scores[1:3], strict=True))
    must(whole and len(steps) == 1, f"a grid of {tuple(scores[1:3])} for {size}; expected one whole fraction")


def _side(network: Whole) -> tuple[torch.Tensor, ...]:
    """What is known beside the pictures, where the network takes that."""
    if not network.columns:
        return ()
    return (torch.linspace(0, 2, IMAGES)[:, None].expand(-1, len(network.columns)).contiguous(),)


def _near(a: torch.Tensor, b: torch.Tensor) -> bool:
    return float((a - b).abs().max()) <= 1e-3 * max(1.0, float(a.abs().max()))


def _told(lesson: Lesson) -> torch.Tensor:
    """Truth as the training loop hands it on."""
    return torch.from_numpy(lesson.truth.astype(np.float32))


def _objective(learner: Learner) -> None:
    lesson = _lesson(learner, 1)
    image, truth = torch.from_numpy(lesson.images), _told(lesson)
    network = _built(learner)
    with torch.no_grad():
        network.begin(image, truth)
    network.train()
    counts = network.counts(lesson.truth, lesson.classes)
    must(counts.shape == (lesson.classes,), f"counts are {tuple(counts.shape)}; expected ({lesson.classes},)")
    for rows in (slice(0, 4), slice(IMAGES - 1, IMAGES)):
        given = Batch(torch.ones(len(image[rows])), counts, 0.5)
        value = network.objective(image[rows], truth[rows], lesson.losses, given)
        must(
            value.ndim == 0 and bool(torch.isfinite(value)),
            f"objective is {value}; expected one finite number",
        )
        torch.autograd.backward(value)
    slopes = [p.grad for p in network.parameters() if p.grad is not None]
    must(
        bool(slopes) and all(bool(torch.isfinite(g).all()) for g in slopes),
        "gradients are missing or not finite",
    )
    moving = [p for group in network.rates() for p in group["params"]]
    must(len({id(p) for p in moving}) == len(moving) > 0, "rates: a parameter twice, or none at all")


def _export(learner: Learner) -> None:
    lesson = _lesson(learner, 1)
    network = _built(learner)
    graph = export_whole(network, lesson.size)
    newest = opsets(graph).get("", 0)
    must(newest <= NEWEST_OPSET, f"opset {newest}; expected at most {NEWEST_OPSET}")
    runner = Network(graph, threads=1, needs=network.outputs)
    with torch.inference_mode():
        side = _side(network)
        expected = network(torch.from_numpy(lesson.images), *side)
    if tasks.find(learner.task).fit == "keep":
        odd = lesson.images[:2, 3:, 5:]  # sides that nothing divides
        with torch.inference_mode():
            near = _near(
                network(torch.from_numpy(odd.copy()))[0],
                torch.from_numpy(runner.outputs(odd)[network.outputs[0]]),
            )
        must(near, "a picture of another size: the export differs")
    for images in (lesson.images, lesson.images[:1]):
        met = runner.outputs(images, columns=side[0].numpy()[: len(images)] if side else None)
        for name, value in zip(network.outputs, expected, strict=True):
            near = _near(value[: len(images)], torch.from_numpy(met[name]))
            must(near, f"{name} of {len(images)} images: the export differs")


def _solves(learner: Learner) -> None:
    """Of a Learner that is fitted at once."""
    lesson = _lesson(learner, 1)
    one, other = (train(learner, lesson) for _ in range(2))
    must(not one.training, "the network is still in training mode")
    before, after = one.state_dict(), other.state_dict()
    must(all(torch.equal(before[key], after[key]) for key in before), "two networks with one seed differ")
    runner = Network(export_whole(one, lesson.size), threads=1, needs=one.outputs)
    side = _side(one)
    met = runner.outputs(lesson.images, columns=side[0].numpy() if side else None)
    with torch.inference_mode():
        expected = one(torch.from_numpy(lesson.images), *side)
    for name, value in zip(one.outputs, expected, strict=True):
        must(bool(torch.isfinite(value).all()), f"{name} is not finite")
        must(_near(value, torch.from_numpy(met[name])), f"{name}: the export differs")
    speed = seconds_per_image(learner, lesson)
    must(0 < speed < 60, f"seconds_per_image gives {speed}")


def _judged(learner: Learner, network: Whole) -> float:
    """The objective on the images as they are."""
    lesson = _lesson(learner, 1)
    given = Batch(torch.ones(IMAGES), network.counts(lesson.truth, lesson.classes))
    with torch.no_grad():
        image, truth = torch.from_numpy(lesson.images), _told(lesson)
        return float(network.eval().objective(image, truth, lesson.losses, given))


def _learns(learner: Learner) -> None:
    said: list[tuple[int, int]] = []
    network = train(learner, _lesson(learner, EPOCHS), tell=lambda epoch, of, value: said.append((epoch, of)))
    wanted = [] if learner.solved else [(e + 1, EPOCHS) for e in range(EPOCHS)]
    must(said == wanted, f"told of epochs {said}")
    must(not network.training, "the trained network is still in training mode")
    first, last = _judged(learner, _built(learner)), _judged(learner, network)
    must(last < first, f"the objective went from {first:.4g} to {last:.4g}")
    one, other = (train(learner, _lesson(learner, 1)).state_dict() for _ in range(2))
    must(all(torch.equal(one[key], other[key]) for key in one), "two trainings with one seed differ")
    speed = seconds_per_image(learner, _lesson(learner, 1))
    must(0 < speed < 60, f"seconds_per_image gives {speed}")
