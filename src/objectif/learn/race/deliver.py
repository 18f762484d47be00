"""From the board to the Solution: verdict, refit, export, int8, gate, card, report.

The delivered network is a refit on all development images with everything (loss, length, views) fixed beforehand. A
test split is answered here, once, by the file itself.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.data.pixels import placed, prepared
from objectif.errors import TrialError
from objectif.images.prepare import Placement, Preparation
from objectif.learn.export.join import join
from objectif.learn.fit.calibrate import heat_of, heated
from objectif.learn.fit.isotonic import worthwhile
from objectif.learn.models import find, find_model
from objectif.learn.models.base import Learner
from objectif.learn.race.answering import answer, read_decoding
from objectif.learn.race.board import small
from objectif.learn.race.candidate import Candidate
from objectif.learn.race.executor import LESSON, SHRINKING, Event, Job
from objectif.learn.race.folds import Speed, file_name, fold_file, refit_seconds, train_job
from objectif.learn.race.idle import against_idle
from objectif.learn.race.kind import kind_of
from objectif.learn.race.material import extractor, head_of, material
from objectif.learn.race.patches import patches
from objectif.learn.race.promising import calibration_of, promised
from objectif.learn.race.race import Race
from objectif.learn.race.record import card_of, result_of
from objectif.metrics.intervals import Interval, interval
from objectif.metrics.isotonic import share
from objectif.metrics.pictures import stored
from objectif.run.check import probes
from objectif.run.network import Network
from objectif.runs.outcome import Verdict
from objectif.runs.result import Result
from objectif.runs.verdict import verdict
from objectif.solution.file import Precision, Solution
from objectif.tasks.classify import Decoding, decode

PATCHES = 7  # squares along a side of a probe that shows nobody
PROBES, PROBES_SIZE = 4, 4_000_000
"""Images by which a Solution proves itself, and the bytes that they and their answers may take together."""


@dataclass(frozen=True)
class Delivery:
    """What a race hands over."""

    result: Result
    solution: Solution
    answers: dict[str, NDArray[Any]]


def judge(race: Race) -> Verdict:
    """The verdict on the board as it stands."""
    rows = race.ground.plan.scored()
    return verdict(
        race.board.entries(),
        race.ground.context.truth()[rows],
        race.board.metric,
        groups=_groups(race, rows),
        margin=race.problem.margin,
        limits=race.board.limits,
        seed=race.problem.seed,
    )


def _groups(race: Race, rows: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """The unit of resampling: groups and near duplicates where there are any, else None."""
    units = race.ground.context.units[rows]
    return None if len(np.unique(units)) == len(units) else units


def deliver(race: Race, found: Verdict, command: str) -> Delivery:
    """Build, check and describe the Solution of the verdict's winner."""
    winner = next(c for c in race.board.order if c.id == found.winner)
    network, known = build(race, winner), race.ground.context
    decoding = decoding_of(race, winner)
    preparation = known.preparation(winner.side, winner.preparation)
    networks, notes = _networks(race, winner, network)
    began = race.now()
    promises, decoding = promised(race, networks, decoding, preparation, notes)
    proving = race.now() - began
    estimate, answers = _estimate(race, winner, found, network, decoding)
    held_out = len(np.unique(known.units[race.ground.plan.scored()]))
    found = against_idle(found, race.board.metric, held_out, answers, race.problem.seed)
    answers["decoding"] = np.array(json.dumps(decoding.to_dict()))
    card = card_of(race, winner, found, estimate)
    inputs, places = _inputs(race, winner, preparation)
    began = race.now()
    calibration = calibration_of(winner, answers, decoding, race.problem.seed)
    kind = kind_of(race, winner, networks, decoding)
    race.board.journal.append("evidence", status="done", seconds=round(proving + race.now() - began, 3))
    solution = Solution(
        task=race.problem.task,
        classes=("identity",) if known.task.traits.private else race.ground.dataset.classes,
        multilabel=race.ground.dataset.multilabel,
        preparation=preparation,
        decoding=decoding,
        networks=networks,
        card=card.to_dict(),
        probes=_probes(networks, inputs, known.task.outputs, places),
        reference=known.shape,
        promises=promises,
        calibration=calibration,
        **kind,
    )
    result = result_of(race, found, estimate, card, notes, command, solution)
    return Delivery(result, solution, answers)


def _networks(race: Race, winner: Candidate, network: bytes) -> tuple[dict[Precision, bytes], list[str]]:
    """The network with the one of eight bits, where that is as good, and what is to be said."""
    networks: dict[Precision, bytes] = {"fp32": network}
    model, traits = find(winner.model), race.ground.context.task.traits
    if traits.one_precision:
        return networks, [f"No int8 network: {traits.one_precision}."]
    able = model.pretrained or isinstance(model, Learner)
    if not able or race.deadline - race.now() <= 12:
        return networks, []
    small, said = _small(race, winner, network)
    if small is not None:
        networks["int8"] = small
    return networks, [said]


def _inputs(
    race: Race, winner: Candidate, preparation: Preparation
) -> tuple[NDArray[Any], Sequence[Placement]]:
    """Prepared images by which the file proves itself, and their placements; of people none are shown."""
    if preparation.fit == "keep":  # pictures of several sizes are no batch; the parts learned from are
        parts = patches(race.ground.context, winner, quiet=False)[0][:PROBES]
        inputs = np.ascontiguousarray(parts)
        return inputs, [Placement(*inputs.shape[1:3])] * len(inputs)
    inputs, places = placed(race.ground.dataset, race.ground.plan.development()[:PROBES], preparation)
    private = race.ground.context.task.traits.private  # people are named by a gallery, by consent
    return (coloured(inputs) if private else inputs), places


def coloured(like: NDArray[Any]) -> NDArray[Any]:
    """Pictures of the same shape and type as (n,H,W,C), of squares in random colours."""
    n, height, width, channels = like.shape
    cells = np.random.default_rng(0).integers(0, 256, (n, PATCHES, PATCHES, channels))
    rows, columns = (np.arange(side) * PATCHES // side for side in (height, width))
    return np.ascontiguousarray(cells[:, rows][:, :, columns]).astype(like.dtype)


def _probes(
    networks: dict[Precision, bytes],
    inputs: NDArray[Any],
    outputs: tuple[str, ...],
    places: Sequence[Placement],
) -> dict[str, NDArray[Any]]:
    """Images with what each network gives for them; fewer images where that is much: a file has to stay small."""
    side = Network(networks["fp32"], needs=outputs).side(places)
    one = probes(networks, inputs[:1], outputs, None if side is None else side[:1])
    some = max(1, PROBES_SIZE // sum(values.nbytes for values in one.values()))
    return probes(networks, inputs[:some], outputs, None if side is None else side[:some])


def build(race: Race, winner: Candidate) -> bytes:
    """The winner's network, refitted on all development images."""
    if isinstance(find(winner.model), Learner):
        return _learned(race, winner)
    if winner.epochs:
        return _tuned(race, winner)
    context, model = race.ground.context, find_model(winner.model)
    arrays = {v: np.load(f, mmap_mode="r") for v, f in _feature_files(race, winner).items()}
    data = material(context, arrays, race.ground.plan.development(), winner.views, model.columns)
    head = head_of(context, data, winner.loss, race.problem.seed)
    graph = join(extractor(context, model, context.work), head.weight, head.bias, columns=model.columns)
    _gate(race, winner, graph, np.asarray(arrays["plain"]), head.weight, head.bias)
    return graph


def _feature_files(race: Race, winner: Candidate) -> dict[str, Path]:
    """view -> file of the features that the winner's head learns from."""
    return race.need(winner, ("plain", *(race.symmetries if winner.views else ())))


def _gate(
    race: Race,
    winner: Candidate,
    graph: bytes,
    features: NDArray[np.float32],
    weight: NDArray[np.float32],
    bias: NDArray[np.float32],
) -> None:
    """The joined file must give the answers that were scored; TrialError where it does not."""
    context = race.ground.context
    rows = race.ground.plan.development()
    rows = rows[:: max(1, len(rows) // 64)][:64]
    images = prepared(context.dataset, rows, context.preparation(winner.side, winner.preparation))
    network = Network(graph)
    logits = np.concatenate([network.scores(images[i : i + 16]) for i in range(0, len(images), 16)])
    expected = features[rows][:, slice(*find_model(winner.model).columns)] @ weight + bias
    multi = context.dataset.multilabel
    gap = np.abs(decode(logits, Decoding(), multi) - decode(expected, Decoding(), multi)).max()
    if gap > 1e-2:
        raise TrialError(
            f"the exported file of {winner.id} gives other answers than were scored (by {gap:.3f})"
        )


def _learned(race: Race, winner: Candidate) -> bytes:
    """The network of the first fold, trained on with all development images; as it is where no time is left."""
    try:
        if race.stopped or race.deadline - race.now() < refit_seconds(race, winner):
            raise TrialError("no time was left")
        return _tuned(race, winner)
    except TrialError as error:
        first = fold_file(race, winner, 0).with_suffix(".onnx")
        if not first.exists():
            raise
        share = len(race.ground.plan.train(0)) / len(race.ground.plan.development())
        race.notes.append(
            f"The network of the first fold is delivered; it learned from {share:.0%} of the images, as it could not be "
            f"trained on with all of them: {error}.",
            written=False,
        )
        return first.read_bytes()


def _tuned(race: Race, winner: Candidate) -> bytes:
    target = race.work / file_name(f"delivered-{winner.model}-{winner.side}-{winner.epochs}-{winner.loss}")
    failed: list[str] = []
    cores = race.executor.cores

    def handle(event: Event) -> None:
        if event.kind == "failed":
            failed.append(event.payload)

    if not target.with_suffix(".onnx").exists():
        left = race.deadline - race.now()
        race.push(
            train_job(race, winner, race.speeds.get(winner, Speed(0.0, {})), None, left, target, cores),
            handle,
        )
        race.drain(race.now() + left + 5)
    if failed or not target.with_suffix(".onnx").exists():
        raise TrialError(
            f"{winner.id} could not be refitted on all images: {'; '.join(failed) or 'out of time'}"
        )
    return target.with_suffix(".onnx").read_bytes()


def decoding_of(race: Race, winner: Candidate) -> Any:
    """Temperature of a fine-tuned network from its out-of-fold scores (heads carry theirs); costs where stated.

    Of a Learner what suits the held-out images of its first fold, with thresholds from all out-of-fold answers.
    """
    if isinstance(find(winner.model), Learner):
        known = race.ground.context
        decoding = read_decoding(known, fold_file(race, winner, 0).with_suffix(".json"))
        scores = race.board.one(winner)
        return known.task.operate(decoding, race.board.truth, scores, known.dataset.multilabel)
    matrix = race.problem.cost_matrix(race.ground.dataset.classes)
    scores, truth, heat = race.board.one(winner), race.board.truth, 1.0
    if winner.epochs:
        heat = heat_of(scores, truth)
    plain = Decoding(temperature=heat, costs=matrix)
    several = truth.ndim == 2
    warm = heated(scores.astype(np.float64), heat, several=several)
    curve = worthwhile(warm, truth, race.ground.context.units[race.ground.plan.scored()], race.problem.seed)
    if curve is None:
        return plain
    half = share(np.interp(0.0, *np.array(curve).T)[None])  # who was answered at one half still is
    thresholds = (float(half[0]),) * truth.shape[1] if several else None
    return replace(plain, curve=curve, thresholds=thresholds)


def _small(race: Race, winner: Candidate, network: bytes) -> tuple[bytes | None, str]:
    """The int8 network where its paired loss in the metric stays within the margin, and what is to be said."""
    out: list[dict[str, Any]] = []
    failed: list[str] = []

    def handle(event: Event) -> None:
        if event.kind == "done":
            out.append(event.payload)
        elif event.kind == "failed":
            failed.append(event.payload)

    target = race.work / "int8.onnx"
    arguments: dict[str, Any] = {
        "context": race.context_file,
        "candidate": winner,
        "target": target,
        "threads": race.executor.cores,
    }
    work, module = "shrink_heads", SHRINKING
    if winner.epochs:
        source = race.work / "fp32.onnx"
        source.write_bytes(network)
        arguments |= {"source": source, "fold_network": fold_file(race, winner, 0).with_suffix(".onnx")}
        learned = isinstance(find(winner.model), Learner)
        work, module = ("shrink", LESSON) if learned else ("shrink_trained", SHRINKING)
    else:
        arguments |= {"features": _feature_files(race, winner), "seed": race.problem.seed}
    left = race.deadline - race.now() - 6
    race.push(Job("int8", work, arguments, race.executor.cores, left, module=module), handle)
    race.drain(race.now() + left)
    if not out:
        return None, f"No int8 network: {failed[0] if failed else 'no time was left for it'}."
    rows = out[0]["rows"]
    truth = race.ground.context.truth()[rows]
    scored = race.board.one(winner)[np.isin(race.ground.plan.scored(), rows)]
    full, small = (race.board.metric.value(truth, answers) for answers in (scored, out[0]["int8"]))
    lost = race.board.metric.sign * (full - small)
    said = f"int8 changes {race.board.metric.name} by {small - full:+.4f} on {len(truth)} held-out images"
    if lost > race.problem.margin:
        return None, f"{said}, more than the margin of {race.problem.margin}: it is left out."
    return target.read_bytes(), f"{said}: it is in the file (--precision int8)."


def _estimate(
    race: Race, winner: Candidate, found: Verdict, network: bytes, decoding: Any
) -> tuple[Interval | None, dict[str, NDArray[Any]]]:
    """The estimate with its interval, and the answers behind confusion and errors: test images, or out of fold."""
    context, plan = race.ground.context, race.ground.plan
    rows = np.flatnonzero(plan.test)
    if not len(rows):
        rows = plan.scored()
        scores = race.board.one(winner)
        return found.estimate, _answers(race, rows, scores, "out-of-fold")
    preparation = context.preparation(winner.side, winner.preparation)
    scores = answer(context, network, rows, preparation, decoding, race.executor.cores)
    estimate = interval(
        race.board.metric, context.truth()[rows], scores, _groups(race, rows), seed=race.problem.seed
    )
    race.notes.extend(_shifted(found, estimate), written=False)
    if len(race.ground.leaked):
        clean = ~np.isin(rows, race.ground.leaked)
        without = interval(
            race.board.metric, context.truth()[rows][clean], scores[clean], _groups(race, rows[clean])
        )
        race.notes.append(
            f"Without the {int((~clean).sum())} leaked test images: {race.board.metric.name} {without.estimate:.3f} "
            f"({_span(without)}); with them {estimate.estimate:.3f}.",
            written=False,
        )
    return estimate, _answers(race, rows, scores, "test")


def _shifted(found: Verdict, estimate: Interval) -> list[str]:
    """Says so where the test images were answered far worse than held-out training images."""
    row = next(row for row in found.rows if row.id == found.winner)
    if row.low is None or row.high is None or estimate.low is None or estimate.high is None:
        return []
    worse = estimate.high < row.low if found.higher_is_better else estimate.low > row.high
    if not worse:
        return []
    return [
        f"The split is shifted: {found.metric} is {row.estimate:.3f} [{row.low:.3f}, {row.high:.3f}] on held-out "
        f"training images and {estimate.estimate:.3f} ({_span(estimate)}) on the test images. They come from another "
        "source or time, and no choice made on the training images can be trusted on them."
    ]


def _span(found: Interval) -> str:
    return "no interval" if found.low is None else f"{found.low:.3f} to {found.high:.3f}"


def _answers(race: Race, rows: NDArray[np.int64], scores: NDArray[Any], kind: str) -> dict[str, NDArray[Any]]:
    units, truth = _groups(race, rows), race.ground.context.truth()[rows]
    if race.ground.context.task.fit == "keep":
        truth, scores = stored(truth, scores)
    return {
        **({} if units is None else {"units": units}),
        "paths": np.array([race.ground.dataset.samples[int(i)].path for i in rows]),
        "truth": truth,
        "scores": small(scores) if scores.dtype != np.float16 else scores,
        "kind": np.array(kind),
        "task": np.array(race.problem.task),
    }
