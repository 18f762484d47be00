"""What a child process of the race does: extract features, fit heads, train one fold, probe speeds.

Imported by the fork server, so that every child begins with torch in memory. Each function takes `tell`, by which it
reports while it runs, and returns something small; arrays travel through files in the work folder.
"""

from __future__ import annotations

import json
import os
import pickle
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from objectif.data.pixels import prepared
from objectif.errors import ObjectifError, TrialError
from objectif.health.inspect import inspect
from objectif.learn.export.cost import count
from objectif.learn.export.join import join
from objectif.learn.export.quantise import quantise, sample
from objectif.learn.export.template import fill, template
from objectif.learn.fit.augment import Augment
from objectif.learn.fit.heads import Head, Rotated, fit_head
from objectif.learn.fit.tune import Labelled, Network, Schedule, start_head, tune
from objectif.learn.models import find
from objectif.learn.models.base import Model
from objectif.learn.race.board import correct
from objectif.learn.race.candidate import Candidate, Context
from objectif.plugins import load
from objectif.run.measure import measure
from objectif.run.memory import of_network
from objectif.run.network import Network as Runner
from objectif.tasks.classify import Decoding, decode

Tell = Callable[[Any], None]
BATCH = 16


def read_context(path: Path) -> Context:
    """The context as the solving process wrote it (a file of this run, made seconds ago by ourselves)."""
    with open(path, "rb") as file:
        context: Context = pickle.load(file)
    return context


def save(path: Path, array: NDArray[Any]) -> None:
    """Write an array whole or not at all."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    with os.fdopen(handle, "wb") as file:
        np.save(file, array)
    os.replace(temporary, path)


def turned(images: NDArray[Any], view: str) -> NDArray[Any]:
    """(n,H,W,C) images seen in another way: 'plain', 'mirror' (left-right), 'flip' (up-down), 'turn' (90 degrees)."""
    if view == "mirror":
        return np.ascontiguousarray(images[:, :, ::-1])
    if view == "flip":
        return np.ascontiguousarray(images[:, ::-1])
    if view == "turn":
        return np.ascontiguousarray(np.rot90(images, axes=(1, 2)))
    return images


def extract(
    *, context: Path, model: str, side: int, step: str, view: str, threads: int, target: Path, tell: Tell
) -> dict[str, float]:
    """Features of all images by the exported extractor -> target (N, D) float32; returns seconds per image."""
    known = read_context(context)
    entry = find(model)
    graph = extractor(known, entry, target.parent)
    network = Runner(graph, threads=threads, needs=("embedding",))
    preparation = known.preparation(side, step)
    rows = np.arange(len(known.dataset))
    started = time.monotonic()
    parts = []
    for start in range(0, len(rows), BATCH * 8):
        images = turned(prepared(known.dataset, rows[start : start + BATCH * 8], preparation), view)
        for place in range(0, len(images), BATCH):
            parts.append(network.outputs(images[place : place + BATCH], ("embedding",))["embedding"])
        tell({"done": min(start + BATCH * 8, len(rows)), "of": len(rows)})
    features = np.concatenate(parts).astype(np.float32)
    if not np.isfinite(features).all():
        raise ValueError(f"{model} gave features that are not finite")
    save(target, features)
    return {"seconds_per_image": (time.monotonic() - started) / max(1, len(rows)), "width": features.shape[1]}


def extractor(context: Context, model: Model, folder: Path) -> bytes:
    """The exported extractor with its own weights, ready to run; kept in the work folder."""
    path = folder / f"{model.features.replace('/', '_').replace(':', '_')}-{context.channels}.onnx"
    if path.exists():
        return path.read_bytes()
    graph = fill(template(model, context.channels, context.floating))
    temporary = path.with_suffix(f".{os.getpid()}.part")
    temporary.write_bytes(graph)
    os.replace(temporary, path)
    return graph


def heads(
    *,
    context: Path,
    features: dict[str, Path],
    candidates: list[tuple[Candidate, int]],
    folder: Path,
    tell: Tell,
) -> int:
    """Fit (candidate, seed) heads on features of one model; `tell` gets each one's out-of-fold scores file.

    features: view -> file; heads of candidates with views learn from all of them, and answer for 'plain'.
    """
    torch.set_num_threads(1)
    known = read_context(context)
    arrays = {view: np.load(path, mmap_mode="r") for view, path in features.items()}
    cache: dict[Any, Material] = {}
    for candidate, seed in candidates:
        started = time.monotonic()
        try:
            scores = _out_of_fold(known, arrays, cache, candidate, seed)
        except (ObjectifError, ValueError, ArithmeticError) as error:
            tell({"candidate": candidate, "seed": seed, "failed": str(error)})
            continue
        target = folder / f"{candidate.id}-{seed}.npy".replace("/", "_").replace(":", "_")
        save(target, scores)
        tell({"candidate": candidate, "seed": seed, "scores": target, "seconds": time.monotonic() - started})
    return len(candidates)


def _out_of_fold(
    known: Context,
    arrays: dict[str, NDArray[np.float32]],
    cache: dict[Any, Material],
    candidate: Candidate,
    seed: int,
) -> NDArray[np.float32]:
    """(n_scored, C) probabilities of each image by the head that has not seen it."""
    columns = find(candidate.model).columns
    scores = np.full((len(known.dataset), len(known.dataset.classes)), np.nan, np.float32)
    for fold in range(known.plan.folds):
        key = (fold, candidate.views, columns)
        if key not in cache:
            cache[key] = material(known, arrays, known.plan.train(fold), candidate.views, columns)
        held = known.plan.held(fold)
        head = head_of(known, cache[key], candidate.loss, seed)
        logits = head.logits(np.asarray(arrays["plain"][held])[:, slice(*columns)])
        scores[held] = decode(logits, Decoding(), known.dataset.multilabel)
    return scores[known.plan.scored()]


@dataclass
class Material:
    """Rows to fit heads on: rotated once, shared by all losses; `seeds` keeps one inner holdout for each seed."""

    rotated: Rotated
    seeds: dict[int, Rotated] = field(default_factory=dict)

    def of(self, seed: int) -> Rotated:
        """The same rotation with this seed's inner holdout."""
        if seed not in self.seeds:
            self.seeds[seed] = self.rotated.reseeded(seed)
        return self.seeds[seed]


def material(
    context: Context,
    arrays: dict[str, NDArray[np.float32]],
    rows: NDArray[np.int64],
    views: bool,
    columns: tuple[int, int | None],
) -> Material:
    """The training rows of `views` (or of the plain images alone) with all that a head needs to know."""
    chosen = list(arrays) if views else ["plain"]
    features = np.concatenate([np.asarray(arrays[view][rows])[:, slice(*columns)] for view in chosen])
    truth = np.concatenate([context.truth()[rows]] * len(chosen))
    weight = np.tile(context.weight()[rows], len(chosen)) / len(chosen)
    units = np.tile(context.units[rows], len(chosen))
    return Material(Rotated(features, truth, groups=units, weight=weight))


def head_of(context: Context, data: Material, loss: str, seed: int) -> Head:
    """Solve one head; the rotation of the features is shared by all losses and seeds."""
    return fit_head(data.of(seed), load("losses", loss), classes=len(context.dataset.classes))


def cost(*, context: Path, model: str, side: int, memory: bool, tell: Tell) -> dict[str, Any]:
    """What the exported file of a model costs on this machine: see board.Cost."""
    known = read_context(context)
    entry = find(model)
    graph = extractor(known, entry, known.work)
    shape = (side, side, known.channels)
    blank = np.zeros((1, *shape), np.float32 if known.floating else np.uint8)
    embedding = Runner(graph, threads=1, needs=("embedding",)).outputs(blank, ("embedding",))["embedding"]
    columns = embedding[:, slice(*entry.columns)].shape[1]
    classes = len(known.dataset.classes)
    empty = np.zeros((columns, classes), np.float32), np.zeros(classes, np.float32)
    network = join(graph, *empty, columns=entry.columns)
    params, macs = count(network, shape)
    return {
        "params": params,
        "macs": macs,
        "latency_ms": measure(Runner(network), shape, seconds=1.0),
        "size_mb": len(network) / 1e6,
        "memory_mb": of_network(network, shape) if memory else None,
    }


def judge_views(
    *, context: Path, features: dict[str, Path], candidate: Candidate, seed: int, tell: Tell
) -> dict[str, tuple[float, float]]:
    """How much accuracy falls when held-out images are seen another way: view -> (loss, its standard error).

    The heads have learned from plain images alone, so a view that keeps the class keeps the accuracy.
    """
    known = read_context(context)
    columns = slice(*find(candidate.model).columns)
    arrays = {view: np.load(path, mmap_mode="r") for view, path in features.items()}
    shape = (len(known.dataset), len(known.dataset.classes))
    scores = {view: np.zeros(shape, np.float32) for view in arrays}
    for fold in range(known.plan.folds):
        data = material(known, arrays, known.plan.train(fold), False, find(candidate.model).columns)
        head = head_of(known, data, candidate.loss, seed)
        held = known.plan.held(fold)
        for view, array in arrays.items():
            logits = head.logits(np.asarray(array[held])[:, columns])
            scores[view][held] = decode(logits, Decoding(), known.dataset.multilabel)
    rows = known.plan.scored()
    right = {view: correct(known.truth()[rows], table[rows]) for view, table in scores.items()}
    gaps = {view: right["plain"] - ones for view, ones in right.items() if view != "plain"}
    return {view: (float(gap.mean()), float(gap.std() / np.sqrt(len(gap)))) for view, gap in gaps.items()}


def probe(*, context: Path, model: str, side: int, loss: str, threads: int, tell: Tell) -> dict[str, Any]:
    """Seconds per training image with and without bfloat16, channels last or not; the fastest setting is kept."""
    torch.set_num_threads(threads)
    known = read_context(context)
    entry = find(model)
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


def _fresh(model: Model, context: Context, classes: int) -> Network:
    features = model.build(context.channels)
    start, stop = model.columns
    width = (features.width if stop is None else stop) - start
    return Network(features, model.columns, torch.nn.Linear(width, classes))


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
    entry = find(candidate.model)
    rows = known.plan.development() if fold is None else known.plan.train(fold)
    deadline = time.monotonic() + seconds
    network = _fresh(entry, known, len(known.dataset.classes))
    if features is not None:
        data = material(known, {"plain": np.load(features, mmap_mode="r")}, rows, False, entry.columns)
        solved = head_of(known, data, "bce" if known.dataset.multilabel else "cross_entropy", seed)
        network.head = start_head(solved.weight, solved.bias)
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
    graph = whole(known, entry, trained)
    _same_answers(graph, trained, labelled.images[:16], candidate.side, threads)
    target.with_suffix(".onnx").write_bytes(graph)
    if fold is not None:
        held = prepared(
            known.dataset, known.plan.held(fold), known.preparation(candidate.side, candidate.preparation)
        )
        logits = _logits(Runner(graph, threads=threads), held)
        save(target.with_suffix(".npy"), decode(logits, Decoding(), known.dataset.multilabel))
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


def shrink_heads(
    *,
    context: Path,
    candidate: Candidate,
    seed: int,
    features: dict[str, Path],
    target: Path,
    threads: int,
    tell: Tell,
) -> dict[str, Any]:
    """int8 of an extractor with heads solved on its int8 features -> target; and out-of-fold answers of both.

    Rounding moves the features a little; a head that was solved on them where they are now loses much less than one
    that was solved on the float features.
    """
    known = read_context(context)
    entry = find(candidate.model)
    preparation = known.preparation(candidate.side, candidate.preparation)
    development, scored = known.plan.development(), known.plan.scored()
    calibration = prepared(known.dataset, sample(development, known.truth()), preparation)
    small = quantise(extractor(known, entry, known.work), calibration)
    runner = Runner(small, threads=threads, needs=("embedding",))
    float_arrays = {view: np.load(path, mmap_mode="r") for view, path in features.items()}
    plain = np.array(float_arrays["plain"])
    for start in range(0, len(development), BATCH * 8):
        rows = development[start : start + BATCH * 8]
        images = prepared(known.dataset, rows, preparation)
        for place in range(0, len(images), BATCH):
            batch = images[place : place + BATCH]
            plain[rows[place : place + BATCH]] = runner.outputs(batch, ("embedding",))["embedding"]
    int8_arrays = {**float_arrays, "plain": plain}
    tables = {}
    for name, arrays in (("fp32", float_arrays), ("int8", int8_arrays)):
        tables[name] = _out_of_fold(known, arrays, {}, candidate, seed)
    head = head_of(
        known, material(known, int8_arrays, development, candidate.views, entry.columns), candidate.loss, seed
    )
    target.write_bytes(join(small, head.weight, head.bias, columns=entry.columns))
    return {"rows": scored, **tables}


def shrink_trained(
    *,
    context: Path,
    candidate: Candidate,
    source: Path,
    fold_network: Path,
    target: Path,
    threads: int,
    tell: Tell,
) -> dict[str, Any]:
    """int8 of a fine-tuned network -> target; and answers for the first fold by that fold's network, in both."""
    known = read_context(context)
    preparation = known.preparation(candidate.side, candidate.preparation)
    rows = sample(known.plan.development(), known.truth())
    target.write_bytes(quantise(source.read_bytes(), prepared(known.dataset, rows, preparation)))
    held = known.plan.held(0)
    images = prepared(known.dataset, held, preparation)
    inside = sample(known.plan.train(0), known.truth())
    full = fold_network.read_bytes()
    graphs = {"fp32": full, "int8": quantise(full, prepared(known.dataset, inside, preparation))}
    multi = known.dataset.multilabel
    tables = {
        n: decode(_logits(Runner(g, threads=threads), images), Decoding(), multi) for n, g in graphs.items()
    }
    return {"rows": held, **tables}


def _logits(runner: Runner, images: NDArray[Any]) -> NDArray[np.float32]:
    return np.concatenate([runner.scores(images[i : i + BATCH]) for i in range(0, len(images), BATCH)])


def inspect_data(*, context: Path, target: Path, tell: Tell) -> int:
    """What the data check says -> target (JSON); returns the number of worries."""
    health = inspect(read_context(context).dataset)
    target.write_text(json.dumps(health.to_dict(), ensure_ascii=False, default=str), encoding="utf-8")
    return len(health.worries)


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
