"""What a child process of the race does on fixed features: weigh a model, extract, fit heads, judge views.

Imported by the fork server, so that every child begins with torch in memory. Each function takes `tell`, by which it
reports while it runs, and returns something small; arrays travel through files in the work folder.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from objectif.data.pixels import prepared
from objectif.health.inspect import inspect
from objectif.learn.export.cost import count
from objectif.learn.export.join import join
from objectif.learn.models import find_model
from objectif.learn.race.board import correct
from objectif.learn.race.candidate import Candidate
from objectif.learn.race.material import (
    BATCH,
    Material,
    Tell,
    extractor,
    head_of,
    material,
    out_of_fold,
    read_context,
    save,
)
from objectif.run.measure import measure
from objectif.run.memory import of_network
from objectif.run.network import Network as Runner
from objectif.tasks.classify import Decoding, decode


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
    entry = find_model(model)
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
            scores = out_of_fold(known, arrays, cache, candidate, seed)
        except Exception as error:  # a plug-in's loss may raise anything; the other losses go on
            tell({"candidate": candidate, "seed": seed, "failed": f"{type(error).__name__}: {error}"})
            continue
        target = folder / f"{candidate.id}-{seed}.npy".replace("/", "_").replace(":", "_")
        save(target, scores)
        tell({"candidate": candidate, "seed": seed, "scores": target, "seconds": time.monotonic() - started})
    return len(candidates)


def cost(*, context: Path, model: str, side: int, memory: bool, tell: Tell) -> dict[str, Any]:
    """What the exported file of a model costs on this machine: see board.Cost."""
    known = read_context(context)
    entry = find_model(model)
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
    columns = slice(*find_model(candidate.model).columns)
    arrays = {view: np.load(path, mmap_mode="r") for view, path in features.items()}
    shape = (len(known.dataset), len(known.dataset.classes))
    scores = {view: np.zeros(shape, np.float32) for view in arrays}
    for fold in range(known.plan.folds):
        data = material(known, arrays, known.plan.train(fold), False, find_model(candidate.model).columns)
        head = head_of(known, data, candidate.loss, seed)
        held = known.plan.held(fold)
        for view, array in arrays.items():
            logits = head.logits(np.asarray(array[held])[:, columns])
            scores[view][held] = decode(logits, Decoding(), known.dataset.multilabel)
    rows = known.plan.scored()
    right = {view: correct(known.truth()[rows], table[rows]) for view, table in scores.items()}
    gaps = {view: right["plain"] - ones for view, ones in right.items() if view != "plain"}
    return {view: (float(gap.mean()), float(gap.std() / np.sqrt(len(gap)))) for view, gap in gaps.items()}


def inspect_data(*, context: Path, target: Path, tell: Tell) -> int:
    """What the data check says -> target (JSON); returns the number of worries."""
    health = inspect(read_context(context).dataset)
    target.write_text(json.dumps(health.to_dict(), ensure_ascii=False, default=str), encoding="utf-8")
    return len(health.worries)
