"""Training a Whole: AdamW, warm-up and cosine, clipped gradients, an average of the weights; or one solve. Knows no task.

What a batch looks like is the Learner's `view`, how it is judged the Whole's `objective`, which weights move how fast
its `rates`; parts that must not move keep their norms still by overriding `train`. An image's weight is how often it is
drawn: with equal weights every epoch is a permutation. The weights that leave are an exponential average over the last
steps: it steadies short runs, and lets a high rate be used to the end. All of it happens on a GPU where torch finds one;
the network comes back to where it is exported.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from objectif.errors import TrialError
from objectif.learn.losses.base import Batch, Loss
from objectif.learn.models.base import Learner, Whole, built

CLIP = 10.0
CHUNK = 16  # images that a network sees at once where nothing is learned
AVERAGE = 0.998
WARM, WATCHED = 3, 20  # steps that say nothing of the pace, and those that do
PROBE = 3  # steps that seconds_per_image measures, after one that warms up


@dataclass(frozen=True)
class Lesson:
    """What is to be learned, and for how long.

    images: (n,h,w,C) uint8, or float32 in 0..255; prepared, as large as `size` or a little larger.
    truth: (n,...) as the task gives it, in pixels of those images. weight: (n,) >= 0. size: (H, W) of the views.
    symmetries: of 'mirror', 'flip', 'turn', those that keep the truth. losses: one of each kind the Learner names.
    start: weights of the same network to go on from, at half the rate.
    noise: standard deviation of the noise that the images have, in levels of 0..255, where it is known. fresh: they do not
    have it yet, and each view gets its own.
    start: weights of the same network to go on from, at half the rate. columns: names of what is known beside pixels.
    fixed: (n, ...) what fixed() gives of the images, where that is known already.
    """

    images: NDArray[Any]
    truth: NDArray[np.floating[Any]]
    weight: NDArray[np.floating[Any]]
    classes: int
    size: tuple[int, int]
    epochs: int
    losses: tuple[Loss, ...] = ()
    batch: int | None = None
    seed: int = 0
    symmetries: tuple[str, ...] = ()
    threads: int = 1
    start: Mapping[str, Tensor] | None = None
    noise: float | None = None
    fresh: bool = False
    columns: tuple[str, ...] = ()
    fixed: NDArray[Any] | None = None


def train(
    learner: Learner,
    lesson: Lesson,
    *,
    channels: int = 3,
    deadline: float | None = None,
    least: float = 1.0,
    tell: Callable[[int, int, float], None] | None = None,
) -> Whole:
    """Train and return the averaged network in evaluation mode; equal lessons give equal networks on a CPU.

    deadline: time.monotonic() until which it may take. Where the machine turns out to be slower than was planned, the rest of
    the schedule is drawn together so that it ends in time, down to this share (least) of the planned steps; below that
    TrialError is raised, because a network cut short is not comparable.
    tell: called after each epoch with (epoch, epochs, mean objective).
    """
    torch.set_num_threads(lesson.threads)
    if learner.solved:
        return _solved(learner, lesson, channels).cpu().eval()
    network, optimiser = _start(learner, lesson, channels)
    averaged = copy.deepcopy(network)
    generator = np.random.default_rng(lesson.seed)
    counts = network.counts(lesson.truth, lesson.classes).to(device())
    steps = max(1, len(lesson.images) // _batch(learner, lesson))
    clock = _Clock(steps * lesson.epochs, least, deadline)
    for epoch in range(lesson.epochs):
        mean, seen = 0.0, 0
        for image, truth in _views(learner, lesson, generator, clock):
            total = clock.total()
            for group in optimiser.param_groups:
                group["lr"] = group["peak"] * _rate(clock.step, total)
            value = _step(network, optimiser, lesson, image, truth, counts, clock.step / total)
            if not math.isfinite(value):
                raise TrialError(f"diverged: the objective is {value} at step {clock.step} of {total}")
            clock.step += 1
            mean, seen = mean + value, seen + 1
            _average(averaged, network, min(AVERAGE, (1 + clock.step) / (10 + clock.step)))
            if clock.over():
                break
        if tell is not None and seen:
            tell(epoch + 1, lesson.epochs, mean / seen)
        if clock.over():
            break
    return averaged.cpu().eval()


def device() -> torch.device:
    """A GPU where torch finds one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


class _Clock:
    """Steps done and to do; fewer of these where time runs short.

    The pace is that of all steps but the first ones, which also open files and warm caches.
    """

    def __init__(self, planned: int, least: float, deadline: float | None) -> None:
        self.planned, self.left, self.deadline = planned, planned, deadline
        self.least = math.ceil(least * planned)
        self.step, self._began, self._skipped = 0, time.monotonic(), 0

    def total(self) -> int:
        """Steps of the whole training as it looks now; TrialError where fewer than the least fit."""
        now = time.monotonic()
        if self.deadline is None:
            return self.left
        if now > self.deadline:
            if self.step < self.least or not self.step:
                raise TrialError(f"out of time after step {self.step} of {self.planned}")
            self.left = self.step + 1
        elif self.step == WARM:
            self._began, self._skipped = now, WARM
        elif self.step >= WARM + WATCHED:
            pace = max(1e-9, now - self._began) / (self.step - self._skipped)
            fit = self.step + max(1, int((self.deadline - now) / pace))
            self.left = min(self.planned, max(self.least, fit))
        return self.left

    def over(self) -> bool:
        """Whether all steps are done."""
        return self.step >= self.left


def seconds_per_image(learner: Learner, lesson: Lesson, *, channels: int = 3) -> float:
    """Seconds that training takes for one image, measured on a few steps with lesson.threads threads.

    Of a network that is solved: without what fixed() takes where the lesson has that.
    """
    torch.set_num_threads(lesson.threads)
    if learner.solved:
        began = time.perf_counter()
        _solved(learner, lesson, channels)
        return (time.perf_counter() - began) / len(lesson.images)
    network, optimiser = _start(learner, lesson, channels)
    generator = np.random.default_rng(lesson.seed)
    counts = network.counts(lesson.truth, lesson.classes).to(device())
    rows = next(_epoch(learner, replace(lesson, epochs=1), generator))
    taken = []
    for _ in range(1 + PROBE):
        start = time.perf_counter()
        image, truth = _view(learner, lesson, rows, generator, 0.0)
        _step(network, optimiser, lesson, image, truth, counts, 0.0)
        taken.append(time.perf_counter() - start)
    return min(taken[1:]) / len(rows)


def _solved(learner: Learner, lesson: Lesson, channels: int) -> Whole:
    """A network that is fitted to all images at once."""
    torch.manual_seed(lesson.seed)
    network = built(learner, channels, lesson.classes, lesson.columns).to(device())
    images, truth = _plain(lesson.images, lesson.truth, lesson, learner)
    counts = network.counts(lesson.truth, lesson.classes).to(device())
    weight = torch.from_numpy(np.asarray(lesson.weight, np.float32)).to(counts.device)
    network.eval()
    seen = _fixed(network, images) if lesson.fixed is None else torch.from_numpy(lesson.fixed)
    batch = Batch(weight, counts, noise=lesson.noise)
    network.solve(seen.to(counts.device), truth.to(counts.device), lesson.losses, batch)
    return network


def fixed(learner: Learner, lesson: Lesson, channels: int) -> NDArray[Any]:
    """(n, ...) Lesson.fixed of its images, seen plainly: what does not change from one solve to the next."""
    torch.set_num_threads(lesson.threads)
    torch.manual_seed(lesson.seed)
    network = built(learner, channels, lesson.classes, lesson.columns).to(device()).eval()
    return _fixed(network, _plain(lesson.images, lesson.truth, lesson, learner)[0]).numpy()


@torch.no_grad()
def _fixed(network: Whole, images: Tensor) -> Tensor:
    """What fixed() gives, some images at a time."""
    starts = range(0, len(images), CHUNK)
    return torch.cat([network.fixed(images[k : k + CHUNK].to(device())).cpu() for k in starts])


def _batch(learner: Learner, lesson: Lesson) -> int:
    return min(lesson.batch or learner.batch, len(lesson.images))


def _start(learner: Learner, lesson: Lesson, channels: int) -> tuple[Whole, torch.optim.Optimizer]:
    """The network as it begins, and its optimiser."""
    torch.manual_seed(lesson.seed)
    network = built(learner, channels, lesson.classes, lesson.columns)
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    network.eval()
    if not learner.solved:  # it has all images at hand when it needs statistics
        few = slice(0, 4 * learner.batch)
        images, truth = _plain(lesson.images[few], lesson.truth[few], lesson, learner)
        with torch.no_grad():
            network.begin(images, truth)
    if lesson.start is not None:
        network.load_state_dict(lesson.start)
    network.to(device()).train()
    groups = []
    for group in network.rates():
        if group["params"]:
            peak = learner.rate * group.get("lr", 1.0) * (1.0 if lesson.start is None else 0.5)
            decay = learner.decay * group.get("weight_decay", 1.0)
            groups.append({"params": group["params"], "lr": peak, "peak": peak, "weight_decay": decay})
    return network, torch.optim.AdamW(groups)


def _plain(
    images: NDArray[Any], truth: NDArray[Any], lesson: Lesson, learner: Learner
) -> tuple[Tensor, Tensor]:
    """Views from the end of training, where they are as in use."""
    seen, told = learner.view(images, truth, lesson.size, np.random.default_rng(0), 1.0, ())
    seen = _noisy(seen, lesson, np.random.default_rng(1))
    return torch.from_numpy(seen), torch.from_numpy(np.asarray(told, np.float32))


def _noisy(seen: NDArray[Any], lesson: Lesson, generator: np.random.Generator) -> NDArray[Any]:
    """Views with noise of their own, where that is to come afresh."""
    if not lesson.fresh or lesson.noise is None:
        return seen
    noise = generator.standard_normal(seen.shape, np.float32) * np.float32(lesson.noise)
    return np.asarray(seen + noise, np.float32)


def _epoch(learner: Learner, lesson: Lesson, generator: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Rows of the batches of one epoch: each image as often as its weight says, in random order."""
    n, size = len(lesson.images), _batch(learner, lesson)
    share = np.cumsum(np.asarray(lesson.weight, np.float64))
    if not share[-1] > 0:
        raise TrialError("all weights are 0: there is nothing to learn from.")
    ticks = (np.arange(n) + generator.random()) * share[-1] / n
    rows = generator.permutation(np.searchsorted(share, ticks, side="right").clip(0, n - 1))
    for start in range(0, max(1, n // size) * size, size):
        yield rows[start : start + size]


def _views(
    learner: Learner, lesson: Lesson, generator: np.random.Generator, clock: _Clock
) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of one epoch; with several threads the next is made while the last is learned, always in one order."""
    batches, first = list(_epoch(learner, lesson, generator)), clock.step

    def made(number: int) -> tuple[Tensor, Tensor]:
        return _view(learner, lesson, batches[number], generator, min(1.0, (first + number) / clock.left))

    if lesson.threads == 1:
        yield from (made(number) for number in range(len(batches)))
        return
    with ThreadPoolExecutor(1) as pool:
        ahead: Future[tuple[Tensor, Tensor]] | None = None
        for number in range(len(batches)):
            coming = pool.submit(made, number)
            if ahead is not None:
                yield ahead.result()
            ahead = coming
        if ahead is not None:
            yield ahead.result()


def _view(
    learner: Learner, lesson: Lesson, rows: NDArray[np.int64], generator: np.random.Generator, progress: float
) -> tuple[Tensor, Tensor]:
    """Images and truth of one batch, as training sees them."""
    seen, told = learner.view(
        lesson.images[rows], lesson.truth[rows], lesson.size, generator, progress, lesson.symmetries
    )
    seen = _noisy(seen, lesson, generator)
    return torch.from_numpy(seen), torch.from_numpy(np.asarray(told, np.float32))


def _step(
    network: Whole,
    optimiser: torch.optim.Optimizer,
    lesson: Lesson,
    image: Tensor,
    truth: Tensor,
    counts: Tensor,
    progress: float,
) -> float:
    image, truth = image.to(counts.device), truth.to(counts.device)
    batch = Batch(torch.ones(len(image), device=counts.device), counts, progress, noise=lesson.noise)
    value = network.objective(image, truth, lesson.losses, batch)
    optimiser.zero_grad(set_to_none=True)
    value.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_([p for g in optimiser.param_groups for p in g["params"]], CLIP)
    optimiser.step()
    return float(value.detach())


def _rate(step: int, total: int) -> float:
    """Share of the peak rate: warm-up over a twentieth, then a cosine down to a hundredth."""
    warm = max(1, min(200, total // 20))
    if step < warm:
        return (step + 1) / warm
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm)))


@torch.no_grad()
def _average(averaged: nn.Module, network: nn.Module, keep: float) -> None:
    """Move the average a step towards the network; running statistics of norms too."""
    for mean, now in zip(averaged.state_dict().values(), network.state_dict().values(), strict=True):
        if mean.dtype.is_floating_point:
            mean.lerp_(now, 1 - keep)
        else:
            mean.copy_(now)
