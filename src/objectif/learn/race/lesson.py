"""What a child process does with a Learner: weigh it, time it, train it on a fold, answer by its export, judge views."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from objectif.data.pixels import placed
from objectif.errors import TrialError
from objectif.images.prepare import Placement, Preparation
from objectif.learn.export.cost import count
from objectif.learn.export.whole import export_whole
from objectif.learn.fit.train import Lesson, fixed, seconds_per_image, train
from objectif.learn.models import find_learner
from objectif.learn.models.base import Learner, Whole, built
from objectif.learn.race.answering import crossed, read_decoding, write_decoding
from objectif.learn.race.candidate import AGAIN, Candidate, Context
from objectif.learn.race.material import Tell, read_context, save
from objectif.learn.race.patches import fresh, patches
from objectif.learn.race.work import turned
from objectif.metrics.catalog import metric
from objectif.plugins import load
from objectif.run.measure import measure
from objectif.run.memory import of_network
from objectif.run.network import Network as Runner
from objectif.runs.entry import NO_LOSS

MARGIN = 1.25
"""Training images are kept this much larger than the network's input, so that a closer view is still sharp."""
GATED, GATE = 16, 1e-3
"""Images on which an export is compared with what was solved, and what it may differ by, of an output's greatest number."""
TIMED = 24  # images in a measurement of speed


def weigh(*, context: Path, model: str, side: int, memory: bool, tell: Tell) -> dict[str, Any]:
    """What the exported file of a Learner costs on this machine: see board.Cost."""
    known, learner = read_context(context), find_learner(model)
    network = built(learner, known.channels, len(known.dataset.classes), known.dataset.columns).eval()
    size = known.size(side)
    try:
        graph = export_whole(network, size, known.channels, known.floating)
    except Exception as error:  # of the exporter: what cannot ship is not trained
        said = next(iter(str(error).strip().splitlines()), type(error).__name__)[:160]
        raise TrialError(f"{model} cannot be exported to ONNX ({said}); name another model") from error
    shape = (*known.run_size(side), known.channels)
    filters = any(t.ndim == 4 for t in (*network.parameters(), *network.buffers()))
    fixed = graph
    if network.any_size and filters:  # sides that are free cannot be counted
        fixed = export_whole(network, shape[:2], known.channels, known.floating, free=False)
    params, macs = count(fixed, shape)
    runner = Runner(graph, needs=known.task.outputs)
    return {
        "params": params,
        "macs": macs,
        "latency_ms": measure(runner, shape, seconds=1.0),
        "size_mb": len(graph) / 1e6,
        "memory_mb": of_network(graph, shape) if memory else None,
    }


def pace(*, context: Path, candidate: Candidate, threads: int, tell: Tell) -> dict[str, float]:
    """Seconds that one training image takes; of a solved network what is computed once counts once for all folds."""
    torch.set_num_threads(threads)
    known, learner = read_context(context), find_learner(candidate.model)
    rows = known.plan.development()
    rows = rows[:: max(1, len(rows) // TIMED)][:TIMED]  # of all of them: neighbours are often of one class
    lesson, once = lesson_of(known, learner, candidate, rows, 0, (), threads), 0.0
    if learner.features:
        began = time.perf_counter()
        lesson = replace(lesson, fixed=fixed(learner, lesson, known.channels))
        once = (time.perf_counter() - began) / len(rows) / known.plan.folds
    parts = len(lesson.images) / len(rows)  # that an image is cut into
    return {"seconds_per_image": once + parts * seconds_per_image(learner, lesson, channels=known.channels)}


def learn(
    *,
    context: Path,
    candidate: Candidate,
    fold: int | None,
    seed: int,
    symmetries: tuple[str, ...],
    start: Path | None,
    threads: int,
    seconds: float,
    target: Path,
    tell: Tell,
    least: float = 1.0,
) -> dict[str, Any]:
    """Train on the training images of a fold (None: on all development images); export, and answer by the export.

    start: weights of the same network to go on from. least: share of the passes that must fit into `seconds`. Writes target.onnx, target.pt (its weights) and, for a fold,
    target.npy (answers for the held-out images) and target.json (the decoding that suits them).
    """
    torch.set_num_threads(threads)
    known, learner = read_context(context), find_learner(candidate.model)
    rows = known.plan.development() if fold is None else known.plan.train(fold)
    started = time.monotonic()
    lesson = lesson_of(known, learner, candidate, rows, seed, symmetries, threads)
    if learner.features:
        lesson = replace(lesson, fixed=fixed_features(known, learner, candidate, threads)[rows])
    if start is not None and not learner.solved:
        again = max(1, round(AGAIN * candidate.epochs))
        lesson = replace(lesson, epochs=again, start=torch.load(start, weights_only=True))
    network = train(
        learner,
        lesson,
        channels=known.channels,
        deadline=started + seconds,
        least=least,
        tell=lambda epoch, epochs, value: tell({"epoch": epoch, "of": epochs, "loss": value}),
    )
    graph = export_whole(network, known.size(candidate.side), known.channels, known.floating)
    if learner.solved:
        _gate(known, network, graph, candidate, rows if fold is None else known.plan.held(fold))
    torch.save(network.state_dict(), target.with_suffix(".pt"))
    if fold is not None:
        preparation = known.preparation(candidate.side, candidate.preparation)
        answers, decoding = crossed(known, graph, known.plan.held(fold), preparation, threads)
        write_decoding(target.with_suffix(".json"), decoding)
        target.with_suffix(".onnx").write_bytes(graph)
        save(target.with_suffix(".npy"), answers)  # last: whoever resumes believes in all four
    else:
        target.with_suffix(".onnx").write_bytes(graph)
    return {"seconds": time.monotonic() - started}


def _gate(
    known: Context, network: Whole, graph: bytes, candidate: Candidate, rows: NDArray[np.int64]
) -> None:
    """The exported file must answer as the network that was solved, on held-out images; TrialError where it does not.

    What is trained by steps is only ever scored by its export. What is solved is arithmetic that a runtime might do
    otherwise: a memory bank once called a defect normal after its export, in another tool.
    """
    preparation = known.preparation(candidate.side, candidate.preparation)
    runner = Runner(graph, threads=1, needs=known.task.outputs)
    some = rows[:: max(1, len(rows) // GATED)][:GATED]
    batches = [some[:1], some[1:2]] if preparation.fit == "keep" else [some]  # of several sizes, and large
    apart = max(_apart(known, network, runner, batch, preparation) for batch in batches if len(batch))
    if not apart <= GATE:
        raise TrialError(
            f"the exported file of {candidate.id} gives other answers than the network that was fitted (by {apart:.1e} of "
            f"the greatest, allowed {GATE:.0e})"
        )


def _apart(
    known: Context, network: Whole, runner: Runner, rows: NDArray[np.int64], preparation: Preparation
) -> float:
    """The largest difference of an output of a network and of its export, as a share of the output's greatest number."""
    images, places = placed(known.dataset, rows, preparation)
    side = runner.side(places)
    with torch.inference_mode():
        expected = network(torch.from_numpy(images), *(() if side is None else (torch.from_numpy(side),)))
    before = dict(zip(network.outputs, (value.numpy() for value in expected), strict=True))
    met = runner.outputs(images, known.task.outputs, side)
    return max(
        float(np.abs(met[name] - before[name]).max()) / max(float(np.abs(before[name]).max()), 1e-9)
        for name in known.task.outputs
    )


def lesson_of(
    known: Context,
    learner: Learner,
    candidate: Candidate,
    rows: NDArray[np.int64],
    seed: int,
    symmetries: tuple[str, ...],
    threads: int,
) -> Lesson:
    """The training material of these rows, as the loop wants it."""
    losses = tuple(load("losses", name) for name in candidate.loss.split("+") if name != NO_LOSS)
    weight, how, anew = known.weight(), known.dataset.degradation, False
    if known.task.fit == "keep":
        anew = fresh(known, losses)
        images, truth, owner = patches(known, candidate, quiet=anew)
        weight, rows = weight[owner], np.flatnonzero(np.isin(owner, rows))
    else:
        images, truth = training_images(known, candidate, 1.0 if learner.solved else MARGIN)
    return Lesson(
        images=images[rows],
        truth=truth[rows],
        weight=weight[rows],
        classes=len(known.dataset.classes),
        size=known.size(candidate.side),
        epochs=max(1, candidate.epochs),
        batch=learner.batch,
        seed=seed,
        symmetries=symmetries,
        losses=losses,
        threads=threads,
        noise=None if how is None else how.known,
        fresh=anew,
        columns=known.dataset.columns,
    )


def fixed_features(known: Context, learner: Learner, candidate: Candidate, threads: int) -> NDArray[Any]:
    """(N, ...) Lesson.fixed of all images, computed once for all folds, losses and Learners that share it."""
    height, width = known.size(candidate.side)
    path = known.work / f"fixed-{learner.features}-{height}x{width}-{candidate.preparation}.npy"
    if not path.exists():
        everything = np.arange(len(known.dataset))
        save(
            path,
            fixed(learner, lesson_of(known, learner, candidate, everything, 0, (), threads), known.channels),
        )
    return np.load(path)  # type: ignore[no-any-return]


def training_images(
    known: Context, candidate: Candidate, margin: float = MARGIN
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Images (N,h,w,C) to cut training views from, made once, then read from disk; and truth in their pixels.

    margin: 1 where they are seen as they are in use.
    """
    height, width = (round(margin * side / 32) * 32 for side in known.size(candidate.side))
    preparation = type(known.preparation(candidate.side))(
        height, width, known.channels, known.task.fit, known.preparation(32, candidate.preparation).steps
    )
    path = known.work / f"lesson-{height}x{width}-{candidate.preparation}.npy"
    truth_path = path.with_name(f"truth-{path.name}")
    if not truth_path.exists():
        images, places = placed(known.dataset, np.arange(len(known.dataset)), preparation)
        if not path.exists():
            save(path, images)
        save(truth_path, known.task.forth(known.truth(), places, (height, width)))
    return np.load(path, mmap_mode="r"), np.load(truth_path)


def judge(
    *,
    context: Path,
    candidate: Candidate,
    fold: int,
    network: Path,
    views: tuple[str, ...],
    threads: int,
    tell: Tell,
) -> dict[str, Any]:
    """How much of the metric is lost when held-out images are seen another way, by a network that never was shown it.

    Were the world symmetric, a network that has only seen it upright would do as well on mirrored pictures. By the task's
    usual metric, a share of 1, whatever the objective is: what may be lost is a number here.
    """
    known = read_context(context)
    rows = known.plan.held(fold)
    preparation = known.preparation(candidate.side, candidate.preparation)
    images, places = placed(known.dataset, rows, preparation)
    truth = known.task.forth(known.truth()[rows], places, images.shape[1:3])
    decoding = read_decoding(known, network.with_suffix(".json"))
    runner = Runner(network.with_suffix(".onnx").read_bytes(), threads=threads, needs=known.task.outputs)
    usual = metric(known.task.usual_metric(known.dataset.multilabel), known.dataset.classes)
    values = {}
    for view in ("plain", *views):
        seen = turned(images, view)
        height, width = seen.shape[1:3]
        side, needed = runner.side(places), known.task.outputs
        parts = [
            runner.outputs(seen[i : i + 8], needed, None if side is None else side[i : i + 8])
            for i in range(0, len(seen), 8)
        ]
        outputs = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
        own = [Placement(height, width)] * len(rows)
        answers = known.task.decode(outputs, decoding, known.dataset.multilabel, own)
        right = truth if view == "plain" else known.task.turned(truth, view, *images.shape[1:3])
        values[view] = usual.value(right, answers)
    lost = {view: values["plain"] - values[view] for view in views}
    return {"metric": usual.name, "value": values["plain"], "lost": lost}


def shrink(
    *,
    context: Path,
    candidate: Candidate,
    source: Path,
    fold_network: Path,
    target: Path,
    threads: int,
    tell: Tell,
) -> dict[str, Any]:
    """int8 of a trained network -> target; and answers for the first fold by that fold's network in int8."""
    from objectif.learn.export.quantise import quantise

    known = read_context(context)
    preparation = known.preparation(candidate.side, candidate.preparation)
    if Runner(source.read_bytes(), needs=known.task.outputs).columns:
        raise TrialError("what is known beside the picture has no range in eight bits")

    def small(graph: Path, rows: NDArray[np.int64]) -> bytes:
        some = rows[:: max(1, len(rows) // 64)][:64]
        return quantise(graph.read_bytes(), placed(known.dataset, some, preparation)[0])

    target.write_bytes(small(source, known.plan.development()))
    held = known.plan.held(0)
    network = small(fold_network.with_suffix(".onnx"), known.plan.train(0))
    return {"rows": held, "int8": crossed(known, network, held, preparation, threads)[0]}
