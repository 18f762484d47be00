"""What a child process does to fine-tune: probe the speed of training, train a fold, export, answer by the export."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from objectif.data.pixels import prepared
from objectif.errors import TrialError
from objectif.learn.export.join import join
from objectif.learn.export.template import fill, template
from objectif.learn.fit.augment import Augment
from objectif.learn.fit.tune import Labelled, Network, Schedule, start_head, tune
from objectif.learn.models import find_model
from objectif.learn.models.base import Model
from objectif.learn.race.candidate import Candidate, Context
from objectif.learn.race.material import (
    Tell,
    head_of,
    logits,
    material,
    read_context,
    save,
)
from objectif.plugins import load
from objectif.run.network import Network as Runner
from objectif.tasks.classify import Decoding, decode


def probe(*, context: Path, model: str, side: int, loss: str, threads: int, tell: Tell) -> dict[str, Any]:
    """Seconds per training image with and without bfloat16, channels last or not; the fastest setting is kept."""
    torch.set_num_threads(threads)
    known = read_context(context)
    entry = find_model(model)
    classes = len(known.dataset.classes)
    images = torch.randint(0, 255, (32, side, side, known.channels), dtype=torch.uint8)
    truth = torch.randint(0, classes, (32,))
    if known.dataset.multilabel:
        truth = torch.nn.functional.one_hot(truth, classes).float()
    found = []
    for low_precision in (False, True):
        for channels_last in (False, True):
            network = _fresh(entry, known, classes)
            if channels_last:
                _channels_last(network)
            data = Labelled(images, truth, torch.ones(32), classes)
            schedule = Schedule(epochs=1, side=side, batch=16, low_precision=low_precision)
            tune(
                network,
                data,
                load("losses", loss),
                Schedule(1, side, 32, low_precision=low_precision),
                Augment(),
            )
            started = time.monotonic()
            tune(network, data, load("losses", loss), schedule, Augment())
            found.append(((time.monotonic() - started) / 32, low_precision, channels_last))
            tell({"seconds_per_image": found[-1][0]})
    best = min(found)
    return {"seconds_per_image": best[0], "low_precision": best[1], "channels_last": best[2]}


def _channels_last(network: Network) -> None:
    """Store the weights of convolutions with channels innermost; some machines are quicker so."""
    for parameter in network.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.to(memory_format=torch.channels_last)


def device() -> torch.device:
    """A GPU where torch finds one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _fresh(model: Model, context: Context, classes: int) -> Network:
    features = model.build(context.channels)
    start, stop = model.columns
    width = (features.width if stop is None else stop) - start
    return Network(features, model.columns, torch.nn.Linear(width, classes)).to(device())


def train(
    *,
    context: Path,
    candidate: Candidate,
    fold: int | None,
    seed: int,
    augment: Augment,
    speed: dict[str, Any],
    features: Path | None,
    threads: int,
    seconds: float,
    target: Path,
    tell: Tell,
) -> dict[str, Any]:
    """Fine-tune on the training images of a fold (None: on all development images); export, and answer by the export.

    features: file of the untouched extractor's features; the head starts from the solution on them.
    Writes target.onnx (the whole network) and, for a fold, target.npy: (held out, C) probabilities.
    """
    torch.set_num_threads(threads)
    known = read_context(context)
    entry = find_model(candidate.model)
    rows = known.plan.development() if fold is None else known.plan.train(fold)
    deadline = time.monotonic() + seconds
    network = _fresh(entry, known, len(known.dataset.classes))
    if features is not None:
        data = material(known, {"plain": np.load(features, mmap_mode="r")}, rows, False, entry.columns)
        solved = head_of(known, data, "bce" if known.dataset.multilabel else "cross_entropy", seed)
        network.head = start_head(solved.weight, solved.bias).to(device())
    if speed.get("channels_last"):
        _channels_last(network)
    schedule = Schedule(candidate.epochs, candidate.side, low_precision=bool(speed.get("low_precision")))
    images = training_images(known, candidate)
    labelled = Labelled(
        torch.from_numpy(images[rows]),
        torch.from_numpy(known.truth()[rows]).to(torch.float32 if known.dataset.multilabel else torch.int64),
        torch.from_numpy(known.weight()[rows]),
        len(known.dataset.classes),
    )
    started = time.monotonic()
    trained = tune(
        network,
        labelled,
        load("losses", candidate.loss),
        schedule,
        augment,
        seed=seed,
        deadline=deadline,
        tell=lambda epoch, epochs, value: tell({"epoch": epoch, "of": epochs, "loss": value}),
    )
    trained = trained.cpu()
    graph = whole(known, entry, trained)
    _same_answers(graph, trained, labelled.images[:16], candidate.side, threads)
    target.with_suffix(".onnx").write_bytes(graph)
    if fold is not None:
        held = prepared(
            known.dataset, known.plan.held(fold), known.preparation(candidate.side, candidate.preparation)
        )
        answers = logits(Runner(graph, threads=threads), held)
        save(target.with_suffix(".npy"), decode(answers, Decoding(), known.dataset.multilabel))
    return {"seconds": time.monotonic() - started}


def _same_answers(graph: bytes, trained: Network, images: torch.Tensor, side: int, threads: int) -> None:
    """The export must answer as the trained network does; TrialError where it does not."""
    views = Augment(zoom=(1.0, 1.0), tilt=0.0, light=0.0)(images, side, torch.Generator()).round()
    batch = views if images.is_floating_point() else views.to(torch.uint8)
    with torch.inference_mode():
        expected = trained(batch).float().softmax(1).numpy()
    logits = Runner(graph, threads=threads).scores(batch.numpy())
    gap = float(np.abs(decode(logits, Decoding(), False) - expected).max())
    if not gap < 1e-2:
        raise TrialError(f"the exported network answers otherwise than the trained one (by {gap:.3f})")


def training_images(context: Context, candidate: Candidate) -> NDArray[Any]:
    """(N,H,W,C) images to cut training views from, a little larger than the view; made once, then read from disk."""
    side = round(candidate.side * 1.15)
    path = context.work / f"images-{side}-{candidate.preparation}.npy"
    if not path.exists():
        everything = np.arange(len(context.dataset))
        save(path, prepared(context.dataset, everything, context.preparation(side, candidate.preparation)))
    array: NDArray[Any] = np.load(path, mmap_mode="r")
    return array


def whole(context: Context, model: Model, trained: Network) -> bytes:
    """A trained network as ONNX: the traced extractor with the trained weights, joined to the trained head."""
    graph = fill(template(model, context.channels, context.floating), dict(trained.features.state_dict()))
    weight = trained.head.weight.detach().float().numpy().T
    bias = trained.head.bias.detach().float().numpy()
    return join(graph, weight, bias, columns=model.columns)
